// SPDX-License-Identifier: Apache-2.0
// The flat table being written (format: program/table-format.ts), and diagrams packed into it.
import { MAX_U32 } from '../model/ranges.js';
import { HEADER, LEAF, TABLE_MAGIC } from '../program/table-format.js';
import type { Diagram, Reference } from './diagram.js';

/** Kids of one node above which a bucket index pays. */
const DIRECT = 4;
/** Buckets a node may have per kid. */
const SPARSITY = 4;

export class Table {
  private words = new Uint32Array(1 << 16);
  private used = 0;
  /** Nodes on the longest way to a leaf, by node address. */
  private readonly depths = new Map<number, number>();

  constructor() {
    this.append(new Array<number>(HEADER.values.END).fill(0));
    this.set(HEADER.values.MAGIC, TABLE_MAGIC);
  }

  get length(): number {
    return this.used;
  }

  /** Appends words and returns the address of the first. */
  append(words: readonly number[]): number {
    const at = this.used;
    if (at + words.length > this.words.length) {
      const larger = new Uint32Array(Math.max(this.words.length * 2, at + words.length));
      larger.set(this.words.subarray(0, at));
      this.words = larger;
    }
    this.words.set(words, at);
    this.used += words.length;
    return at;
  }

  set(address: number, word: number): void {
    this.words[address] = word;
  }

  get(address: number): number {
    return this.words[address]!;
  }

  /** Nodes from `reference` (as `pack` returned it) to its farthest leaf. */
  depth(reference: number): number {
    return this.depths.get(reference) ?? 0;
  }

  /** The finished bytes, padded with zero words to a power of two so that an address can be masked. */
  finish(): Uint8Array {
    this.set(HEADER.values.WORDS, this.used);
    let size = 1024;
    while (size < this.used) size *= 2;
    const bytes = new Uint8Array(size * 4);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < this.used; i++) view.setUint32(i * 4, this.words[i]!, true);
    return bytes;
  }

  /**
   * Writes a diagram. `slotOf` gives the field slot of a dimension, `leafValue` the number a leaf stands
   * for. Returns what a record's root word holds: a node's address or LEAF | value.
   */
  pack(
    diagram: Diagram,
    slotOf: (key: string) => number,
    leafValue: (candidates: readonly number[]) => number,
  ): number {
    const done = new Map<Reference, number>();
    const values = diagram.leaves.map((leaf) => (LEAF | leafValue(leaf)) >>> 0);
    const packNode = (reference: Reference): number => {
      if (reference < 0) return values[~reference]!;
      const known = done.get(reference);
      if (known !== undefined) return known;
      const node = diagram.nodes[reference]!;
      const kids = node.kids.map(packNode);
      const address = this.emit(slotOf(diagram.order[node.level]!), node.bounds, kids);
      done.set(reference, address);
      return address;
    };
    return packNode(diagram.root);
  }

  /** Words for one many-way node: kid i holds from bounds[i - 1] on. */
  private emit(slot: number, bounds: readonly number[], kids: readonly number[]): number {
    const written = new Map<string, number>();
    // Kids i to j (inclusive); values outside of them do not reach this part.
    const part = (i: number, j: number): number => {
      while (i < j && kids[i] === kids[j] && kids.slice(i, j).every((kid) => kid === kids[j])) i = j;
      if (i === j) return kids[i]!;
      const key = `${i},${j}`;
      const known = written.get(key);
      if (known !== undefined) return known;
      const address = this.emitPart(slot, bounds, kids, i, j, part);
      written.set(key, address);
      return address;
    };
    return part(0, kids.length - 1);
  }

  private emitPart(
    slot: number,
    bounds: readonly number[],
    kids: readonly number[],
    i: number,
    j: number,
    part: (i: number, j: number) => number,
  ): number {
    const startOf = (kid: number): number => (kid === 0 ? 0 : bounds[kid - 1]!);
    // x y x: one interval against the rest of this part.
    if (j - i === 2 && kids[i] === kids[j]) {
      return this.node(slot, 32, startOf(i + 1), startOf(j) - 1, kids[i]!, [kids[i + 1]!]);
    }
    if (j - i + 1 <= DIRECT) {
      const middle = i + ((j - i + 1) >> 1);
      return this.node(slot, 32, startOf(middle), MAX_U32, part(i, middle - 1), [part(middle, j)]);
    }
    // Buckets over the inner kids; the first and the last kid lie outside.
    const low = startOf(i + 1);
    const high = startOf(j) - 1;
    const outside =
      kids[i] === kids[j] ? kids[i]! : this.node(slot, 32, startOf(j), MAX_U32, kids[i]!, [kids[j]!]);
    let shift = 0;
    while (Math.floor((high - low) / 2 ** shift) + 1 > SPARSITY * (j - i)) shift++;
    const buckets: number[] = [];
    let from = i + 1;
    for (let begin = low; begin <= high; begin += 2 ** shift) {
      const end = Math.min(high, begin + 2 ** shift - 1);
      while (from + 1 < j && startOf(from + 1) <= begin) from++;
      let to = from;
      while (to + 1 < j && startOf(to + 1) <= end) to++;
      buckets.push(part(from, to));
    }
    return this.node(slot, shift, low, high, outside, buckets);
  }

  private node(
    slot: number,
    shift: number,
    low: number,
    high: number,
    outside: number,
    kids: readonly number[],
  ): number {
    const address = this.append([slot | (shift << 8), low, high - low, outside, ...kids]);
    let depth = this.depth(outside);
    for (const kid of kids) depth = Math.max(depth, this.depth(kid));
    this.depths.set(address, depth + 1);
    return address;
  }
}
