// SPDX-License-Identifier: Apache-2.0
// Conjunctions and their unions: what a match means over the field vector.
import { MAX_U32, complement, contains, intersect, isFull, normalise } from './ranges.js';
import type { Ranges } from './ranges.js';

/** A constraint on one dimension (a field's name, or the key of a derived dimension). */
export interface Constraint {
  readonly key: string;
  readonly ranges: Ranges;
}

/** All constraints hold; each key at most once. The empty box is everything. */
export type Box = readonly Constraint[];

/** Any box holds. None = nothing. Boxes may overlap. */
export type Boxes = readonly Box[];

export const EVERYTHING: Boxes = [[]];
export const NOTHING: Boxes = [];

/** A box of one constraint, everything when `ranges` is full, nothing when it is empty. */
export function where(key: string, ranges: Ranges): Boxes {
  const normal = normalise(ranges);
  if (normal.length === 0) return NOTHING;
  return isFull(normal) ? EVERYTHING : [[{ key, ranges: normal }]];
}

export function range(key: string, first: number, last = first): Boxes {
  return where(key, [{ first, last }]);
}

function meet(a: Box, b: Box): Box | undefined {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const out: Constraint[] = [...a];
  for (const constraint of b) {
    const at = out.findIndex((each) => each.key === constraint.key);
    if (at < 0) {
      out.push(constraint);
      continue;
    }
    const ranges = intersect(out[at]!.ranges, constraint.ranges);
    if (ranges.length === 0) return undefined;
    out[at] = { key: constraint.key, ranges };
  }
  return out;
}

/** Both hold. */
export function and(...operands: readonly Boxes[]): Boxes {
  return operands.reduce<Boxes>((left, right) => {
    const out: Box[] = [];
    for (const a of left) {
      for (const b of right) {
        const both = meet(a, b);
        if (both !== undefined) out.push(both);
      }
    }
    return out;
  }, EVERYTHING);
}

/** Either holds. */
export function or(...operands: readonly Boxes[]): Boxes {
  const out = operands.flat();
  return out.some((box) => box.length === 0) ? EVERYTHING : out;
}

/** The complement of one box as disjoint boxes: outside the first constraint, or inside it and outside the next... */
function notBox(box: Box): Boxes {
  const out: Box[] = [];
  const inside: Constraint[] = [];
  for (const constraint of box) {
    const outside = complement(constraint.ranges, MAX_U32);
    if (outside.length > 0) out.push([...inside, { key: constraint.key, ranges: outside }]);
    inside.push(constraint);
  }
  return out;
}

export function not(boxes: Boxes): Boxes {
  return and(...boxes.map(notBox));
}

export function negateIf(negated: boolean, boxes: Boxes): Boxes {
  return negated ? not(boxes) : boxes;
}

export function holds(boxes: Boxes, value: (key: string) => number): boolean {
  return boxes.some((box) => box.every(({ key, ranges }) => contains(ranges, value(key))));
}

/** The dimensions that any box constrains. */
export function keysOf(boxes: Boxes): string[] {
  return [...new Set(boxes.flatMap((box) => box.map((constraint) => constraint.key)))];
}
