// SPDX-License-Identifier: Apache-2.0
// What exports compute with: products of address, protocol and port sets, closed under intersection and difference.
import { compareAddresses } from '../../net/address.js';
import type { AddressRange } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import { complement, intersect, MAX_U32 } from '../../model/ranges.js';
import type { Ranges } from '../../model/ranges.js';
import { complementAddresses, mergeAddresses } from '../words.js';

/** All that are given hold; a set that is absent is everything. */
export interface Region {
  readonly source?: readonly AddressRange[];
  readonly destination?: readonly AddressRange[];
  /** 0-255. */
  readonly protocols?: Ranges;
  /** Source port; `type << 8 | code` where the protocol is ICMP. */
  readonly first?: Ranges;
  /** Destination port. */
  readonly second?: Ranges;
}

export const EVERYTHING: readonly Region[] = [{}];
const ADDRESSES = ['source', 'destination'] as const;
const NUMBERS = ['protocols', 'first', 'second'] as const;
const MOST: Readonly<Record<(typeof NUMBERS)[number], number>> = {
  protocols: 255,
  first: 0xffff,
  second: 0xffff,
};

/** Regions that are multiplied or cut into more than this are given up: nobody reads such a policy. */
const MOST_REGIONS = 4000;

export class TooManyRegions extends Error {}

export function intersectRegions(
  a: readonly Region[],
  b: readonly Region[],
  family: Family,
): readonly Region[] {
  const out: Region[] = [];
  for (const one of a) {
    for (const other of b) {
      const both = intersectTwo(one, other, family);
      if (both !== undefined) out.push(both);
      if (out.length > MOST_REGIONS) throw new TooManyRegions();
    }
  }
  return out;
}

/** `a` without `b`, in regions that lie apart where those of `a` do. */
export function subtractRegions(
  a: readonly Region[],
  b: readonly Region[],
  family: Family,
): readonly Region[] {
  let left = a;
  for (const gone of b) {
    left = left.flatMap((one) => subtractOne(one, gone, family));
    if (left.length > MOST_REGIONS) throw new TooManyRegions();
  }
  return left;
}

export function overlaps(a: readonly Region[], b: readonly Region[], family: Family): boolean {
  return a.some((one) => b.some((other) => intersectTwo(one, other, family) !== undefined));
}

function intersectTwo(a: Region, b: Region, family: Family): Region | undefined {
  const out: { -readonly [Key in keyof Region]: Region[Key] } = {};
  for (const key of ADDRESSES) {
    const set = both(a[key], b[key], (x, y) => intersectAddresses(x, y, family));
    if (set?.length === 0) return undefined;
    if (set !== undefined) out[key] = set;
  }
  for (const key of NUMBERS) {
    const set = both(a[key], b[key], intersect);
    if (set?.length === 0) return undefined;
    if (set !== undefined) out[key] = set;
  }
  return out;
}

/** Cut dimension by dimension: outside the first, else inside it and outside the second, and so on. */
function subtractOne(a: Region, b: Region, family: Family): Region[] {
  if (intersectTwo(a, b, family) === undefined) return [a];
  const out: Region[] = [];
  let inside = a;
  for (const key of NUMBERS) {
    const gone = b[key];
    if (gone === undefined) continue;
    const rest = intersect(inside[key] ?? [{ first: 0, last: MOST[key] }], complement(gone, MOST[key]));
    if (rest.length > 0) out.push({ ...inside, [key]: rest });
    inside = { ...inside, [key]: both(inside[key], gone, intersect)! };
  }
  for (const key of ADDRESSES) {
    const gone = b[key];
    if (gone === undefined) continue;
    const outside = complementAddresses(gone, family);
    const rest = both(inside[key], outside, (x, y) => intersectAddresses(x, y, family))!;
    if (rest.length > 0) out.push({ ...inside, [key]: rest });
    inside = { ...inside, [key]: both(inside[key], gone, (x, y) => intersectAddresses(x, y, family))! };
  }
  return out;
}

function both<T>(a: T | undefined, b: T | undefined, meet: (a: T, b: T) => T): T | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : meet(a, b);
}

/** Of sorted ranges that lie apart. */
export function intersectAddresses(
  a: readonly AddressRange[],
  b: readonly AddressRange[],
  family: Family,
): AddressRange[] {
  const outside = [...complementAddresses(a, family), ...complementAddresses(b, family)];
  return complementAddresses(mergeAddresses(outside), family);
}

/** True when every address of `inner` is in `outer`. */
export function holdsAll(outer: readonly AddressRange[], inner: readonly AddressRange[]): boolean {
  return inner.every(({ first, last }) =>
    outer.some(
      (range) => compareAddresses(range.first, first) <= 0 && compareAddresses(last, range.last) <= 0,
    ),
  );
}

/** A range as the fewest prefixes that make it up. */
export function prefixesOf({ first, last }: AddressRange, family: Family): AddressRange[] {
  const bits = family === 'ipv4' ? 32 : 128;
  const whole = (1n << BigInt(bits)) - 1n;
  const out: AddressRange[] = [];
  let from = toNumber(first);
  const end = toNumber(last);
  while (from <= end) {
    let size = from === 0n ? whole + 1n : from & -from;
    while (from + size - 1n > end) size >>= 1n;
    out.push({ first: toWords(from, bits), last: toWords(from + size - 1n, bits) });
    from += size;
  }
  return out;
}

function toNumber(words: readonly number[]): bigint {
  return words.reduce((all, word) => (all << 32n) | BigInt(word), 0n);
}

function toWords(value: bigint, bits: number): number[] {
  return Array.from({ length: bits / 32 }, (_, i) =>
    Number((value >> BigInt(bits - 32 * (i + 1))) & BigInt(MAX_U32)),
  );
}
