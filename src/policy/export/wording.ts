// SPDX-License-Identifier: Apache-2.0
// Regions in the terms that policies share: one protocol at a time, CIDRs with exceptions, whole ICMP types.
import { formatAddress, type AddressRange } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import { complement, contains, type Ranges } from '../../model/ranges.js';
import type { LabelBook, Ranges as FamilyRanges } from '../labels.js';
import type { Labels } from '../inventory.js';
import { addressWord, complementAddresses } from '../words.js';
import { prefixesOf, type Region } from './region.js';
import type { Path } from './target.js';

export const TCP = 6;
export const UDP = 17;
export const SCTP = 132;
export const ICMP: Readonly<Record<Family, number>> = { ipv4: 1, ipv6: 58 };
export const PORT_PROTOCOLS: Readonly<Record<number, string>> = {
  [TCP]: 'TCP',
  [UDP]: 'UDP',
  [SCTP]: 'SCTP',
};

/** More protocols than this are no list but an exception. */
const MOST_PROTOCOLS = 16;

/** What a region asks of headers; `protocol` absent: nothing. */
export interface Layer4 {
  readonly protocol?: number;
  readonly first?: Ranges;
  readonly second?: Ranges;
}

/** One protocol each; undefined where there are too many to name. */
export function byProtocol({ protocols, first, second }: Region): Layer4[] | undefined {
  const rest = { ...(first && { first }), ...(second && { second }) };
  if (protocols === undefined) return [rest];
  if (protocols.reduce((all, range) => all + (range.last - range.first + 1), 0) > MOST_PROTOCOLS)
    return undefined;
  return protocols.flatMap(({ first: from, last }) =>
    Array.from({ length: last - from + 1 }, (_, i) => ({ protocol: from + i, ...rest })),
  );
}

/** The types of `type << 8 | code`; undefined where codes are asked for too. */
export function wholeTypes(ranges: Ranges): number[] | undefined {
  if (ranges.some(({ first, last }) => (first & 0xff) !== 0 || (last & 0xff) !== 0xff)) return undefined;
  return Array.from({ length: 256 }, (_, type) => type).filter((type) => contains(ranges, type << 8));
}

/** The ports that are not asked for; undefined where all but few are asked for or all. */
export function portsOf(ranges: Ranges | undefined): Ranges {
  return ranges ?? complement([], 0xffff);
}

/** Whether all that it asks for goes to destination port 0, which Cilium and Kubernetes have no words for. */
export function isPortZero({ second }: Region): boolean {
  return second !== undefined && second.every(({ last }) => last === 0);
}

export const PORT_ZERO = 'it asks for destination port 0';

export interface Block {
  readonly cidr: string;
  readonly except?: readonly string[];
}

/** As CIDRs, or as the whole family with exceptions where that is shorter. */
export function blocksOf(ranges: readonly AddressRange[], family: Family): Block[] {
  const words = (each: readonly AddressRange[]): string[] =>
    each.flatMap((range) => prefixesOf(range, family)).map((range) => addressWord(range, family));
  const inside = words(ranges);
  const outside = words(complementAddresses(ranges, family));
  if (ranges.length === 0 || inside.length <= outside.length) return inside.map((cidr) => ({ cidr }));
  return [{ cidr: wholeFamily(family), ...(outside.length > 0 && { except: outside }) }];
}

export function wholeFamily(family: Family): string {
  return `${formatAddress(complementAddresses([], family)[0]!.first)}/0`;
}

/** The address at the other end: where packets come from, or go to. */
export function peerOf(region: Region, path: Path): readonly AddressRange[] | undefined {
  return path === 'output' ? region.destination : region.source;
}

export interface Peers {
  /** Everybody, of both families. */
  readonly all: boolean;
  readonly selectors: readonly Labels[];
  readonly blocks: readonly Block[];
}

/** One thing that is asked of headers, and who may be asked. */
export interface Grant {
  readonly layer4: Layer4;
  readonly peers: Peers;
  /** Of ICMP, whose types are numbered by family. */
  readonly family?: Family;
  readonly rules: readonly number[];
}

export interface Granted {
  readonly region: Region;
  readonly family: Family;
  readonly rules: readonly number[];
}

/** Regions by what they ask of headers: peers of both families together, so that labels speak for both. */
export function grantsOf(granted: readonly Granted[], path: Path, book: LabelBook): Grant[] {
  const groups = new Map<
    string,
    { layer4: Layer4; family?: Family; ranges: Record<Family, AddressRange[]>; rules: Set<number> }
  >();
  for (const { region, family, rules } of granted) {
    for (const layer4 of byProtocol(region) ?? []) {
      const isIcmp = layer4.protocol === ICMP[family];
      const key = JSON.stringify([layer4, isIcmp ? family : null]);
      let group = groups.get(key);
      if (group === undefined) {
        group = {
          layer4,
          ...(isIcmp && { family }),
          ranges: { ipv4: [], ipv6: [] },
          rules: new Set(),
        };
        groups.set(key, group);
      }
      group.ranges[family].push(...(peerOf(region, path) ?? complementAddresses([], family)));
      for (const rule of rules) group.rules.add(rule);
    }
  }
  return [...groups.values()].map(({ layer4, family, ranges, rules }) => ({
    layer4,
    peers: peersOf(family === undefined ? ranges : { [family]: ranges[family] }, book),
    ...(family !== undefined && { family }),
    rules: [...rules],
  }));
}

function peersOf(ranges: FamilyRanges, book: LabelBook): Peers {
  const families = (['ipv4', 'ipv6'] as const).filter((family) => ranges[family] !== undefined);
  const { selectors, rest } = book.describe(ranges);
  const blocks = families.flatMap((family) => blocksOf(rest[family]!, family));
  const isAll = families.every((family) =>
    blocks.some(({ cidr, except }) => cidr === wholeFamily(family) && except === undefined),
  );
  return { all: isAll, selectors: isAll ? [] : selectors, blocks };
}
