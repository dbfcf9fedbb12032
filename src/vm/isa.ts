// SPDX-License-Identifier: Apache-2.0
// The instruction set: encoding, decoding and text. RFC 9669; section numbers below are its own.
//
//   byte 0      byte 1         bytes 2-3   bytes 4-7
//   opcode      src:4 | dst:4  offset s16  immediate s32      (little-endian, 8 bytes a slot)
//
// An opcode's low three bits are its class. Arithmetic and jumps: bit 3 says register or immediate, the
// high four bits are the operation. Loads and stores: bits 3-4 the size, bits 5-7 the mode.

export const CLASS_LD = 0;
export const CLASS_LDX = 1;
export const CLASS_ST = 2;
export const CLASS_STX = 3;
export const CLASS_ALU = 4;
export const CLASS_JMP = 5;
export const CLASS_JMP32 = 6;
export const CLASS_ALU64 = 7;

/** Section 4.1: operations of ALU and ALU64. */
export const ALU = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
  mov: 0xb0,
  arsh: 0xc0,
  end: 0xd0,
} as const;

/** Section 4.3: operations of JMP and JMP32. */
export const JUMP = {
  ja: 0x00,
  jeq: 0x10,
  jgt: 0x20,
  jge: 0x30,
  jset: 0x40,
  jne: 0x50,
  jsgt: 0x60,
  jsge: 0x70,
  call: 0x80,
  exit: 0x90,
  jlt: 0xa0,
  jle: 0xb0,
  jslt: 0xc0,
  jsle: 0xd0,
} as const;

/** Section 5: modes of loads and stores. */
export const MODE_IMM = 0x00;
export const MODE_ABS = 0x20;
export const MODE_IND = 0x40;
export const MODE_MEM = 0x60;
export const MODE_MEMSX = 0x80;
export const MODE_ATOMIC = 0xc0;

/** Section 5.3: the immediate of an atomic instruction; FETCH also returns the old value. */
export const ATOMIC_FETCH = 0x01;
export const ATOMIC_XCHG = 0xe1;
export const ATOMIC_CMPXCHG = 0xf1;

/** Section 4.3.1 and 5.4: what `src` means in calls and in `ld_imm64`. */
export const CALL_HELPER = 0;
export const CALL_LOCAL = 1;
export const IMM64_PLAIN = 0;
export const IMM64_FUNCTION = 4;

export interface Instruction {
  /** Slot, counted from the start of the program. */
  readonly slot: number;
  readonly opcode: number;
  readonly class: number;
  readonly dst: number;
  readonly src: number;
  readonly offset: number;
  readonly imm: number;
  /** Upper half of a 64-bit immediate. */
  readonly immHigh: number;
  /** 1, or 2 for `ld_imm64`. */
  readonly slots: number;
}

/** Decodes all slots; `undefined` stands for the second half of an `ld_imm64`, which can't be jumped to. */
export function decode(bytes: Uint8Array): (Instruction | undefined)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.floor(bytes.length / 8);
  const out: (Instruction | undefined)[] = [];
  for (let slot = 0; slot < count; slot++) {
    const opcode = view.getUint8(slot * 8);
    const registers = view.getUint8(slot * 8 + 1);
    const wide = opcode === 0x18 && slot + 1 < count;
    out.push({
      slot,
      opcode,
      class: opcode & 7,
      dst: registers & 15,
      src: registers >> 4,
      offset: view.getInt16(slot * 8 + 2, true),
      imm: view.getInt32(slot * 8 + 4, true),
      immHigh: wide ? view.getInt32(slot * 8 + 12, true) : 0,
      slots: wide ? 2 : 1,
    });
    if (wide) {
      out.push(undefined);
      slot++;
    }
  }
  return out;
}

/** Bytes that a load or store touches. */
export function accessSize(opcode: number): 1 | 2 | 4 | 8 {
  return ([4, 2, 1, 8] as const)[(opcode >> 3) & 3]!;
}

/** The slot that a jump goes to. `gotol` (JA of class JMP32) keeps its distance in the immediate. */
export function jumpTarget(instruction: Instruction): number {
  const long = instruction.class === CLASS_JMP32 && (instruction.opcode & 0xf0) === JUMP.ja;
  return instruction.slot + 1 + (long ? instruction.imm : instruction.offset);
}
