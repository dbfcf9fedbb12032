// SPDX-License-Identifier: Apache-2.0
// Calls (RFC 9669 section 4.3.1). Helpers that every packet meets (lookups in arrays and hashes, clocks,
// loops, tail calls) are translated in place; the others leave r1-r5 in memory and run in TypeScript.
import type { MapSpec } from '../../object/spec.js';
import { E2BIG, EINVAL } from '../errno.js';
import { LoadError } from '../fault.js';
import { HELPER } from '../helpers/ids.js';
import { CALL_HELPER, CALL_LOCAL, CLASS_JMP, JUMP, type Instruction } from '../isa.js';
import { ARGUMENTS, CALLER_FRAME, CLOCK, FRAME_SIZE, REGION_FUNCTION, RESULT } from '../memory.js';
import { I64 } from '../wasm.js';
import { emitCheck, type AccessScope } from './access.js';
import type { Registers } from './known.js';

/** A map as generated code needs it. */
export interface MapPlace {
  readonly spec: MapSpec;
  readonly index: number;
  readonly firstRegion: number;
  readonly firstValue: number;
  readonly stride: number;
}

export interface CallScope extends AccessScope {
  map(name: string): MapPlace;
  /** WebAssembly function of the BPF function that starts at a slot of this program. */
  functionIndex(entry: number): number;
  /** The type of every BPF function: (r1..r5, r10) -> r0. */
  readonly functionType: number;
  /** Import (helper number, place); arguments and answer in memory. */
  readonly helper: number;
  /** Import (map index, key low, key high, place) -> slot or -1. */
  readonly lookup: number;
  /** Import (place) -> table index of the next program or -1. */
  readonly tailCall: number;
  /** `bpf_loop` pays for each turn as loops do. */
  emitFuel(instruction: Instruction): void;
  /** Is this helper number known? */
  knows(helper: number): boolean;
}

/** What a callee's frame pointer is, relative to its caller's: one region and one frame further. */
export const NEXT_FRAME = (1n << 32n) + BigInt(FRAME_SIZE);
/** `BPF_MAX_LOOPS` (include/linux/bpf.h). */
const MAX_LOOPS = 8 * 1024 * 1024;

export function emitCall(scope: CallScope, instruction: Instruction, before: Registers): void {
  const { code, locals } = scope;
  const register = locals.register;
  if (instruction.opcode === (CLASS_JMP | JUMP.call | 8)) {
    // `callx`: the helper's number is in a register.
    storeArguments(scope);
    code.get(register(instruction.dst)).op('i32.wrap_i64').i32(scope.place(instruction)).call(scope.helper);
    code.i32(0).load(8, RESULT).set(register(0));
    return;
  }
  if (instruction.src === CALL_LOCAL) {
    for (let number = 1; number <= 5; number++) code.get(register(number));
    code.get(register(10)).i64(NEXT_FRAME).op('i64.add');
    code.call(scope.functionIndex(instruction.slot + 1 + instruction.imm)).set(register(0));
    return;
  }
  if (instruction.src !== CALL_HELPER) throw new LoadError(`kernel functions can't be called in the VM`);
  switch (instruction.imm) {
    case HELPER.map_lookup_elem:
      if (emitLookup(scope, instruction, before)) return;
      break;
    case HELPER.ktime_get_ns:
    case HELPER.ktime_get_boot_ns:
    case HELPER.ktime_get_coarse_ns:
      code.i32(0).load(8, CLOCK).set(register(0));
      return;
    case HELPER.get_smp_processor_id:
    case HELPER.spin_lock:
    case HELPER.spin_unlock:
      // One CPU: its number is 0 and nobody else holds a lock.
      code.i64(0).set(register(0));
      return;
    case HELPER.loop:
      emitLoop(scope, instruction);
      return;
    case HELPER.tail_call:
      emitTailCall(scope, instruction);
      return;
  }
  if (!scope.knows(instruction.imm)) throw new LoadError(`helper ${String(instruction.imm)} isn't in the VM`);
  storeArguments(scope);
  if (instruction.imm === HELPER.for_each_map_elem) code.i32(0).get(register(10)).store(8, CALLER_FRAME);
  code.i32(instruction.imm).i32(scope.place(instruction)).call(scope.helper);
  code.i32(0).load(8, RESULT).set(register(0));
}

function storeArguments({ code, locals }: CallScope): void {
  for (let number = 1; number <= 5; number++) {
    code
      .i32(0)
      .get(locals.register(number))
      .store(8, ARGUMENTS + 8 * (number - 1));
  }
}

