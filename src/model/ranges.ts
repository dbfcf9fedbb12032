// SPDX-License-Identifier: Apache-2.0
// Sets of unsigned 32-bit numbers as sorted, disjoint, non-adjacent inclusive ranges.
import type { NumberRange } from '../net/range.js';

export type Ranges = readonly NumberRange[];

export const MAX_U32 = 0xffffffff;
export const FULL: Ranges = [{ first: 0, last: MAX_U32 }];

/** Sorts and merges. */
export function normalise(ranges: Ranges): Ranges {
  const sorted = [...ranges].sort((a, b) => a.first - b.first);
  const out: { first: number; last: number }[] = [];
  for (const range of sorted) {
    const previous = out[out.length - 1];
    if (previous !== undefined && range.first <= previous.last + 1) {
      previous.last = Math.max(previous.last, range.last);
    } else {
      out.push({ first: range.first, last: range.last });
    }
  }
  return out;
}

/** All numbers up to `maximum` that are not in `ranges` (normalised). */
export function complement(ranges: Ranges, maximum = MAX_U32): Ranges {
  const out: NumberRange[] = [];
  let next = 0;
  for (const range of ranges) {
    if (range.first > maximum) break;
    if (range.first > next) out.push({ first: next, last: range.first - 1 });
    next = range.last + 1;
  }
  if (next <= maximum) out.push({ first: next, last: maximum });
  return out;
}

export function intersect(a: Ranges, b: Ranges): Ranges {
  const out: NumberRange[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const first = Math.max(a[i]!.first, b[j]!.first);
    const last = Math.min(a[i]!.last, b[j]!.last);
    if (first <= last) out.push({ first, last });
    if (a[i]!.last < b[j]!.last) i++;
    else j++;
  }
  return out;
}

export function contains(ranges: Ranges, value: number): boolean {
  return ranges.some((range) => value >= range.first && value <= range.last);
}

export function isFull(ranges: Ranges): boolean {
  return ranges.length === 1 && ranges[0]!.first === 0 && ranges[0]!.last === MAX_U32;
}

/** The values of a small domain (0 to `count` - 1) for which `holds`. */
export function valuesWhere(count: number, holds: (value: number) => boolean): Ranges {
  const out: NumberRange[] = [];
  for (let value = 0; value < count; value++) {
    if (holds(value)) out.push({ first: value, last: value });
  }
  return normalise(out);
}
