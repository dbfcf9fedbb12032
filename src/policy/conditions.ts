// SPDX-License-Identifier: Apache-2.0
// Boxes of the lowered form as conditions in words. Exact: what has no term of its own stands under `fields`.
import type { AddressRange, AddressWords } from '../net/address.js';
import type { Family } from '../net/family.js';
import type { Box, Boxes } from '../model/box.js';
import { connectionStates } from '../model/connection-boxes.js';
import { fieldMaximum } from '../model/fields.js';
import type { FieldName } from '../model/fields.js';
import type { InterfaceIds } from '../model/model.js';
import { complement, contains, intersect, MAX_U32, normalise } from '../model/ranges.js';
import type { Ranges } from '../model/ranges.js';
import { fieldWord, showsBits } from './field-names.js';
import type { Addresses, Condition, Interfaces } from './model.js';
import {
  addressWord,
  complementAddresses,
  icmpWords,
  mergeAddresses,
  protocolWords,
  rangeWords,
} from './words.js';

type Draft = { -readonly [Key in keyof Condition]: Condition[Key] };

const ICMP_PROTOCOLS: Ranges = [
  { first: 1, last: 1 },
  { first: 58, last: 58 },
];
const MEMBER = 'member:';
const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const;

export function conditionsOf(boxes: Boxes, family: Family, interfaces: InterfaceIds): Condition[] {
  const conditions = mergeSides(boxes, family).map((merged) => conditionOf(merged, family, interfaces));
  const seen = new Set<string>();
  return conditions.filter((condition) => {
    const text = JSON.stringify(condition);
    return !seen.has(text) && seen.add(text);
  });
}

interface Merged {
  readonly source: readonly AddressRange[] | undefined;
  readonly destination: readonly AddressRange[] | undefined;
  /** What is left: no whole addresses. */
  readonly rest: Box;
}

/** Boxes that differ in nothing but the addresses of one side become one. */
function mergeSides(boxes: Boxes, family: Family): Merged[] {
  const split = boxes.flatMap(withRealStates).map((box): Merged => {
    const source = addressesOf(box, 'SRC', family);
    const destination = addressesOf(box, 'DST', family);
    const rest = box.filter(
      ({ key }) =>
        !(source !== undefined && /^SRC\d$/.test(key)) && !(destination !== undefined && /^DST\d$/.test(key)),
    );
    return { source, destination, rest };
  });
  const bySource = mergeBy(split, 'source', 'destination');
  return mergeBy(bySource, 'destination', 'source');
}

function mergeBy(
  all: readonly Merged[],
  side: 'source' | 'destination',
  other: 'source' | 'destination',
): Merged[] {
  const groups = new Map<string, Merged>();
  for (const one of all) {
    const key = JSON.stringify([one.rest, one[other] ?? null, one[side] === undefined]);
    const known = groups.get(key);
    const both =
      known?.[side] === undefined || one[side] === undefined ? undefined : [...known[side], ...one[side]];
    groups.set(key, known === undefined ? one : { ...known, [side]: both });
  }
  return [...groups.values()].map((one) => {
    const ranges = one[side];
    return ranges === undefined ? one : { ...one, [side]: mergeAddresses(ranges) };
  });
}

/** Most ranges that words of an address may multiply to. */
const MOST_RANGES = 4096;

/** The addresses that a box's words span; undefined when it has none, or they are scattered. */
function addressesOf(box: Box, side: 'SRC' | 'DST', family: Family): AddressRange[] | undefined {
  const words = family === 'ipv4' ? 1 : 4;
  const by = Array.from({ length: words }, (_, i) => box.find(({ key }) => key === `${side}${i}`)?.ranges);
  if (by.every((ranges) => ranges === undefined)) return undefined;
  let out: { first: AddressWords; last: AddressWords }[] = [{ first: [], last: [] }];
  for (const [i, ranges] of by.entries()) {
    const each = ranges ?? [{ first: 0, last: MAX_U32 }];
    const single = out.every(({ first, last }) => first.every((word, at) => word === last[at]));
    const whole = ranges === undefined;
    // Behind a range of a higher word only whole words give addresses that lie together.
    if ((i > 0 && !single && !whole) || out.length * each.length > MOST_RANGES) return undefined;
    out = out.flatMap(({ first, last }) =>
      each.map((range) => ({ first: [...first, range.first], last: [...last, range.last] })),
    );
  }
  return out;
}

