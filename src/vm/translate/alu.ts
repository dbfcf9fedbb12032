// SPDX-License-Identifier: Apache-2.0
// Arithmetic, byte swaps and branch conditions (RFC 9669 sections 4.1 to 4.3). BPF and WebAssembly agree on
// wrapping and on masking shift counts; where they differ: division by zero gives 0, a remainder by zero
// leaves the dividend, and the most negative number divided by -1 is itself.
import { LoadError } from '../fault.js';
import { ALU, CLASS_ALU64, CLASS_JMP, JUMP, type Instruction } from '../isa.js';
import { I32, I64, type Code, type Op } from '../wasm.js';

/** Which WebAssembly local is which register, and the scratch locals. */
export interface Locals {
  readonly register: (number: number) => number;
  /** i64. */
  readonly wide: number;
  /** i64. */
  readonly wide2: number;
  /** i32. */
  readonly narrow: number;
}

const DIRECT: ReadonlyMap<number, readonly [Op, Op]> = new Map([
  [ALU.add, ['i32.add', 'i64.add']],
  [ALU.sub, ['i32.sub', 'i64.sub']],
  [ALU.mul, ['i32.mul', 'i64.mul']],
  [ALU.or, ['i32.or', 'i64.or']],
  [ALU.and, ['i32.and', 'i64.and']],
  [ALU.xor, ['i32.xor', 'i64.xor']],
  [ALU.lsh, ['i32.shl', 'i64.shl']],
  [ALU.rsh, ['i32.shr_u', 'i64.shr_u']],
  [ALU.arsh, ['i32.shr_s', 'i64.shr_s']],
]);

/** One instruction of class ALU or ALU64. */
export function emitArithmetic(code: Code, instruction: Instruction, locals: Locals): void {
  const operation = instruction.opcode & 0xf0;
  const wide = instruction.class === CLASS_ALU64;
  const dst = locals.register(instruction.dst);
  const finish = (): void => {
    if (!wide) code.op('i64.extend_i32_u');
    code.set(dst);
  };
  const direct = DIRECT.get(operation);
  if (direct !== undefined) {
    pushRegister(code, dst, wide);
    pushOperand(code, instruction, wide, locals);
    code.op(direct[wide ? 1 : 0]);
    finish();
    return;
  }
  switch (operation) {
    case ALU.mov:
      emitMove(code, instruction, wide, locals);
      finish();
      return;
    case ALU.neg:
      if (wide) code.i64(0);
      else code.i32(0);
      pushRegister(code, dst, wide);
      code.op(wide ? 'i64.sub' : 'i32.sub');
      finish();
      return;
    case ALU.div:
    case ALU.mod:
      emitDivision(code, instruction, wide, locals);
      finish();
      return;
    case ALU.end:
      emitSwap(code, instruction, locals);
      return;
    default:
      throw new LoadError(`unknown opcode 0x${instruction.opcode.toString(16)}`);
  }
}

function pushRegister(code: Code, local: number, wide: boolean): void {
  code.get(local);
  if (!wide) code.op('i32.wrap_i64');
}

function pushOperand(code: Code, instruction: Instruction, wide: boolean, locals: Locals): void {
  if ((instruction.opcode & 8) !== 0) pushRegister(code, locals.register(instruction.src), wide);
  else if (wide) code.i64(instruction.imm);
  else code.i32(instruction.imm);
}

function emitMove(code: Code, instruction: Instruction, wide: boolean, locals: Locals): void {
  pushOperand(code, instruction, wide, locals);
  switch (instruction.offset) {
    case 0:
      return;
    case 8:
      code.op(wide ? 'i64.extend8_s' : 'i32.extend8_s');
      return;
    case 16:
      code.op(wide ? 'i64.extend16_s' : 'i32.extend16_s');
      return;
    case 32:
      if (wide) {
        code.op('i64.extend32_s');
        return;
      }
  }
  throw new LoadError(`MOVSX from ${String(instruction.offset)} bits doesn't exist`);
}