/** A lookup in a map known by name. False: leave it to the helper. */
function emitLookup(scope: CallScope, instruction: Instruction, before: Registers): boolean {
  const { code, locals } = scope;
  const known = before[1];
  if (known?.kind !== 'map') return false;
  const map = scope.map(known.map);
  const { type, maxEntries } = map.spec;
  const slot = locals.narrow;
  const r0 = locals.register(0);
  if (type === 'array' || type === 'percpu_array') {
    emitArrayKey(scope, instruction, before);
    code.tee(slot).i32(maxEntries).op('i32.lt_u').if(I64);
  } else if (type === 'hash' || type === 'percpu_hash' || type.startsWith('lru') || type === 'lpm_trie') {
    const key = locals.register(2);
    code.i32(map.index).get(key).op('i32.wrap_i64').get(key).i64(32).op('i64.shr_u', 'i32.wrap_i64');
    code.i32(scope.place(instruction)).call(scope.lookup);
    code.tee(slot).i32(0).op('i32.ge_s').if(I64);
  } else {
    return false;
  }
  // Value n: region and address both count up with n.
  code.get(slot).op('i64.extend_i32_u');
  code.i64((1n << 32n) + BigInt(map.stride)).op('i64.mul');
  code.i64((BigInt(map.firstRegion) << 32n) + BigInt(map.firstValue)).op('i64.add');
  code.op('else').i64(0).op('end').set(r0);
  return true;
}

/** Leaves the u32 that r2 points to. */
function emitArrayKey(scope: CallScope, instruction: Instruction, before: Registers): void {
  const { code, locals } = scope;
  const key = before[2];
  if (key?.kind === 'frame' && key.offset >= -FRAME_SIZE && key.offset + 4 <= 0) {
    code.get(scope.frame).loadI32(FRAME_SIZE + key.offset);
    return;
  }
  emitCheck(scope, locals.register(2), 0, 4, false);
  code.if();
  code.get(locals.wide).op('i32.wrap_i64').get(locals.wide).i64(32).op('i64.shr_u', 'i32.wrap_i64');
  // No region of an access of size 4 in the context: this faults, whatever the pointer is.
  code
    .i32(4 | 64)
    .i32(scope.place(instruction))
    .call(scope.slowLoad);
  code.op('end').get(locals.wide).op('i32.wrap_i64').loadI32(0);
}

/** kernel/bpf/bpf_iter.c, bpf_loop. */
function emitLoop(scope: CallScope, instruction: Instruction): void {
  const { code, locals } = scope;
  const register = locals.register;
  const turn = register(0);
  code
    .get(register(4))
    .op('i64.eqz')
    .if()
    .get(register(1))
    .op('i32.wrap_i64')
    .i32(MAX_LOOPS)
    .op('i32.le_u')
    .if();
  code.i64(0).set(turn);
  code.block().loop();
  code.get(turn).get(register(1)).i64(0xffff_ffffn).op('i64.and', 'i64.ge_u').brIf(1);
  scope.emitFuel(instruction);
  code.get(turn).get(register(3)).i64(0).i64(0).i64(0);
  code.get(register(10)).i64(NEXT_FRAME).op('i64.add');
  emitFunctionPointer(scope, instruction);
  code.callIndirect(scope.functionType).set(locals.wide);
  code.get(turn).i64(1).op('i64.add').set(turn);
  code.get(locals.wide).op('i64.eqz').brIf(0);
  code.op('end', 'end');
  code.op('else').i64(-E2BIG).set(turn).op('end');
  code.op('else').i64(-EINVAL).set(turn).op('end');
}

/** Leaves the table index that r2 names; a number that is no function's address faults. */
function emitFunctionPointer(scope: CallScope, instruction: Instruction): void {
  const { code, locals } = scope;
  const pointer = locals.register(2);
  code.get(pointer).i64(32).op('i64.shr_u').i64(REGION_FUNCTION).op('i64.ne').if();
  code.get(pointer).op('i32.wrap_i64').get(pointer).i64(32).op('i64.shr_u', 'i32.wrap_i64');
  code
    .i32(1 | 64)
    .i32(scope.place(instruction))
    .call(scope.slowLoad)
    .op('end');
  code.get(pointer).op('i32.wrap_i64');
}

/** The next program takes this one's frame and never comes back. */
function emitTailCall(scope: CallScope, instruction: Instruction): void {
  const { code, locals } = scope;
  const register = locals.register;
  storeArguments(scope);
  code.i32(scope.place(instruction)).call(scope.tailCall).tee(locals.narrow).i32(0).op('i32.ge_s').if();
  code.get(register(1)).i64(0).i64(0).i64(0).i64(0).get(register(10)).get(locals.narrow);
  code.callIndirect(scope.functionType).op('return', 'end');
  code.i64(-EINVAL).set(register(0));
}
