// SPDX-License-Identifier: Apache-2.0
// Memory safety: the last byte of every region works, one past it faults, and says where.
import { describe, expect, it } from 'vitest';
import { VmFault, LoadError } from '../../src/vm/fault.js';
import { Vm } from '../../src/vm/vm.js';
import type { MapSpec, ProgramSpec } from '../../src/object/object.js';
import { assemble, programOf } from '../support/bpf-assembler.js';

const FRAME = Uint8Array.from({ length: 60 }, (_, index) => index);

const VALUES: MapSpec = {
  name: 'values',
  type: 'array',
  keySize: 4,
  valueSize: 12,
  maxEntries: 3,
  flags: 0,
  pinned: false,
  keyTypeId: 0,
  valueTypeId: 0,
  frozen: false,
};
const CONSTANTS: MapSpec = {
  ...VALUES,
  name: '.rodata',
  maxEntries: 1,
  frozen: true,
  contents: new Uint8Array(12).fill(7),
};

function run(assembly: string, overrides: Partial<ProgramSpec> = {}): number {
  const program = programOf(assemble(assembly), overrides);
  const vm = new Vm({ programs: [program], maps: [VALUES, CONSTANTS] });
  return vm.runSkb('test', FRAME, { mark: 0x11223344, etherType: 0x0800 }, 0n).action;
}

/** r2 = first byte of the packet, r3 = its end. */
const PACKET = 'ldxw %r2, [%r1+76]\nldxw %r3, [%r1+80]\nmov %r0, 0\n';
const END = '\nmov %r0, 1\nexit';

describe('the packet', () => {
  it.each([
    ['ldxb', 59],
    ['ldxh', 58],
    ['ldxw', 56],
    ['ldxdw', 52],
  ])('%s at %i is the last that fits', (load, offset) => {
    expect(run(`${PACKET}${load} %r4, [%r2+${String(offset)}]${END}`)).toBe(1);
    expect(() => run(`${PACKET}${load} %r4, [%r2+${String(offset + 1)}]${END}`)).toThrow(VmFault);
  });

  it('doesn’t begin before its first byte', () => {
    expect(() => run(`${PACKET}ldxb %r4, [%r2-1]${END}`)).toThrow(
      /offset -1 of the packet, which is \[0, 60\)/,
    );
  });

  it('has its end where data_end says', () => {
    expect(run(`${PACKET}ldxb %r0, [%r3-1]\nexit`)).toBe(59);
    expect(() => run(`${PACKET}ldxb %r0, [%r3+0]\nexit`)).toThrow(VmFault);
  });

  it.each(['stxb', 'stxh', 'stxw', 'stxdw'])('%s one past the end faults', (store) => {
    expect(() => run(`${PACKET}${store} [%r3-0], %r0${END}`)).toThrow(/write of/);
  });

  it('isn’t reached by a pointer that ran away from another region', () => {
    // The stack lies before the packet in memory; 64 bits of address don't make a pointer.
    expect(() => run(`mov %r2, %r10\nadd %r2, 200000\nldxb %r0, [%r2+0]\nexit`)).toThrow(/stack frame 0/);
  });
});

describe('the context', () => {
  it.each([
    ['len', 'ldxw %r0, [%r1+0]', 60],
    ['mark', 'ldxw %r0, [%r1+8]', 0x11223344],
    ['mark, its low byte', 'ldxb %r0, [%r1+8]', 0x44],
    ['mark, its third byte', 'ldxb %r0, [%r1+10]', 0x22],
    ['mark, its upper half', 'ldxh %r0, [%r1+10]', 0x1122],
    ['protocol, network order', 'ldxw %r0, [%r1+16]', 0x0008],
    ['wire_len', 'ldxw %r0, [%r1+160]', 60],
    ['gso_size, the last but two', 'ldxw %r0, [%r1+176]', 0],
    ['hwtstamp, the last', 'ldxdw %r0, [%r1+184]', 0],
  ])('%s', (_, load, value) => {
    expect(run(`${load}\nexit`)).toBe(value);
    // The same through a pointer nobody knows at translation: spilled and loaded again.
    expect(run(`stxdw [%r10-8], %r1\nldxdw %r1, [%r10-8]\n${load}\nexit`)).toBe(value);
  });

  it.each([
    ['one past the end', 'ldxb %r0, [%r1+192]'],
    ['eight bytes over the end', 'ldxdw %r0, [%r1+188]'],
    ['before the start', 'ldxw %r0, [%r1-4]'],
    ['unaligned', 'ldxh %r0, [%r1+9]'],
    ['eight bytes of a 32-bit field', 'ldxdw %r0, [%r1+0]'],
    ['half of data', 'ldxh %r0, [%r1+76]'],
    ['data, sign-extended', 'ldxsw %r0, [%r1+76]'],
    ['family, which TC may not see', 'ldxw %r0, [%r1+88]'],
    ['padding', 'ldxb %r0, [%r1+181]'],
    ['half of tstamp', 'ldxw %r0, [%r1+152]'],
    ['len, written', 'stw [%r1+0], 1'],
    ['a byte of mark, written', 'stb [%r1+8], 1'],
    ['data, written', 'stw [%r1+76], 1'],
    ['one past cb, written', 'stxdw [%r1+64], %r1'],
    ['mark, atomically', 'lock add32 [%r1+8], %r0'],
  ])('faults: %s', (_, access) => {
    expect(() => run(`mov %r0, 0\n${access}${END}`)).toThrow(VmFault);
    expect(() => run(`mov %r0, 0\nstxdw [%r10-8], %r1\nldxdw %r1, [%r10-8]\n${access}${END}`)).toThrow(
      VmFault,
    );
  });

  it('keeps what may be written', () => {
    expect(run('stw [%r1+8], 77\nldxw %r0, [%r1+8]\nexit')).toBe(77);
    expect(run('stb [%r1+67], 9\nldxb %r0, [%r1+67]\nexit')).toBe(9);
  });
});

