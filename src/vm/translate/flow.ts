// SPDX-License-Identifier: Apache-2.0
// The control-flow graph of one BPF function: basic blocks in reverse postorder with their dominators.
// Dominators: K. Cooper, T. Harvey, K. Kennedy, "A Simple, Fast Dominance Algorithm" (2001).
import { LoadError } from '../fault.js';
import {
  CALL_LOCAL,
  CLASS_JMP,
  CLASS_JMP32,
  IMM64_FUNCTION,
  JUMP,
  jumpTarget,
  type Instruction,
} from '../isa.js';

export type Terminator =
  | { readonly kind: 'exit' }
  | { readonly kind: 'goto'; readonly target: number }
  | {
      readonly kind: 'branch';
      readonly instruction: Instruction;
      readonly taken: number;
      readonly next: number;
    };

/** Blocks name each other by position in `FlowFunction.blocks`. */
export interface Block {
  /** Without the jump that ends it. */
  readonly instructions: readonly Instruction[];
  readonly terminator: Terminator;
  readonly predecessors: readonly number[];
}

export interface FlowFunction {
  /** Slot of the entry. */
  readonly entry: number;
  /** Reverse postorder; 0 is the entry. Unreachable code isn't here. */
  readonly blocks: readonly Block[];
  /** Immediate dominator of each block; the entry's is itself. */
  readonly dominators: readonly number[];
}

type Slots = readonly (Instruction | undefined)[];

/** Entry slots of every function that the program calls or takes the address of, the program's own first. */
export function functionEntries(slots: Slots): number[] {
  const entries = new Set([0]);
  for (const instruction of slots) {
    const callee = instruction === undefined ? undefined : calleeOf(instruction);
    if (callee !== undefined) entries.add(callee);
  }
  return [...entries].sort((left, right) => left - right);
}

/** The function that an instruction calls or whose address it loads. */
export function calleeOf(instruction: Instruction): number | undefined {
  const calls = instruction.opcode === (CLASS_JMP | JUMP.call) && instruction.src === CALL_LOCAL;
  const takes = instruction.opcode === 0x18 && instruction.src === IMM64_FUNCTION;
  return calls || takes ? instruction.slot + 1 + instruction.imm : undefined;
}

function isJump(instruction: Instruction): boolean {
  if (instruction.class !== CLASS_JMP && instruction.class !== CLASS_JMP32) return false;
  return (instruction.opcode & 0xf0) !== JUMP.call;
}

function isExit(instruction: Instruction): boolean {
  return instruction.opcode === (CLASS_JMP | JUMP.exit);
}

function isGoto(instruction: Instruction): boolean {
  return isJump(instruction) && (instruction.opcode & 0xf0) === JUMP.ja;
}

/** Builds the graph of the function that starts at `entry`. Throws LoadError for jumps to nowhere. */
export function buildFlow(slots: Slots, entry: number): FlowFunction {
  const leaders = findLeaders(slots, entry);
  const order = reversePostorder(slots, entry, leaders);
  const position = new Map(order.map(({ start }, index) => [start, index]));
  const predecessors: number[][] = order.map(() => []);
  order.forEach((raw, index) => {
    for (const successor of new Set(successors(raw))) predecessors[position.get(successor)!]!.push(index);
  });
  const blocks = order.map((raw, index): Block => ({
    instructions:
      raw.last !== undefined && isJump(raw.last) ? raw.instructions.slice(0, -1) : raw.instructions,
    terminator: terminatorOf(raw, position),
    predecessors: predecessors[index]!,
  }));
  return { entry, blocks, dominators: findDominators(predecessors) };
}

interface RawBlock {
  readonly start: number;
  readonly instructions: readonly Instruction[];
  readonly last: Instruction | undefined;
  /** The slot after the last instruction. */
  readonly end: number;
}

function instructionAt(slots: Slots, slot: number): Instruction {
  const instruction = slots[slot];
  if (instruction === undefined)
    throw new LoadError(`control reaches slot ${String(slot)}, which is no instruction`);
  return instruction;
}

function findLeaders(slots: Slots, entry: number): Set<number> {
  const leaders = new Set([entry]);
  const seen = new Set<number>();
  const work = [entry];
  while (work.length > 0) {
    let slot = work.pop()!;
    while (!seen.has(slot)) {
      seen.add(slot);
      const instruction = instructionAt(slots, slot);
      if (isExit(instruction)) break;
      const next = slot + instruction.slots;
      if (!isJump(instruction)) {
        slot = next;
        continue;
      }
      const target = jumpTarget(instruction);
      leaders.add(target);
      if (isGoto(instruction)) {
        slot = target;
      } else {
        leaders.add(next);
        work.push(target);
        slot = next;
      }
    }
  }
  return leaders;
}

function readBlock(slots: Slots, start: number, leaders: ReadonlySet<number>): RawBlock {
  const instructions: Instruction[] = [];
  let slot = start;
  for (;;) {
    const instruction = instructionAt(slots, slot);
    instructions.push(instruction);
    slot += instruction.slots;
    if (isJump(instruction) || leaders.has(slot))
      return { start, instructions, last: instruction, end: slot };
  }
}

function successors({ last, end }: RawBlock): number[] {
  if (last === undefined || !isJump(last)) return [end];
  if (isExit(last)) return [];
  return isGoto(last) ? [jumpTarget(last)] : [end, jumpTarget(last)];
}

function reversePostorder(slots: Slots, entry: number, leaders: ReadonlySet<number>): RawBlock[] {
  const postorder: RawBlock[] = [];
  const seen = new Set([entry]);
  const first = readBlock(slots, entry, leaders);
  const stack = [{ raw: first, left: successors(first) }];
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    const next = top.left.pop();
    if (next === undefined) {
      postorder.push(top.raw);
      stack.pop();
    } else if (!seen.has(next)) {
      seen.add(next);
      const raw = readBlock(slots, next, leaders);
      stack.push({ raw, left: successors(raw) });
    }
  }
  return postorder.reverse();
}

function terminatorOf(raw: RawBlock, position: ReadonlyMap<number, number>): Terminator {
  const { last, end } = raw;
  if (last !== undefined && isExit(last)) return { kind: 'exit' };
  if (last === undefined || !isJump(last)) return { kind: 'goto', target: position.get(end)! };
  const taken = position.get(jumpTarget(last))!;
  if (isGoto(last)) return { kind: 'goto', target: taken };
  const next = position.get(end)!;
  return taken === next ? { kind: 'goto', target: next } : { kind: 'branch', instruction: last, taken, next };
}

function findDominators(predecessors: readonly (readonly number[])[]): number[] {
  const dominators: number[] = predecessors.map(() => -1);
  dominators[0] = 0;
  const intersect = (left: number, right: number): number => {
    while (left !== right) {
      while (left > right) left = dominators[left]!;
      while (right > left) right = dominators[right]!;
    }
    return left;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (let block = 1; block < predecessors.length; block++) {
      let best = -1;
      for (const predecessor of predecessors[block]!) {
        if (dominators[predecessor] !== -1) best = best === -1 ? predecessor : intersect(predecessor, best);
      }
      if (dominators[block] !== best) {
        dominators[block] = best;
        changed = true;
      }
    }
  }
  return dominators;
}
