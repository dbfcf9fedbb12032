// SPDX-License-Identifier: Apache-2.0
import { beforeAll, describe, expect, it } from 'vitest';
import { EnvironmentError } from '../../src/diagnostics/diagnostic.js';
import { CompileError, compileC } from '../../src/object/clang.js';
import { functionInfo, lineInfo, ObjectError, readObject, type BpfObject } from '../../src/object/object.js';
import { compileProgram, hasClang } from '../support/clang.js';

describe('readObject on bytes that are no object', () => {
  it.each([
    ['nothing', new Uint8Array(0), 'not an ELF file'],
    ['text', new TextEncoder().encode('*filter\nCOMMIT\n'.repeat(9)), 'not an ELF file'],
  ])('%s', (_, bytes, message) => {
    expect(() => readObject(bytes)).toThrow(ObjectError);
    expect(() => readObject(bytes)).toThrow(message);
  });
});

describe.skipIf(!hasClang)('an object with one of everything (needs clang)', () => {
  let bytes: Uint8Array;
  let object: BpfObject;
  beforeAll(async () => {
    bytes = await compileProgram('shapes.c');
    object = readObject(bytes);
  });

  it('is the same from any directory and names none', async () => {
    expect(Buffer.compare(await compileProgram('shapes.c'), bytes)).toBe(0);
    expect(Buffer.from(bytes).includes(import.meta.dirname)).toBe(false);
    expect(Buffer.from(bytes).includes('/tmp/')).toBe(false);
  });

  it('is refused at every length short of whole', () => {
    for (let length = 0; length < bytes.length; length += 97) {
      expect(() => readObject(bytes.slice(0, length)), String(length)).toThrow(ObjectError);
    }
  });

  it('has its programs and maps', () => {
    expect(object.programs.map(({ name, section, type, license }) => [name, section, type, license])).toEqual(
      [
        ['ingress', 'tc/ingress', 'sched_cls', 'Dual BSD/GPL'],
        ['egress', 'tc/egress', 'sched_cls', 'Dual BSD/GPL'],
      ],
    );
    const maps = object.maps.map(({ name, type, keySize, valueSize, maxEntries, flags, pinned, frozen }) =>
      [name, type, keySize, valueSize, maxEntries, flags, pinned, frozen].join(' '),
    );
    expect(maps.sort()).toEqual(
      [
        'conns hash 8 8 1024 1 true false',
        'first array 4 4 2 0 false false',
        'outer array_of_maps 4 4 4 0 false false',
        'events ringbuf 0 0 4096 0 false false',
        '.rodata.tab array 4 16 1 128 false true',
        '.rodata array 4 4 1 128 false true',
        '.data array 4 20 1 0 false false',
        '.bss array 4 8 1 0 false false',
      ].sort(),
    );
    expect(object.maps.find(({ name }) => name === 'outer')).toMatchObject({
      inner: { type: 'array', maxEntries: 2 },
      slots: [{ index: 2, target: 'first' }],
    });
    expect([...object.maps.find(({ name }) => name === '.rodata.tab')!.contents!.slice(0, 8)]).toEqual([
      10, 0, 0, 0, 20, 0, 0, 0,
    ]);
  });

  it('links callbacks and functions behind each program, lines included', () => {
    const [ingress] = object.programs;
    expect(ingress!.functions.map(({ name }) => name)).toEqual([
      'ingress',
      'add',
      'global_function',
      'local_function',
    ]);
    expect(functionInfo(ingress!.functions)).toHaveLength(4 * 8);
    expect(lineInfo(ingress!.lines)).toHaveLength(ingress!.lines.length * 16);
    expect(ingress!.lines[0]).toMatchObject({ file: 'shapes.c', instruction: 0 });
    for (const { instruction } of ingress!.functions) {
      expect(ingress!.lines.some((line) => line.instruction === instruction)).toBe(true);
    }
  });

  it('carries the compiler’s words when C is wrong', async () => {
    const source = { name: 'wrong.c', text: 'int f(void) { return missing; }\n' };
    await expect(compileC(source)).rejects.toThrow(CompileError);
    await expect(compileC(source)).rejects.toThrow(
      /wrong\.c:1:22: error: use of undeclared identifier 'missing'/,
    );
  });

  it("a missing header of the system is the machine's fault, a missing one of the source is not", async () => {
    const text = (header: string): string => `#include <${header}>\n`;
    await expect(compileC({ name: 'a.c', text: text('linux/nowhere.h') })).rejects.toThrow(EnvironmentError);
    await expect(compileC({ name: 'a.c', text: text('nowhere.h') })).rejects.toThrow(CompileError);
  });
});
