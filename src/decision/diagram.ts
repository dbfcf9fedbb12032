// SPDX-License-Identifier: Apache-2.0
// Interval decision diagrams over boxes: top-down, memoised on what is left of the boxes, hash-consed.
// A leaf lists the candidates whose boxes hold, in order, up to the first final one.
import { MAX_U32 } from '../model/ranges.js';
import type { Box } from '../model/box.js';
import { SequenceTable } from './sequence-table.js';

/** One box of a candidate. `final`: nothing after the candidate can be reached when it holds. */
export interface Item {
  readonly candidate: number;
  readonly final: boolean;
  readonly box: Box;
}

/** Non-negative: index into `nodes`; negative: ~index into `leaves`. */
export type Reference = number;

export interface DiagramNode {
  /** Index into the order. */
  readonly level: number;
  /** First value of each interval but the first; ascending. */
  readonly bounds: readonly number[];
  /** One more than bounds. */
  readonly kids: readonly Reference[];
}

export interface Diagram {
  readonly order: readonly string[];
  readonly nodes: readonly DiagramNode[];
  readonly leaves: readonly (readonly number[])[];
  readonly root: Reference;
}

/** Ran over its budget of work: the caller splits, partitions or gives up. */
export class BudgetExceeded extends Error {}

interface Suffix {
  readonly level: number;
  /** first, last, first, last... */
  readonly ranges: readonly number[];
  readonly next: number;
  readonly candidate: number;
  readonly final: boolean;
}

/**
 * Builds the diagram for `items` in dimension order `order` (all keys of all boxes).
 * `budget`: steps of work allowed, about one per item looked at per interval.
 */
export function buildDiagram(items: readonly Item[], order: readonly string[], budget: number): Diagram {
  return new Builder(order, budget).build(items);
}

class Builder {
  private readonly suffixes: Suffix[] = [];
  private readonly suffixIds = new Map<string, number>();
  private readonly memo = new SequenceTable();
  private readonly memoValue: Reference[] = [];
  private readonly nodes: DiagramNode[] = [];
  private readonly nodeIds = new SequenceTable();
  private readonly leaves: (readonly number[])[] = [];
  private readonly leafIds = new SequenceTable();
  private readonly levelOf: ReadonlyMap<string, number>;
  private work = 0;
  private stamp = 0;
  private suffixStamp = new Uint32Array(1024);
  private candidateStamp = new Map<number, number>();

  constructor(
    private readonly order: readonly string[],
    private readonly budget: number,
  ) {
    this.levelOf = new Map(order.map((key, level) => [key, level]));
  }

  build(items: readonly Item[]): Diagram {
    const sequence = items.map((item) => this.suffixOf(item));
    this.suffixStamp = new Uint32Array(this.suffixes.length);
    const root = this.node(this.reduce(sequence));
    return { order: this.order, nodes: this.nodes, leaves: this.leaves, root };
  }

  private suffixOf(item: Item): number {
    const constraints = item.box
      .map(({ key, ranges }) => ({ level: this.levelOf.get(key)!, ranges }))
      .sort((a, b) => b.level - a.level);
    let id = this.intern(this.order.length, [], -1, item.candidate, item.final);
    for (const { level, ranges } of constraints) {
      id = this.intern(
        level,
        ranges.flatMap((each) => [each.first, each.last]),
        id,
        item.candidate,
        item.final,
      );
    }
    return id;
  }

  private intern(
    level: number,
    ranges: readonly number[],
    next: number,
    candidate: number,
    final: boolean,
  ): number {
    const key = `${level};${next};${candidate};${ranges.join()}`;
    let id = this.suffixIds.get(key);
    if (id === undefined) {
      id = this.suffixes.length;
      this.suffixIds.set(key, id);
      this.suffixes.push({ level, ranges, next, candidate, final });
    }
    return id;
  }