describe('the stack', () => {
  it('is 512 bytes deep', () => {
    expect(run('stb [%r10-512], 3\nldxb %r0, [%r10-512]\nexit')).toBe(3);
    expect(() => run('stb [%r10-513], 3\nmov %r0, 0\nexit')).toThrow(/offset -1 of stack frame 0/);
    expect(() => run('stb [%r10-0], 3\nmov %r0, 0\nexit')).toThrow(/offset 512 of stack frame 0/);
    expect(() => run('stdw [%r10-4], 3\nmov %r0, 0\nexit')).toThrow(VmFault);
  });

  it('gives each function a frame of its own', () => {
    const call = 'stb [%r10-1], 5\nmov %r1, %r10\ncall local inner\nldxb %r0, [%r10-1]\nexit\ninner:\n';
    expect(run(`${call}stb [%r10-1], 9\nmov %r0, 0\nexit`)).toBe(5);
    expect(run(`${call}stb [%r1-1], 9\nmov %r0, 0\nexit`)).toBe(9);
    expect(() => run(`${call}stb [%r10-513], 9\nmov %r0, 0\nexit`)).toThrow(/stack frame 1/);
  });
});

describe('map values', () => {
  const lookup = (slot: number, then: string): string =>
    `stw [%r10-4], ${String(slot)}\nlddw %r1, 0\nmov %r2, %r10\nadd %r2, -4\ncall 1\njne %r0, 0, +2\nmov %r0, -1\nexit\n${then}`;
  const references = [{ instruction: 1, map: 'values' }];

  it('are apart from their neighbours', () => {
    expect(run(lookup(1, 'ldxw %r0, [%r0+8]\nexit'), { references })).toBe(0);
    expect(() => run(lookup(1, 'ldxw %r0, [%r0+9]\nexit'), { references })).toThrow(
      /offset 9 of value 1 of map `values`, which is \[0, 12\)/,
    );
    expect(() => run(lookup(1, 'ldxb %r0, [%r0-1]\nexit'), { references })).toThrow(VmFault);
    expect(() => run(lookup(2, 'ldxb %r0, [%r0+12]\nexit'), { references })).toThrow(VmFault);
    expect(run(lookup(3, 'exit'), { references })).toBe(-1);
  });

  it('of read-only data can’t be written', () => {
    const data = [{ instruction: 0, map: '.rodata', offset: 4 }];
    expect(run('lddw %r1, 0\nldxb %r0, [%r1+7]\nexit', { references: data })).toBe(7);
    expect(() => run('lddw %r1, 0\nldxb %r0, [%r1+8]\nexit', { references: data })).toThrow(VmFault);
    expect(() => run('lddw %r1, 0\nstb [%r1+0], 1\nmov %r0, 0\nexit', { references: data })).toThrow(
      /write of 1/,
    );
  });

  it('aren’t the map itself', () => {
    expect(() =>
      run('lddw %r1, 0\nldxw %r0, [%r1+0]\nexit', { references: [{ instruction: 0, map: 'values' }] }),
    ).toThrow(/a map \(not its value\)/);
  });
});

describe('programs no verifier would pass', () => {
  it.each([
    ['a null pointer', 'mov %r1, 0\nldxb %r0, [%r1+0]\nexit', /no pointer/],
    ['a number as pointer', 'lddw %r1, 0xffffffffffffff00\nldxb %r0, [%r1+0]\nexit', /no pointer/],
    ['an endless loop', 'mov %r0, 0\nagain:\nadd %r0, 1\nja again', /turns of loops/],
    [
      'a helper that reads past the stack',
      'mov %r2, 0\nmov %r3, %r10\nmov %r4, 4\ncall 26\nexit',
      /helper writes 4 bytes/,
    ],
  ])('fault at run time: %s', (_, assembly, message) => {
    expect(() => run(assembly)).toThrow(message);
  });

  it.each([
    ['an unknown helper', 'call 9999\nexit', /helper 9999/],
    ['recursion', 'call local self\nexit\nself:\ncall local self\nexit', /calls itself/],
    ['falling off the end', 'mov %r0, 0', /slot 1/],
    ['a jump out of the program', 'ja +7\nexit', /slot 8/],
    ['writing r10', 'mov %r10, 0\nexit', /read-only/],
  ])('aren’t loaded: %s', (_, assembly, message) => {
    expect(() => run(assembly)).toThrow(LoadError);
    expect(() => run(assembly)).toThrow(message);
  });

  it('are named with instruction and C line', () => {
    const lines = [
      { instruction: 1, file: 'a.c', line: 12, column: 3, text: 'x = *p;', fileOffset: 0, textOffset: 0 },
    ];
    expect(() => run('mov %r1, 0\nldxb %r0, [%r1+2]\nexit', { lines })).toThrow(
      'in test, test+1: (71) r0 = *(u8 *)(r1 +2)\n  a.c:12: x = *p;',
    );
  });
});

describe('control flow', () => {
  it('runs graphs that no nesting of blocks can express', () => {
    // Two labels that jump into each other's loop from outside: irreducible.
    const program = (mark: number): string => `
      mov %r0, 0
      ldxw %r2, [%r1+8]
      jeq %r2, ${String(mark)}, second
      first:
      add %r0, 1
      jgt %r0, 9, done
      second:
      add %r0, 10
      jlt %r0, 30, first
      done:
      exit`;
    expect(run(program(0))).toBe(12);
    expect(run(program(0x11223344))).toBe(11);
  });
});
