// SPDX-License-Identifier: Apache-2.0
// A small assembler for BPF, in the notation of the bpf_conformance project's test files:
// `mov %r0, 1`, `ldxw %r2, [%r1+4]`, `jne %r0, 15, failed`, `lock fetch_add [%r10-8], %r1`, `exit`.
// The label `exit` means the last exit instruction.
import type { ProgramSpec } from '../../src/object/object.js';
import { ALU, JUMP } from '../../src/vm/isa.js';

const ALU_NAMES = new Map<string, { operation: number; offset: number }>([
  ...Object.entries(ALU)
    .filter(([name]) => name !== 'end')
    .map(([name, operation]): [string, { operation: number; offset: number }] => [
      name,
      { operation, offset: 0 },
    ]),
  ['sdiv', { operation: ALU.div, offset: 1 }],
  ['smod', { operation: ALU.mod, offset: 1 }],
]);
const SIZES: Readonly<Record<string, number>> = { w: 0x00, h: 0x08, b: 0x10, dw: 0x18 };
const ATOMICS: Readonly<Record<string, number>> = {
  add: 0x00,
  or: 0x40,
  and: 0x50,
  xor: 0xa0,
  fetch_add: 0x01,
  fetch_or: 0x41,
  fetch_and: 0x51,
  fetch_xor: 0xa1,
  xchg: 0xe1,
  cmpxchg: 0xf1,
};

interface Slot {
  readonly opcode: number;
  readonly dst?: number;
  readonly src?: number;
  readonly offset?: number;
  readonly imm?: number;
  /** Filled in once all labels are known: a distance in slots, into offset or immediate. */
  readonly label?: { readonly name: string; readonly field: 'offset' | 'imm' };
}

const REGISTER = /^%r(\d+)$/;

function register(text: string | undefined): number {
  const number = REGISTER.exec(text ?? '')?.[1];
  if (number === undefined) throw new Error(`no register: ${String(text)}`);
  return Number(number);
}

function memoryOperand(text: string | undefined): { base: number; offset: number } {
  const found = /^\[%r(\d+)\s*(?:([+-])\s*(\w+))?\]$/.exec(text ?? '');
  if (found === null) throw new Error(`no memory operand: ${String(text)}`);
  const offset = Number(found[3] ?? 0);
  return { base: Number(found[1]), offset: found[2] === '-' ? -offset : offset };
}

/** A decimal or hexadecimal immediate, cut to 32 bits, signed. */
function immediate(text: string | undefined): number {
  const value = BigInt((text ?? '').replace(/^-/, '')) * (text?.startsWith('-') === true ? -1n : 1n);
  return Number(BigInt.asIntN(32, value));
}

/** Jump distance or label. */
function target(text: string | undefined, field: 'offset' | 'imm'): Partial<Slot> {
  const word = text ?? '';
  return /^[+-]?\d/.test(word) ? { [field]: Number(word) } : { label: { name: word, field } };
}

function instruction(mnemonic: string, operands: readonly string[]): Slot[] {
  const [first, second, third] = operands;
  if (mnemonic === 'exit') return [{ opcode: 0x95 }];
  if (mnemonic === 'lddw') {
    const word = second ?? '';
    const value = BigInt(word.replace(/^-/, '')) * (word.startsWith('-') ? -1n : 1n);
    const imm = Number(BigInt.asIntN(32, value));
    return [
      { opcode: 0x18, dst: register(first), imm },
      { opcode: 0, imm: Number(BigInt.asIntN(32, value >> 32n)) },
    ];
  }
  if (mnemonic === 'ja') return [{ opcode: 0x05, ...target(first, 'offset') }];
  if (mnemonic === 'ja32') return [{ opcode: 0x06, ...target(first, 'imm') }];
  if (mnemonic === 'call') {
    if (first === 'local') return [{ opcode: 0x85, src: 1, ...target(second, 'imm') }];
    return REGISTER.test(first ?? '')
      ? [{ opcode: 0x8d, dst: register(first) }]
      : [{ opcode: 0x85, imm: immediate(first) }];
  }
  if (mnemonic === 'lock') return [atomic(operands.join(', '))];
  const swap = /^(le|be|swap|bswap)(16|32|64)$/.exec(mnemonic);
  if (swap !== null) {
    const opcode = swap[1] === 'le' ? 0xd4 : swap[1] === 'be' ? 0xdc : 0xd7;
    return [{ opcode, dst: register(first), imm: Number(swap[2]) }];
  }
  const extend = /^movsx(8|16|32)(32|64)$/.exec(mnemonic);
  if (extend !== null) {
    const opcode = extend[2] === '64' ? 0xbf : 0xbc;
    return [{ opcode, dst: register(first), src: register(second), offset: Number(extend[1]) }];
  }
  const access = /^(ldx|stx|st)(s?)(dw|w|h|b)$/.exec(mnemonic);
  if (access !== null) return [loadOrStore(access[1]!, access[2] === 's', access[3]!, first, second)];
  const base = mnemonic.replace(/32$/, '');
  const narrow = base !== mnemonic;
  const alu = ALU_NAMES.get(base);
  if (alu !== undefined) {
    const opcode = (narrow ? 0x04 : 0x07) | alu.operation;
    const dst = register(first);
    const { offset } = alu;
    if (base === 'neg') return [{ opcode, dst }];
    return REGISTER.test(second ?? '')
      ? [{ opcode: opcode | 8, dst, src: register(second), offset }]
      : [{ opcode, dst, imm: immediate(second), offset }];
  }
  const jump = Object.entries(JUMP).find(([name]) => name === base)?.[1];
  if (jump === undefined) throw new Error(`unknown mnemonic ${mnemonic}`);
  const opcode = (narrow ? 0x06 : 0x05) | jump;
  const operand: Partial<Slot> = REGISTER.test(second ?? '')
    ? { src: register(second) }
    : { imm: immediate(second) };
  const bit = operand.src === undefined ? 0 : 8;
  return [{ opcode: opcode | bit, dst: register(first), ...operand, ...target(third, 'offset') }];
}

