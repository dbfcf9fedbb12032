// SPDX-License-Identifier: Apache-2.0
// Conditions of the model as regions of addresses, protocols and ports, on one interface and path. What a condition
// asks beyond that has no words in any policy.
//
// Taken for granted of every packet: it is no later fragment, and its headers are whole.
import type { AddressRange } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import { intersect, normalise, type Ranges } from '../../model/ranges.js';
import type { Addresses, Condition, FamilyPolicy, Interfaces } from '../model.js';
import {
  complementAddresses,
  mergeAddresses,
  parseAddressWord,
  parseIcmp,
  parseProtocol,
  parseRange,
} from '../words.js';
import { EVERYTHING, intersectRegions, subtractRegions, type Region } from './region.js';
import type { Path } from './target.js';

/** Where packets are looked at. */
export interface Place {
  readonly path: Path;
  /** Interfaces by which they come (input, forward) or leave (output): one, or all for which the answer must be the same. */
  readonly interfaces: readonly string[];
  /** Of forwarded packets: destinations that leave by interfaces for which `leaves` holds; undefined: not to be told. */
  readonly towards: (leaves: (device: string) => boolean) => readonly AddressRange[] | undefined;
  /** All by which a forwarded packet may leave. */
  readonly exits: readonly string[];
}

/** The reason why a condition has no words. */
export class Unsayable extends Error {}

/** A condition with its interfaces answered: what it asks of them is gone, or has become a destination. */
export interface Placed {
  readonly condition: Condition;
  readonly towards?: readonly AddressRange[];
  /** Why the interfaces cannot be answered. */
  readonly unknown?: string;
}

/** Undefined where the condition never holds at this place. */
export function place(condition: Condition, at: Place): Placed | undefined {
  const { inInterface, outInterface, ...rest } = condition;
  let placed: Placed = { condition: rest };
  if (inInterface !== undefined) {
    const answer = at.path === 'output' ? holdsFor(inInterface, '-') : sameForAll(inInterface, at.interfaces);
    if (answer === false) return undefined;
    if (answer === undefined) placed = { ...placed, unknown: 'it asks by which interface a packet comes in' };
  }
  if (outInterface === undefined) return placed;
  if (at.path === 'input') return holdsFor(outInterface, '-') ? placed : undefined;
  const answer = sameForAll(outInterface, at.path === 'output' ? at.interfaces : at.exits);
  if (answer === false) return undefined;
  if (answer === true) return placed;
  const unknown = 'it asks by which interface a packet leaves';
  if (at.path === 'output') return { ...placed, unknown };
  const towards = at.towards((device) => holdsFor(outInterface, device));
  if (towards === undefined)
    return { ...placed, unknown: `${unknown}, which more than its destination decides` };
  return towards.length === 0 ? undefined : { ...placed, towards };
}

function sameForAll(asked: Interfaces, names: readonly string[]): boolean | undefined {
  const answers = new Set(names.map((name) => holdsFor(asked, name)));
  return answers.size > 1 ? undefined : answers.has(true);
}

function holdsFor(asked: Interfaces, name: string): boolean {
  return 'in' in asked ? asked.in.includes(name) : !asked.notIn.includes(name);
}

/** Throws Unsayable. Connection states are left to the caller. */
export function regionsOf({ condition, towards, unknown }: Placed, policy: FamilyPolicy): readonly Region[] {
  if (unknown !== undefined) throw new Unsayable(unknown);
  const { family } = policy;
  let regions: readonly Region[] = [plainRegion(condition, family)];
  if (towards !== undefined) regions = intersectRegions(regions, [{ destination: towards }], family);
  for (const name of condition.lists ?? [])
    regions = intersectRegions(regions, listRegions(policy, name), family);
  for (const name of condition.notLists ?? [])
    regions = subtractRegions(regions, listRegions(policy, name), family);
  return regions;
}

function listRegions(policy: FamilyPolicy, name: string): readonly Region[] {
  return policy.lists[name]!.flatMap((condition) => regionsOf({ condition }, policy));
}

function plainRegion(condition: Condition, family: Family): Region {
  for (const [word, values] of Object.entries(condition.fields ?? {})) {
    // Headers are whole, and no packet is a later fragment.
    const [value = '', ...more] = values;
    const granted =
      (word === 'headerBytes' && isGranted(value)) ||
      (word === 'fragmentOffset' && value === '0') ||
      (word === 'tcpFlags' && value === '0x0-0xff');
    if (!granted || more.length > 0) throw new Unsayable(`it asks for ${fieldName(word)}`);
  }
  const { source, destination, protocols, sourcePorts, destinationPorts, icmpTypes } = condition;
  const first = sourcePorts?.map(parseRange) ?? icmpTypes?.map(parseIcmp);
  return {
    ...(source && { source: addressRanges(source, family) }),
    ...(destination && { destination: addressRanges(destination, family) }),
    ...numbers('protocols', protocols?.map(parseProtocol), 255),
    ...numbers('first', first, 0xffff),
    ...numbers('second', destinationPorts?.map(parseRange), 0xffff),
  };
}

/** As many bytes as the headers of TCP, or fewer, at least. */
function isGranted(range: string): boolean {
  const { first, last } = parseRange(range);
  return first <= 20 && last >= 63;
}

function numbers(key: keyof Region, ranges: Ranges | undefined, most: number): Region {
  if (ranges === undefined) return EVERYTHING[0]!;
  const clipped = intersect(normalise(ranges), [{ first: 0, last: most }]);
  const isAll = clipped.length === 1 && clipped[0]!.first === 0 && clipped[0]!.last === most;
  return isAll ? {} : { [key]: clipped };
}

function addressRanges(addresses: Addresses, family: Family): AddressRange[] {
  const words = 'in' in addresses ? addresses.in : addresses.notIn;
  const ranges = mergeAddresses(words.map((word) => parseAddressWord(word, family)!));
  return 'in' in addresses ? ranges : complementAddresses(ranges, family);
}

function fieldName(word: string): string {
  const names: Readonly<Record<string, string>> = {
    mark: 'a mark',
    tcpFlags: 'TCP flags',
    tcpOptions: 'TCP options',
    ttl: 'the TTL',
    length: "the packet's length",
    fragmentOffset: 'fragments',
    connection: "the connection's status",
  };
  const [name = ''] = word.split('&');
  return names[name] ?? `\`${name}\``;
}
