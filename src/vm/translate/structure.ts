// SPDX-License-Identifier: Apache-2.0
// From a control-flow graph to WebAssembly's nested blocks. Reducible graphs (all that compilers emit)
// follow N. Ramsey, "Beyond Relooper" (ICFP 2022): the dominator tree gives the nesting, a block where
// paths meet becomes the code after a `block`, a loop's head a `loop`. Other graphs become one loop around
// a jump table over all blocks, slower and always right.
import { Code } from '../wasm.js';
import type { FlowFunction, Terminator } from './flow.js';

export interface BlockEmitter {
  /** The block's straight-line code. */
  body(block: number): void;
  /** Leaves an i32 on the stack: is the branch taken? */
  condition(terminator: Extract<Terminator, { kind: 'branch' }>): void;
  /** Returns from the function. */
  exit(): void;
  /** At the head of every loop: pay for one more turn. */
  loopHead(block: number): void;
}

/** Emits the whole function. `state`: an i32 local for the jump table. */
export function emitStructured(flow: FlowFunction, code: Code, emitter: BlockEmitter, state: number): void {
  if (isReducible(flow)) emitNested(flow, code, emitter);
  else emitDispatch(flow, code, emitter, state);
}

/** Every edge that goes back in reverse postorder goes to a dominator of its start. */
function isReducible(flow: FlowFunction): boolean {
  const dominates = (above: number, below: number): boolean => {
    let at = below;
    while (at > above) at = flow.dominators[at]!;
    return at === above;
  };
  return flow.blocks.every(({ predecessors }, index) =>
    predecessors.every((from) => from < index || dominates(index, from)),
  );
}

type Frame = { readonly kind: 'block' | 'loop'; readonly target: number } | { readonly kind: 'if' };

function emitNested(flow: FlowFunction, code: Code, emitter: BlockEmitter): void {
  const { blocks, dominators } = flow;
  const merges = blocks.map(
    ({ predecessors }, index) => predecessors.filter((from) => from < index).length > 1,
  );
  const heads = blocks.map(({ predecessors }, index) => predecessors.some((from) => from >= index));
  /** Blocks where paths meet, by dominator, latest first: the order of their `block`s from outside in. */
  const children: number[][] = blocks.map(() => []);
  for (let block = blocks.length - 1; block > 0; block--) {
    if (merges[block] === true) children[dominators[block]!]!.push(block);
  }
  const frames: Frame[] = [];

  const jump = (from: number, to: number): void => {
    const back = to <= from;
    if (!back && merges[to] !== true) {
      tree(to);
      return;
    }
    const kind = back ? 'loop' : 'block';
    const at = frames.findLastIndex((frame) => frame.kind === kind && frame.target === to);
    code.br(frames.length - 1 - at);
  };

  const tree = (block: number): void => {
    if (heads[block] === true) {
      code.loop();
      frames.push({ kind: 'loop', target: block });
      emitter.loopHead(block);
    }
    const after = children[block]!;
    for (const target of after) {
      code.block();
      frames.push({ kind: 'block', target });
    }
    emitter.body(block);
    leave(block, blocks[block]!.terminator);
    for (const target of [...after].reverse()) {
      frames.pop();
      code.op('end');
      tree(target);
    }
    if (heads[block] === true) {
      frames.pop();
      code.op('end');
    }
  };

  const leave = (block: number, terminator: Terminator): void => {
    switch (terminator.kind) {
      case 'exit':
        emitter.exit();
        break;
      case 'goto':
        jump(block, terminator.target);
        break;
      case 'branch':
        emitter.condition(terminator);
        code.if();
        frames.push({ kind: 'if' });
        jump(block, terminator.taken);
        code.op('else');
        jump(block, terminator.next);
        code.op('end');
        frames.pop();
    }
  };

  tree(0);
  // Every path has returned or branched; the validator can't know.
  code.op('unreachable');
}

function emitDispatch(flow: FlowFunction, code: Code, emitter: BlockEmitter, state: number): void {
  const count = flow.blocks.length;
  code.loop();
  emitter.loopHead(0);
  for (let block = 0; block < count; block++) code.block();
  code.get(state).brTable(flow.blocks.map((_, index) => index));
  flow.blocks.forEach(({ terminator }, block) => {
    // Ends the innermost `block`, so that branching to depth `block` of the table lands here.
    code.op('end');
    emitter.body(block);
    const again = count - 1 - block;
    switch (terminator.kind) {
      case 'exit':
        emitter.exit();
        break;
      case 'goto':
        code.i32(terminator.target).set(state).br(again);
        break;
      case 'branch':
        code.i32(terminator.taken).i32(terminator.next);
        emitter.condition(terminator);
        code.op('select').set(state).br(again);
    }
  });
  code.op('end', 'unreachable');
}