/** `add [%r10-8], %r1`, `fetch add32 [%r10-8], %r1`. */
function atomic(text: string): Slot {
  const [, words = '', place, source] = /^([\w ]+?)\s*(\[.*\]), (.*)$/.exec(text) ?? [];
  const name = words.replace(' ', '_');
  const narrow = name.endsWith('32');
  const imm = ATOMICS[name.replace(/32$/, '')];
  if (imm === undefined) throw new Error(`unknown atomic ${name}`);
  const { base, offset } = memoryOperand(place);
  return { opcode: narrow ? 0xc3 : 0xdb, dst: base, src: register(source), offset, imm };
}

function loadOrStore(kind: string, signed: boolean, size: string, first?: string, second?: string): Slot {
  const mode = signed ? 0x80 : 0x60;
  if (kind === 'ldx') {
    const { base, offset } = memoryOperand(second);
    return { opcode: 0x01 | mode | SIZES[size]!, dst: register(first), src: base, offset };
  }
  const { base, offset } = memoryOperand(first);
  return kind === 'stx'
    ? { opcode: 0x03 | mode | SIZES[size]!, dst: base, src: register(second), offset }
    : { opcode: 0x02 | mode | SIZES[size]!, dst: base, offset, imm: immediate(second) };
}

/** Instruction bytes of an assembly text. */
export function assemble(text: string): Uint8Array {
  const slots: Slot[] = [];
  const labels = new Map<string, number>();
  for (const raw of text.split('\n')) {
    let line = raw.replace(/#.*/, '').trim();
    const label = /^(\w+):\s*/.exec(line);
    if (label !== null) {
      labels.set(label[1]!, slots.length);
      line = line.slice(label[0].length);
    }
    if (line === '') continue;
    const [mnemonic = '', ...rest] = line.split(/\s+/);
    const words = rest.join(' ').split(',');
    // `call local f` has its two operands separated by a blank, unlike all others.
    const operands = (mnemonic === 'call' ? words.flatMap((word) => word.split(' ')) : words).map((word) =>
      word.trim(),
    );
    if (mnemonic === 'exit') labels.set('exit', slots.length);
    slots.push(...instruction(mnemonic, operands));
  }
  const bytes = new Uint8Array(slots.length * 8);
  const view = new DataView(bytes.buffer);
  slots.forEach((slot, index) => {
    let { offset = 0, imm = 0 } = slot;
    if (slot.label !== undefined) {
      const at = labels.get(slot.label.name);
      if (at === undefined) throw new Error(`no label ${slot.label.name}`);
      if (slot.label.field === 'offset') offset = at - index - 1;
      else imm = at - index - 1;
    }
    view.setUint8(index * 8, slot.opcode);
    view.setUint8(index * 8 + 1, (slot.dst ?? 0) | ((slot.src ?? 0) << 4));
    view.setInt16(index * 8 + 2, offset, true);
    view.setInt32(index * 8 + 4, imm, true);
  });
  return bytes;
}

/** Wraps instructions as a program without maps. */
export function programOf(instructions: Uint8Array, overrides: Partial<ProgramSpec> = {}): ProgramSpec {
  return {
    name: 'test',
    section: 'tc',
    type: 'sched_cls',
    instructions,
    references: [],
    functions: [{ name: 'test', instruction: 0, length: instructions.length / 8, typeId: 0 }],
    lines: [],
    coreRelocations: [],
    kernelCalls: [],
    license: 'GPL',
    ...overrides,
  };
}
