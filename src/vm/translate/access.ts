// SPDX-License-Identifier: Apache-2.0
// Loads, stores and atomics (RFC 9669 section 5). Three ways, decided by what is known about the base
// register: inside a stack frame, a single map value or the context, where the check is done here and now;
// or through the region table at run time (memory.ts); or, when that check fails, out of line: the context
// under an unknown name, or a fault.
import { contextAccess, type ContextKind } from '../context.js';
import { LoadError } from '../fault.js';
import {
  accessSize,
  ALU,
  ATOMIC_CMPXCHG,
  ATOMIC_FETCH,
  ATOMIC_XCHG,
  CLASS_LDX,
  CLASS_ST,
  MODE_ATOMIC,
  MODE_MEM,
  MODE_MEMSX,
  type Instruction,
} from '../isa.js';
import { FRAME_SIZE, REGION_TABLE, RESULT } from '../memory.js';
import { I64, type Code, type Size } from '../wasm.js';
import type { Locals } from './alu.js';
import type { Known } from './known.js';

export interface AccessScope {
  readonly code: Code;
  readonly locals: Locals;
  /** i32 local: address of the frame's lowest byte. */
  readonly frame: number;
  readonly context: ContextKind;
  /** Bit mask that turns (pointer >> 27) into an offset in the region table. */
  readonly tableMask: number;
  /** Address, size and writability of a single-entry map's value. */
  value(
    map: string,
  ): { readonly address: number; readonly size: number; readonly writable: boolean } | undefined;
  /** Imports: (low, high, size | signed << 4, place) with the value in or from RESULT. */
  readonly slowLoad: number;
  readonly slowStore: number;
  place(instruction: Instruction): number;
}

/** A place in memory that needs no further check. */
interface Direct {
  /** The frame local, or 0 for absolute addresses. */
  readonly base: 'frame' | 'absolute';
  readonly offset: number;
  readonly size: Size;
}

export function emitLoad(scope: AccessScope, instruction: Instruction, base: Known | undefined): void {
  const { code, locals } = scope;
  const mode = instruction.opcode & 0xe0;
  if (mode !== MODE_MEM && mode !== MODE_MEMSX)
    throw new LoadError(`unknown load mode 0x${mode.toString(16)}`);
  const signed = mode === MODE_MEMSX;
  const size = accessSize(instruction.opcode);
  const dst = locals.register(instruction.dst);
  const direct = directPlace(scope, instruction, base, size, false, signed);
  if (direct !== undefined) {
    pushDirect(scope, direct);
    code.load(direct.size, direct.offset, signed).set(dst);
    return;
  }
  emitCheck(scope, locals.register(instruction.src), instruction.offset, size, false);
  code.if(I64);
  pushSlowArguments(scope, instruction, size | (signed ? 16 : 0));
  code.call(scope.slowLoad).i32(0).load(8, RESULT);
  code.op('else').get(locals.wide).op('i32.wrap_i64').load(size, 0, signed).op('end').set(dst);
}

export function emitStore(scope: AccessScope, instruction: Instruction, base: Known | undefined): void {
  const { code, locals } = scope;
  const mode = instruction.opcode & 0xe0;
  if (mode === MODE_ATOMIC && instruction.class !== CLASS_ST) {
    emitAtomic(scope, instruction, base);
    return;
  }
  if (mode !== MODE_MEM) throw new LoadError(`unknown store mode 0x${mode.toString(16)}`);
  const size = accessSize(instruction.opcode);
  const push = (): void => {
    if (instruction.class === CLASS_ST) code.i64(instruction.imm);
    else code.get(locals.register(instruction.src));
  };
  const direct = directPlace(scope, instruction, base, size, true, false);
  if (direct !== undefined) {
    pushDirect(scope, direct);
    push();
    code.store(direct.size, direct.offset);
    return;
  }
  emitCheck(scope, locals.register(instruction.dst), instruction.offset, size, true);
  code.if().i32(0);
  push();
  code.store(8, RESULT);
  pushSlowArguments(scope, instruction, size);
  code.call(scope.slowStore).op('else').get(locals.wide).op('i32.wrap_i64');
  push();
  code.store(size, 0).op('end');
}