  /** Drops what cannot matter: repeats, boxes of a candidate already certain, all after a certain final one. */
  private reduce(sequence: readonly number[]): number[] {
    const stamp = ++this.stamp;
    const out: number[] = [];
    for (const id of sequence) {
      if (this.suffixStamp[id] === stamp) continue;
      this.suffixStamp[id] = stamp;
      const suffix = this.suffixes[id]!;
      if (this.candidateStamp.get(suffix.candidate) === stamp) continue;
      out.push(id);
      if (suffix.next >= 0) continue;
      if (suffix.final) break;
      this.candidateStamp.set(suffix.candidate, stamp);
    }
    return out;
  }

  private node(sequence: readonly number[]): Reference {
    const known = this.memo.intern(sequence);
    const value = this.memoValue[known];
    if (value !== undefined) return value;
    const built = this.expand(sequence);
    this.memoValue[known] = built;
    return built;
  }

  private expand(sequence: readonly number[]): Reference {
    let level = this.order.length;
    for (const id of sequence) level = Math.min(level, this.suffixes[id]!.level);
    if (level === this.order.length) return this.leaf(sequence.map((id) => this.suffixes[id]!.candidate));

    // Positions constrained at this level, and where each begins and stops to hold.
    const edges: { at: number; position: number; begins: boolean }[] = [];
    const passive: number[] = [];
    sequence.forEach((id, position) => {
      const suffix = this.suffixes[id]!;
      if (suffix.level !== level) {
        passive.push(position);
        return;
      }
      for (let i = 0; i < suffix.ranges.length; i += 2) {
        edges.push({ at: suffix.ranges[i]!, position, begins: true });
        if (suffix.ranges[i + 1]! < MAX_U32) {
          edges.push({ at: suffix.ranges[i + 1]! + 1, position, begins: false });
        }
      }
    });
    edges.sort((a, b) => a.at - b.at);

    const bounds: number[] = [];
    const kids: Reference[] = [];
    const active = new ActivePositions();
    let edge = 0;
    let at = 0;
    for (;;) {
      while (edge < edges.length && edges[edge]!.at === at) {
        active.toggle(edges[edge]!.position, edges[edge]!.begins);
        edge++;
      }
      const kid = this.node(this.reduce(this.merge(sequence, passive, active.sorted)));
      if (kids.length === 0) kids.push(kid);
      else if (kids[kids.length - 1] !== kid) {
        bounds.push(at);
        kids.push(kid);
      }
      if (edge >= edges.length) break;
      at = edges[edge]!.at;
    }
    if (kids.length === 1) return kids[0]!;
    const id = this.nodeIds.intern([level, ...bounds, ...kids]);
    if (id === this.nodes.length) this.nodes.push({ level, bounds, kids });
    return id;
  }

  private merge(
    sequence: readonly number[],
    passive: readonly number[],
    active: readonly number[],
  ): number[] {
    this.work += passive.length + active.length + 1;
    if (this.work > this.budget) throw new BudgetExceeded(`more than ${this.budget} steps`);
    const out: number[] = [];
    let i = 0;
    let j = 0;
    while (i < passive.length || j < active.length) {
      if (j >= active.length || (i < passive.length && passive[i]! < active[j]!)) {
        const id = sequence[passive[i++]!]!;
        out.push(id);
        const suffix = this.suffixes[id]!;
        if (suffix.next < 0 && suffix.final) break;
      } else {
        const id = this.suffixes[sequence[active[j++]!]!]!.next;
        out.push(id);
        const suffix = this.suffixes[id]!;
        if (suffix.next < 0 && suffix.final) break;
      }
    }
    return out;
  }

  private leaf(candidates: readonly number[]): Reference {
    const id = this.leafIds.intern(candidates);
    if (id === this.leaves.length) this.leaves.push(candidates);
    return ~id;
  }
}

/** The positions that hold in the current interval, ascending. Ranges of one item never overlap. */
class ActivePositions {
  readonly sorted: number[] = [];

  toggle(position: number, begins: boolean): void {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.sorted[middle]! < position) low = middle + 1;
      else high = middle;
    }
    if (begins) this.sorted.splice(low, 0, position);
    else this.sorted.splice(low, 1);
  }
}
