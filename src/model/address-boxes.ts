// SPDX-License-Identifier: Apache-2.0
// Ranges and classes of addresses as boxes over their words.
import type { AddressRange, AddressWords } from '../net/address.js';
import { compareAddresses, prefixMask } from '../net/address.js';
import type { Family } from '../net/family.js';
import type { Host } from '../host/host.js';
import { parsePrefix } from '../host/prefix.js';
import { withLoopback } from '../host/routing.js';
import { and, EVERYTHING, or, range } from './box.js';
import type { Boxes } from './box.js';
import { addressField } from './fields.js';
import { MAX_U32 } from './ranges.js';

export type AddressSide = 'SRC' | 'DST';

/** Addresses from `first` to `last`, as big-endian numbers: up to 2 * words - 1 boxes. */
export function addressRangeBoxes(which: AddressSide, { first, last }: AddressRange): Boxes {
  if (compareAddresses(first, last) > 0) return [];
  return between(which, 0, first, last);
}

function between(which: AddressSide, word: number, first: AddressWords, last: AddressWords): Boxes {
  const key = addressField(which, word);
  const low = first[word]!;
  const high = last[word]!;
  if (word === first.length - 1) return range(key, low, high);
  const lowest = first.slice(word + 1).every((each) => each === 0);
  const highest = last.slice(word + 1).every((each) => each === MAX_U32);
  if (low === high) {
    return lowest && highest ? range(key, low) : and(range(key, low), between(which, word + 1, first, last));
  }
  const from = lowest ? low : low + 1;
  const to = highest ? high : high - 1;
  const zeros = first.map(() => 0);
  const ones = first.map(() => MAX_U32);
  return or(
    lowest ? [] : and(range(key, low), between(which, word + 1, first, ones)),
    from <= to ? range(key, from, to) : [],
    highest ? [] : and(range(key, high), between(which, word + 1, zeros, last)),
  );
}

/** The addresses for which `holds`, where that changes only at boundaries of the host's prefixes. */
export function addressesWhere(
  which: AddressSide,
  family: Family,
  host: Host,
  holds: (address: AddressWords) => boolean,
): Boxes {
  const starts = boundaries(family, host);
  const boxes: Boxes[] = [];
  let begin: AddressWords | undefined;
  for (const start of [...starts, undefined]) {
    const inside = start !== undefined && holds(start);
    if (inside && begin === undefined) begin = start;
    if (inside || begin === undefined) continue;
    const last = start === undefined ? starts[0]!.map(() => MAX_U32) : previous(start);
    boxes.push(addressRangeBoxes(which, { first: begin, last }));
    begin = undefined;
  }
  const all = or(...boxes);
  return all.length === 1 && all[0]!.length === 0 ? EVERYTHING : all;
}

/** Prefixes that address types turn on in any host: zero, loopback, link-local, multicast, mapped, broadcast. */
const WELL_KNOWN: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ['0.0.0.0/0', '0.0.0.0/32', '127.0.0.0/8', '224.0.0.0/4', '224.0.0.1/32', '255.255.255.255/32'],
  ipv6: ['::/0', '::/128', '::1/128', '::ffff:0:0/96', 'fe80::/10', 'fe80::/64', 'ff00::/8'],
};

/** First addresses of the stretches between all prefixes' ends, ascending; the first is zero. */
function boundaries(family: Family, host: Host): AddressWords[] {
  const texts = [
    ...WELL_KNOWN[family],
    ...withLoopback(host).flatMap((each) => each.addresses ?? []),
    ...host.routes.map((route) => (route.destination === 'default' ? '::/0' : route.destination)),
  ];
  const starts: AddressWords[] = [];
  for (const text of texts) {
    const prefix = parsePrefix(text);
    if (prefix?.family !== family) continue;
    const mask = prefixMask(prefix.bits, family);
    const first = prefix.address.map((word, i) => (word & mask[i]!) >>> 0);
    const last = prefix.address.map((word, i) => (word | ~mask[i]!) >>> 0);
    for (const address of [prefix.address, first, last]) starts.push(address, ...next(address));
  }
  starts.sort(compareAddresses);
  return starts.filter((start, i) => i === 0 || compareAddresses(starts[i - 1]!, start) !== 0);
}

/** Empty for the highest address. */
function next(address: AddressWords): AddressWords[] {
  const out = [...address];
  for (let i = out.length - 1; i >= 0; i--) {
    if (out[i] !== MAX_U32) {
      out[i] = out[i]! + 1;
      return [out];
    }
    out[i] = 0;
  }
  return [];
}

function previous(address: AddressWords): AddressWords {
  const out = [...address];
  for (let i = out.length - 1; i >= 0; i--) {
    if (out[i] !== 0) {
      out[i] = out[i]! - 1;
      return out;
    }
    out[i] = MAX_U32;
  }
  throw new Error('no address lies before zero');
}
