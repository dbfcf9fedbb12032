// SPDX-License-Identifier: Apache-2.0
// Sets of packets as boxes: intersection and difference of one box with others, and fields under a mask as ranges of
// the field itself, so that what a rule takes of a region, and what it leaves, is exact.
import type { Box, Boxes } from './box.js';
import type { NumberRange } from '../net/range.js';
import { fieldMaximum } from './fields.js';
import type { Derived, FamilyModel } from './model.js';
import { complement, contains, intersect, MAX_U32, normalise, valuesWhere } from './ranges.js';
import type { Ranges } from './ranges.js';

/** Fields of at most this many values are looked at value by value. */
const MOST_VALUES = 0x10000;

/** What both hold of; undefined for nothing. */
export function meetBoxes(a: Box, b: Box): Box | undefined {
  let out = a;
  for (const { key, ranges } of b) {
    const mine = rangesOf(out, key);
    const both = mine === undefined ? ranges : intersect(mine, ranges);
    if (both.length === 0) return undefined;
    out = withRanges(out, key, both);
  }
  return out;
}

/** What lies in `box` and in none of `others`, as boxes that lie apart. `step` hears how many were looked at. */
export function subtract(box: Box, others: Boxes, step?: (count: number) => void): Boxes {
  let left: Boxes = [box];
  for (const other of others) {
    step?.(left.length);
    left = left.flatMap((each) => subtractOne(each, other));
  }
  return left;
}

function subtractOne(box: Box, other: Box): Boxes {
  if (meetBoxes(box, other) === undefined) return [box];
  const out: Box[] = [];
  let inside = box;
  for (const { key, ranges } of other) {
    const mine = rangesOf(inside, key);
    const outside =
      mine === undefined ? complement(ranges, MAX_U32) : intersect(mine, complement(ranges, MAX_U32));
    if (outside.length > 0) out.push(withRanges(inside, key, outside));
    inside = withRanges(inside, key, mine === undefined ? ranges : intersect(mine, ranges));
  }
  return out;
}

export function rangesOf(box: Box, key: string): Ranges | undefined {
  return box.find((each) => each.key === key)?.ranges;
}

export function withRanges(box: Box, key: string, ranges: Ranges): Box {
  return [...box.filter((each) => each.key !== key), { key, ranges }];
}

/** Boxes of one constraint each on the same dimension, as of a large set, become one. */
function merged(boxes: Boxes): Boxes {
  const byKey = new Map<string, NumberRange[]>();
  const others: Box[] = [];
  for (const box of boxes) {
    const [only, second] = box;
    if (only === undefined || second !== undefined) {
      others.push(box);
      continue;
    }
    const known = byKey.get(only.key);
    if (known === undefined) byKey.set(only.key, [...only.ranges]);
    else known.push(...only.ranges);
  }
  const single = [...byKey].map(([key, ranges]): Box => [{ key, ranges: normalise(ranges) }]);
  return [...others, ...single];
}

/** A box as it stands for a region: a mask of a field that has one value there is answered. Undefined: never. */
export function resolveMasks(box: Box, region: Box, family: FamilyModel): Box | undefined {
  const out: Box[number][] = [];
  for (const constraint of box) {
    const derived = family.derived[constraint.key];
    const values = derived?.kind === 'masked' ? rangesOf(region, derived.field) : undefined;
    const [only, second] = values ?? [];
    if (derived?.kind !== 'masked' || only === undefined || second !== undefined || only.first !== only.last)
      out.push(constraint);
    else if (!contains(constraint.ranges, (only.first & derived.mask) >>> 0)) return undefined;
  }
  return out;
}

/** Boxes of a family's tests over fields alone; a field of 32 bits under a mask with gaps stays as it is. */
export class PlainBoxes {
  private readonly known = new Map<Boxes, Boxes>();
  private readonly masks = new Map<string, Ranges>();

  constructor(private readonly family: FamilyModel) {}

  of(boxes: Boxes): Boxes {
    let plain = this.known.get(boxes);
    if (plain === undefined) this.known.set(boxes, (plain = merged(boxes.flatMap((box) => this.plain(box)))));
    return plain;
  }

  private plain(box: Box): Boxes {
    let out: Boxes = [[]];
    for (const constraint of box) {
      const derived = this.family.derived[constraint.key];
      const parts = derived === undefined ? [[constraint]] : this.derived(derived, constraint.ranges);
      out = out.flatMap((each) =>
        parts.flatMap((part) => {
          const both = meetBoxes(each, part);
          return both === undefined ? [] : [both];
        }),
      );
    }
    return out;
  }

  private derived(derived: Derived, ranges: Ranges): Boxes {
    if (derived.kind === 'member') {
      const listed = this.of(derived.boxes);
      if (!contains(ranges, 0)) return contains(ranges, 1) ? listed : [];
      return contains(ranges, 1) ? [[]] : subtract([], listed);
    }
    const { field, mask, key } = derived;
    const count = fieldMaximum(field) + 1;
    if (count > MOST_VALUES) return [[{ key, ranges }]];
    const name = `${key} ${JSON.stringify(ranges)}`;
    let values = this.masks.get(name);
    if (values === undefined)
      this.masks.set(name, (values = valuesWhere(count, (value) => contains(ranges, (value & mask) >>> 0))));
    return values.length === 0 ? [] : [[{ key: field, ranges: values }]];
  }
}