/** Offset 1 marks the signed forms. Operands go through locals, as each is needed twice. */
function emitDivision(code: Code, instruction: Instruction, wide: boolean, locals: Locals): void {
  const signed = instruction.offset === 1;
  const modulo = (instruction.opcode & 0xf0) === ALU.mod;
  const type = wide ? 'i64' : 'i32';
  const operation: Op = `${type}.${modulo ? 'rem' : 'div'}_${signed ? 's' : 'u'}`;
  const dst = locals.register(instruction.dst);
  const result = wide ? I64 : I32;
  const divisor = (): void => pushOperand(code, instruction, wide, locals);
  const zero = (): void => {
    if (modulo) pushRegister(code, dst, wide);
    else if (wide) code.i64(0);
    else code.i32(0);
  };
  divisor();
  code.op(`${type}.eqz`).if(result);
  zero();
  code.op('else');
  if (signed && !modulo) {
    divisor();
    if (wide) code.i64(-1);
    else code.i32(-1);
    code.op(`${type}.eq`).if(result);
    if (wide) code.i64(0);
    else code.i32(0);
    pushRegister(code, dst, wide);
    code.op(`${type}.sub`, 'else');
  }
  pushRegister(code, dst, wide);
  divisor();
  code.op(operation);
  if (signed && !modulo) code.op('end');
  code.op('end');
}

/** Byte swaps: ALU64 swaps always, ALU to big-endian swaps, to little-endian only cuts (this machine is little-endian). */
function emitSwap(code: Code, instruction: Instruction, locals: Locals): void {
  const dst = locals.register(instruction.dst);
  const bits = instruction.imm;
  const swaps = instruction.class === CLASS_ALU64 || (instruction.opcode & 8) !== 0;
  if (bits !== 16 && bits !== 32 && bits !== 64) throw new LoadError(`byte swap of ${String(bits)} bits`);
  if (!swaps) {
    if (bits === 64) return;
    code
      .get(dst)
      .i64(bits === 16 ? 0xffff : 0xffff_ffffn)
      .op('i64.and')
      .set(dst);
    return;
  }
  if (bits === 64) {
    code.get(dst).op('i32.wrap_i64').set(locals.narrow);
    swap32(code, locals.narrow);
    code.op('i64.extend_i32_u').i64(32).op('i64.shl');
    code.get(dst).i64(32).op('i64.shr_u', 'i32.wrap_i64').set(locals.narrow);
    swap32(code, locals.narrow);
    code.op('i64.extend_i32_u', 'i64.or').set(dst);
    return;
  }
  code.get(dst).op('i32.wrap_i64').set(locals.narrow);
  swap32(code, locals.narrow);
  if (bits === 16) code.i32(16).op('i32.shr_u');
  code.op('i64.extend_i32_u').set(dst);
}

/** Leaves the bytes of an i32 local in opposite order on the stack. */
function swap32(code: Code, local: number): void {
  code.get(local).i32(8).op('i32.rotl').i32(0x00ff00ff).op('i32.and');
  code.get(local).i32(24).op('i32.rotl').i32(0xff00ff00).op('i32.and');
  code.op('i32.or');
}

const COMPARISONS: ReadonlyMap<number, readonly [Op, Op]> = new Map([
  [JUMP.jeq, ['i32.eq', 'i64.eq']],
  [JUMP.jne, ['i32.ne', 'i64.ne']],
  [JUMP.jgt, ['i32.gt_u', 'i64.gt_u']],
  [JUMP.jge, ['i32.ge_u', 'i64.ge_u']],
  [JUMP.jlt, ['i32.lt_u', 'i64.lt_u']],
  [JUMP.jle, ['i32.le_u', 'i64.le_u']],
  [JUMP.jsgt, ['i32.gt_s', 'i64.gt_s']],
  [JUMP.jsge, ['i32.ge_s', 'i64.ge_s']],
  [JUMP.jslt, ['i32.lt_s', 'i64.lt_s']],
  [JUMP.jsle, ['i32.le_s', 'i64.le_s']],
]);

/** Leaves an i32: is the jump taken? */
export function emitCondition(code: Code, instruction: Instruction, locals: Locals): void {
  const wide = instruction.class === CLASS_JMP;
  const operation = instruction.opcode & 0xf0;
  pushRegister(code, locals.register(instruction.dst), wide);
  pushOperand(code, instruction, wide, locals);
  const comparison = COMPARISONS.get(operation);
  if (comparison !== undefined) {
    code.op(comparison[wide ? 1 : 0]);
  } else if (operation === JUMP.jset) {
    if (wide) code.op('i64.and').i64(0).op('i64.ne');
    else code.op('i32.and');
  } else {
    throw new LoadError(`unknown opcode 0x${instruction.opcode.toString(16)}`);
  }
}
