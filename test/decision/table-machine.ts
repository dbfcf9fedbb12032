// SPDX-License-Identifier: Apache-2.0
// Reads a decision table as bpf/lib/classify.h and chain.h do, from the format's description alone: a second
// reader, so that the writer is not its own judge.
import { FIELD_SLOTS } from '../../src/model/fields.js';
import { FIELD } from '../../src/model/fields.js';
import { STATE } from '../../src/program/layout.js';
import { HEADER, LEAF, OP, PHASE, TEST_LEAF } from '../../src/program/table-format.js';

export interface MachineOutcome {
  readonly verdict: 'accept' | 'drop' | 'reject';
  readonly hits: readonly number[];
  readonly steps: number;
}

const op = OP.values;

export class TableMachine {
  private readonly words: Uint32Array;
  longestWalk = 0;

  constructor(bytes: Uint8Array) {
    this.words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  }

  header(name: keyof typeof HEADER.values, offset = 0): number {
    return this.words[HEADER.values[name] + offset]!;
  }

  classify(root: number, fields: Uint32Array): number {
    let at = root;
    for (let steps = 0; ; steps++) {
      if (at >= LEAF) {
        this.longestWalk = Math.max(this.longestWalk, steps);
        return at - LEAF;
      }
      const head = this.words[at]!;
      const distance = (fields[head % 256]! - this.words[at + 1]!) >>> 0;
      const inside = distance <= this.words[at + 2]!;
      at = this.words[inside ? at + 4 + Math.floor(distance / 2 ** (head >>> 8)) : at + 3]!;
    }
  }

  run(
    family: 0 | 1,
    phase: keyof typeof PHASE.values,
    packet: Uint32Array,
    allows: () => boolean,
  ): MachineOutcome {
    const fields = new Uint32Array(FIELD_SLOTS);
    fields.set(packet);
    const hits: number[] = [];
    const word = (at: number): number => this.words[at]!;
    const stack: number[] = [];
    let list = this.header('ENTRY', family * 8 + PHASE.values[phase]);
    let policy = 0;
    let next = 0;
    let record = 0;
    if (list === 0) return { verdict: 'accept', hits, steps: 0 };
    for (let steps = 1; ; steps++) {
      const at = record === 0 ? word(list++) : record;
      record = 0;
      const id = word(at + 1);
      switch (word(at) & 0xff) {
        case op.LOOKUP:
          list = this.classify(id, fields);
          break;
        case op.PARTS: {
          const leaves = Array.from({ length: id }, (_, i) => this.classify(word(at + 3 + 2 * i), fields));
          list = Math.min(word(at + 2), ...leaves);
          break;
        }
        case op.BASE:
          policy = id;
          next = word(at + 2);
          list = word(at + 3);
          stack.length = 0;
          break;
        case op.ACCEPT:
          hits.push(id);
          if (next === 0) return { verdict: 'accept', hits, steps };
          list = next;
          break;
        case op.DROP:
          return { verdict: 'drop', hits: [...hits, id], steps };
        case op.REJECT:
          return { verdict: 'reject', hits: [...hits, id], steps };
        case op.HOTDROP:
          return { verdict: 'drop', hits, steps };
        case op.JUMP:
          hits.push(id);
          stack.push(list);
          list = word(at + 2);
          break;
        case op.GOTO:
          hits.push(id);
          list = word(at + 2);
          break;
        case op.RETURN:
          hits.push(id);
          list = stack.pop() ?? policy;
          break;
        case op.COUNT:
        case op.LOG:
          hits.push(id);
          break;
        case op.MARK:
          hits.push(id);
          fields[FIELD.MARK] = (fields[FIELD.MARK]! & word(at + 2)) ^ word(at + 3);
          break;
        case op.NOTRACK:
          hits.push(id);
          if (fields[FIELD.CT] === STATE.values.INVALID) fields[FIELD.CT] = STATE.values.UNTRACKED;
          break;
        case op.LIMIT:
          if (allows()) record = word(at + 5);
          break;
        case op.TEST: {
          const leaf = this.classify(id, fields);
          if (leaf === TEST_LEAF.values.HOTDROP) return { verdict: 'drop', hits, steps };
          if (leaf === TEST_LEAF.values.TRUE) record = word(at + 2);
          break;
        }
        case op.MASK:
          fields[id] = fields[word(at + 2)]! & word(at + 3);
          break;
        case op.FIELD:
          fields[id] = this.classify(word(at + 2), fields);
          break;
        default:
          throw new Error(`no record at ${at}`);
      }
    }
  }
}