function conditionOf(
  { source, destination, rest }: Merged,
  family: Family,
  interfaces: InterfaceIds,
): Condition {
  const draft: Draft = {};
  if (source !== undefined) draft.source = addressWords(source, family);
  if (destination !== undefined) draft.destination = addressWords(destination, family);
  const fields: Record<string, readonly string[]> = {};
  const lists: string[] = [];
  const notLists: string[] = [];
  const rangesOf = (key: FieldName): Ranges | undefined => rest.find((each) => each.key === key)?.ranges;
  const protocols = rangesOf('PROTO');
  const first = isOnly(rangesOf('FRAG'), 0);
  const hasPorts = first && (rangesOf('SPORT') ?? rangesOf('DPORT')) !== undefined;
  const icmp = protocols !== undefined && isWithin(protocols, ICMP_PROTOCOLS);
  for (const { key, ranges } of rest) {
    if (key === 'PROTO') draft.protocols = protocolWords(ranges);
    else if (key === 'FRAG' && hasPorts) continue;
    else if (key === 'SPORT' && first && icmp) draft.icmpTypes = icmpWords(ranges);
    else if (key === 'SPORT' && first) draft.sourcePorts = rangeWords(ranges, 0xffff);
    else if (key === 'DPORT' && first) draft.destinationPorts = rangeWords(ranges, 0xffff);
    else if (key === 'IIF') draft.inInterface = interfaceWords(ranges, interfaces);
    else if (key === 'OIF') draft.outInterface = interfaceWords(ranges, interfaces);
    else if (key === 'CT' && statesOf(ranges) !== undefined) draft.states = statesOf(ranges)!;
    else if (key.startsWith(MEMBER)) (contains(ranges, 1) ? lists : notLists).push(key.slice(MEMBER.length));
    else {
      const [field, mask] = key.split('&') as [FieldName, string?];
      const maximum = mask === undefined ? fieldMaximum(field) : parseInt(mask, 16);
      fields[fieldWord(field, mask === undefined ? undefined : maximum)] = rangeWords(
        ranges,
        maximum,
        showsBits(field),
      );
    }
  }
  if (Object.keys(fields).length > 0) draft.fields = fields;
  if (lists.length > 0) draft.lists = lists;
  if (notLists.length > 0) draft.notLists = notLists;
  return draft;
}

function isOnly(ranges: Ranges | undefined, value: number): boolean {
  return ranges?.length === 1 && ranges[0]!.first === value && ranges[0]!.last === value;
}

/** True when nothing of `ranges` lies outside `allowed`. */
function isWithin(ranges: Ranges, allowed: Ranges): boolean {
  return intersect(ranges, complement(allowed)).length === 0;
}

/** By what they are, or by what they are not, where that is shorter. */
function addressWords(ranges: readonly AddressRange[], family: Family): Addresses {
  const outside = complementAddresses(ranges, family);
  const words = (each: readonly AddressRange[]): string[] => each.map((range) => addressWord(range, family));
  const isShorter =
    outside.length < ranges.length || (outside.length === 1 && ranges.length === 1 && isHigh(ranges));
  return isShorter ? { notIn: words(outside) } : { in: words(ranges) };
}

/** A range that ends with the family's last address and is no prefix reads better by its outside. */
function isHigh(ranges: readonly AddressRange[]): boolean {
  return (
    ranges[0]!.last.every((word) => word === MAX_U32) && ranges[0]!.first.some((word) => word < 0x80000000)
  );
}

function interfaceWords(ranges: Ranges, interfaces: InterfaceIds): Interfaces {
  const isOpen = contains(ranges, MAX_U32);
  const wanted = isOpen ? complement(ranges) : ranges;
  const known = Object.entries(interfaces).filter(([, id]) => contains(wanted, id));
  const names = known.map(([name]) => name);
  if (contains(wanted, 0) || contains(wanted, 1)) names.push('-');
  return isOpen ? { notIn: names } : { in: names };
}

/** The states whose every value `ranges` holds, where these are all it holds. */
function statesOf(ranges: Ranges): string[] | undefined {
  const states = STATES.filter((state) => isWithin(possible(state), ranges));
  const all = connectionStates((state) => states.some((each) => each === state));
  const real = intersect(
    ranges,
    connectionStates(() => true),
  );
  return isWithin(real, all) && states.length > 0 ? states : undefined;
}

/** The box without values of the connection field that no packet has; none where nothing is left. */
function withRealStates(box: Box): Boxes {
  const asked = box.find(({ key }) => key === 'CT');
  if (asked === undefined) return [box];
  const ranges = intersect(asked.ranges, normalise(STATES.flatMap((state) => [...possible(state)])));
  return ranges.length === 0 ? [] : [box.map((each) => (each === asked ? { key: 'CT', ranges } : each))];
}

/** Values that packets of a state have: without a connection no other bit is set. */
function possible(state: (typeof STATES)[number]): Ranges {
  return connectionStates((each) => each === state).filter(
    ({ first }) => ((first & 0x80) !== 0) === (state !== 'INVALID' && state !== 'UNTRACKED'),
  );
}
