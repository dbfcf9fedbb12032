// SPDX-License-Identifier: Apache-2.0
// What is known about registers before a program runs: which of them hold the frame pointer, the context,
// a map or an address inside a single-entry map, plus a constant. Accesses through those are checked once,
// at translation; everything else is checked at run time. Unknown is always a right answer here.
import type { MapReference, ProgramSpec } from '../../object/spec.js';
import {
  ALU,
  ATOMIC_CMPXCHG,
  ATOMIC_FETCH,
  CLASS_ALU,
  CLASS_ALU64,
  CLASS_JMP,
  CLASS_LD,
  CLASS_LDX,
  CLASS_STX,
  IMM64_FUNCTION,
  JUMP,
  MODE_ATOMIC,
  type Instruction,
} from '../isa.js';
import { calleeOf, type FlowFunction } from './flow.js';

export type Known =
  | { readonly kind: 'frame' | 'context'; readonly offset: number }
  | { readonly kind: 'map'; readonly map: string }
  | { readonly kind: 'value'; readonly map: string; readonly offset: number }
  | { readonly kind: 'function'; readonly entry: number };

/** One entry per register; undefined = unknown. */
export type Registers = readonly (Known | undefined)[];

const FRAME: Known = { kind: 'frame', offset: 0 };
const NOTHING: Registers = [...Array.from({ length: 10 }, () => undefined), FRAME];

/** What is known at the start of each block of each function, by entry slot. */
export class KnownRegisters {
  private readonly references: ReadonlyMap<number, MapReference>;
  private readonly atEntry = new Map<number, Registers>();
  private readonly atBlock = new Map<number, (Registers | undefined)[]>();

  /** `context`: does the program start with its context in r1? Else r1 is unknown. */
  constructor(
    program: ProgramSpec,
    private readonly flows: ReadonlyMap<number, FlowFunction>,
    context: boolean,
  ) {
    this.references = new Map(program.references.map((reference) => [reference.instruction, reference]));
    const main = [...NOTHING];
    if (context) main[1] = { kind: 'context', offset: 0 };
    this.atEntry.set(0, main);
    this.solve();
  }

  blockStart(entry: number, block: number): Registers {
    return this.atBlock.get(entry)?.[block] ?? NOTHING;
  }

  /** The state after one instruction. */
  after(before: Registers, instruction: Instruction): Registers {
    const written = writtenRegister(instruction);
    if (written === 'call') return [...Array.from({ length: 6 }, () => undefined), ...before.slice(6)];
    if (written === undefined) return before;
    const after = [...before];
    after[written] = this.result(before, instruction);
    return after;
  }

  private result(before: Registers, instruction: Instruction): Known | undefined {
    const { opcode, dst, src, imm } = instruction;
    if (instruction.class === CLASS_LD) {
      const reference = this.references.get(instruction.slot);
      if (reference !== undefined) {
        const { map, offset } = reference;
        return offset === undefined ? { kind: 'map', map } : { kind: 'value', map, offset };
      }
      return instruction.src === IMM64_FUNCTION
        ? { kind: 'function', entry: instruction.slot + 1 + imm }
        : undefined;
    }
    if (opcode === (CLASS_ALU64 | ALU.mov | 8) && instruction.offset === 0) return before[src];
    if (opcode === (CLASS_ALU64 | ALU.add)) return shifted(before[dst], imm);
    if (opcode === (CLASS_ALU64 | ALU.sub)) return shifted(before[dst], -imm);
    return undefined;
  }

  /** Work list over functions: a caller's arguments are part of what is known at the callee's entry. */
  private solve(): void {
    const callbacks = new Set<number>();
    const work = [0];
    const enter = (entry: number, state: Registers): void => {
      const old = this.atEntry.get(entry);
      const joined = old === undefined ? state : join(old, state);
      if (old !== undefined && same(old, joined)) return;
      this.atEntry.set(entry, joined);
      work.push(entry);
    };
    for (let entry = work.pop(); entry !== undefined; entry = work.pop()) {
      const flow = this.flows.get(entry);
      if (flow === undefined) continue;
      this.solveFunction(flow, (instruction, before) => {
        const callee = calleeOf(instruction);
        if (callee === undefined) return;
        if (instruction.class === CLASS_LD) {
          // Its address is taken: some helper calls it with arguments of its own.
          if (!callbacks.has(callee)) enter(callee, NOTHING);
          callbacks.add(callee);
        } else {
          const args = before.slice(1, 6).map((known) => (known?.kind === 'frame' ? undefined : known));
          enter(callee, [undefined, ...args, undefined, undefined, undefined, undefined, FRAME]);
        }
      });
    }
  }

  private solveFunction(
    flow: FlowFunction,
    visit: (instruction: Instruction, before: Registers) => void,
  ): void {
    const states: (Registers | undefined)[] = flow.blocks.map(() => undefined);
    states[0] = this.atEntry.get(flow.entry) ?? NOTHING;
    const pending = new Set([0]);
    while (pending.size > 0) {
      // Lowest first follows reverse postorder, so most blocks are visited once.
      const block = Math.min(...pending);
      pending.delete(block);
      const { instructions, terminator } = flow.blocks[block]!;
      let state = states[block]!;
      for (const instruction of instructions) {
        visit(instruction, state);
        state = this.after(state, instruction);
      }
      const next =
        terminator.kind === 'exit'
          ? []
          : terminator.kind === 'goto'
            ? [terminator.target]
            : [terminator.taken, terminator.next];
      for (const successor of next) {
        const old = states[successor];
        const joined = old === undefined ? state : join(old, state);
        if (old !== undefined && same(old, joined)) continue;
        states[successor] = joined;
        pending.add(successor);
      }
    }
    this.atBlock.set(flow.entry, states);
  }
}

function shifted(known: Known | undefined, by: number): Known | undefined {
  if (known === undefined || known.kind === 'map' || known.kind === 'function') return undefined;
  return { ...known, offset: known.offset + by };
}

function equal(left: Known | undefined, right: Known | undefined): boolean {
  if (left === right) return true;
  if (left === undefined || right === undefined || left.kind !== right.kind) return false;
  const map = 'map' in left && 'map' in right ? left.map === right.map : true;
  const offset = 'offset' in left && 'offset' in right ? left.offset === right.offset : true;
  const entry = 'entry' in left && 'entry' in right ? left.entry === right.entry : true;
  return map && offset && entry;
}

function join(left: Registers, right: Registers): Registers {
  return left.map((known, register) => (equal(known, right[register]) ? known : undefined));
}

function same(left: Registers, right: Registers): boolean {
  return left.every((known, register) => equal(known, right[register]));
}

/** The register an instruction writes; `call`: r0 to r5 are gone. */
function writtenRegister(instruction: Instruction): number | 'call' | undefined {
  switch (instruction.class) {
    case CLASS_ALU:
    case CLASS_ALU64:
    case CLASS_LD:
    case CLASS_LDX:
      return instruction.dst;
    case CLASS_STX:
      if ((instruction.opcode & 0xe0) !== MODE_ATOMIC || (instruction.imm & ATOMIC_FETCH) === 0)
        return undefined;
      return instruction.imm === ATOMIC_CMPXCHG ? 0 : instruction.src;
    case CLASS_JMP:
      return (instruction.opcode & 0xf0) === JUMP.call ? 'call' : undefined;
    default:
      return undefined;
  }
}