/** One CPU, so load, compute and store is atomic. Leaves the address in the narrow local. */
function emitAtomic(scope: AccessScope, instruction: Instruction, base: Known | undefined): void {
  const { code, locals } = scope;
  const size = accessSize(instruction.opcode);
  if (size < 4) throw new LoadError('atomic operations take 4 or 8 bytes');
  const direct =
    base?.kind === 'context' ? undefined : directPlace(scope, instruction, base, size, true, false);
  if (direct !== undefined) {
    pushDirect(scope, direct);
    code.i32(direct.offset).op('i32.add').set(locals.narrow);
  } else {
    emitCheck(scope, locals.register(instruction.dst), instruction.offset, size, true);
    // Always a fault: there are no atomics on the context. Bit 5 tells the fault's message.
    code.if();
    pushSlowArguments(scope, instruction, size | 32);
    code.call(scope.slowStore).op('end').get(locals.wide).op('i32.wrap_i64').set(locals.narrow);
  }
  const src = locals.register(instruction.src);
  const old = locals.wide2;
  code.get(locals.narrow).load(size, 0).set(old);
  const operation = instruction.imm & ~ATOMIC_FETCH;
  if (instruction.imm === ATOMIC_XCHG) {
    code.get(locals.narrow).get(src).store(size, 0).get(old).set(src);
    return;
  }
  if (instruction.imm === ATOMIC_CMPXCHG) {
    const r0 = locals.register(0);
    code.get(old).get(r0);
    if (size === 4) code.i64(0xffff_ffffn).op('i64.and');
    code.op('i64.eq').if().get(locals.narrow).get(src).store(size, 0).op('end').get(old).set(r0);
    return;
  }
  code.get(locals.narrow).get(old).get(src);
  switch (operation) {
    case ALU.add:
      code.op('i64.add');
      break;
    case ALU.or:
      code.op('i64.or');
      break;
    case ALU.and:
      code.op('i64.and');
      break;
    case ALU.xor:
      code.op('i64.xor');
      break;
    default:
      throw new LoadError(`unknown atomic operation 0x${instruction.imm.toString(16)}`);
  }
  code.store(size, 0);
  if ((instruction.imm & ATOMIC_FETCH) !== 0) code.get(old).set(src);
}

function pushDirect(scope: AccessScope, direct: Direct): void {
  if (direct.base === 'frame') scope.code.get(scope.frame);
  else scope.code.i32(0);
}

/** The place, when the base register is known and the access is allowed there. */
function directPlace(
  scope: AccessScope,
  instruction: Instruction,
  base: Known | undefined,
  size: Size,
  write: boolean,
  signed: boolean,
): Direct | undefined {
  if (base === undefined || base.kind === 'map' || base.kind === 'function') return undefined;
  const offset = base.offset + instruction.offset;
  if (base.kind === 'frame') {
    return offset >= -FRAME_SIZE && offset + size <= 0
      ? { base: 'frame', offset: FRAME_SIZE + offset, size }
      : undefined;
  }
  if (base.kind === 'context') {
    if (instruction.class !== CLASS_LDX && !write) return undefined;
    const access = contextAccess(scope.context, offset, size, write, signed);
    if (access === undefined || access.limit !== undefined) return undefined;
    return { base: 'absolute', offset: access.address, size: access.size };
  }
  if (base.kind !== 'value') return undefined;
  const value = scope.value(base.map);
  if (value === undefined || (write && !value.writable) || offset < 0 || offset + size > value.size)
    return undefined;
  return { base: 'absolute', offset: value.address + offset, size };
}

/** Leaves an i32, true when the access is bad, and the pointer in the wide local. */
export function emitCheck(
  scope: AccessScope,
  register: number,
  offset: number,
  size: Size,
  write: boolean,
): void {
  const { code, locals } = scope;
  code.get(register);
  if (offset !== 0) code.i64(offset).op('i64.add');
  code
    .tee(locals.wide)
    .i64(27)
    .op('i64.shr_u', 'i32.wrap_i64')
    .i32(scope.tableMask)
    .op('i32.and')
    .set(locals.narrow);
  code
    .get(locals.wide)
    .get(locals.narrow)
    .load(8, REGION_TABLE + (write ? 24 : 0))
    .op('i64.sub');
  code
    .get(locals.narrow)
    .load(4, REGION_TABLE + 8 + Math.log2(size) * 4)
    .op('i64.ge_u');
}

function pushSlowArguments(scope: AccessScope, instruction: Instruction, sizeAndFlags: number): void {
  const { code, locals } = scope;
  code.get(locals.wide).op('i32.wrap_i64');
  code.get(locals.wide).i64(32).op('i64.shr_u', 'i32.wrap_i64');
  code.i32(sizeAndFlags).i32(scope.place(instruction));
}
