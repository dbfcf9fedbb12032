// SPDX-License-Identifier: Apache-2.0
// ipset members as boxes (net/netfilter/ipset/ip_set_*.c): what a lookup with given directions finds. Members
// with a timeout count as staying. Small sets stand in the rule, large ones become a derived dimension.
import type { AddressWords } from '../net/address.js';
import { parseAddress, prefixMask } from '../net/address.js';
import type { Family } from '../net/family.js';
import type { SetMatch } from '../ruleset/matches/set.js';
import { knowsNomatch, type IpSet, type SetElement } from '../ruleset/sets.js';
import { addressRangeBoxes } from './address-boxes.js';
import { and, or, range, where } from './box.js';
import type { Boxes } from './box.js';
import { LoweringRefusal } from './lower-context.js';
import type { LowerContext } from './lower-context.js';
import { complement } from './ranges.js';

type Direction = 'src' | 'dst';

/** Boxes and ranges that may stand in each rule that asks for the set. */
const INLINE_BOXES = 8;
const INLINE_RANGES = 48;

export function setBoxes(match: SetMatch, context: LowerContext): Boxes {
  const { setName, directions, returnNomatch } = match;
  const boxes = lookup(setName, directions, returnNomatch, context);
  const ranges = boxes.reduce((sum, box) => box.reduce((most, each) => most + each.ranges.length, sum), 0);
  if (boxes.length <= INLINE_BOXES && ranges <= INLINE_RANGES) return boxes;
  const note = `set ${setName} ${directions.join(',')}${returnNomatch ? ' nomatch' : ''}`;
  return context.member(note, boxes);
}

function lookup(
  name: string,
  directions: readonly Direction[],
  returnNomatch: boolean,
  context: LowerContext,
): Boxes {
  const set = context.sets.get(name);
  if (set === undefined) throw new LoweringRefusal(`the set \`${name}\` is in no input`);
  if (set.type === 'list:set') {
    return or(...set.members.map((member) => lookup(member, directions, returnNomatch, context)));
  }
  if (set.type === 'bitmap:port') return portSet(set, directions[0]!);
  const dimensions = set.type.split(',').length;
  const family = set.family ?? 'ipv4';
  if (family !== context.family || directions.length < dimensions) return [];
  switch (set.type) {
    case 'hash:ip':
    case 'hash:net':
    case 'bitmap:ip':
    case 'hash:ip,port':
    case 'hash:net,port':
    case 'hash:ip,port,ip':
    case 'bitmap:ip,mac':
      return addressSet(set, directions, returnNomatch, context);
    default:
      throw new LoweringRefusal(`sets of type ${set.type} are not looked up by the program`);
  }
}

/** Members that differ in nothing but their first address, and what else must hold for them. */
interface Group {
  readonly rest: Boxes;
  readonly elements: SetElement[];
}

function addressSet(
  set: IpSet,
  directions: readonly Direction[],
  returnNomatch: boolean,
  context: LowerContext,
): Boxes {
  const groups = new Map<string, Group>();
  for (const element of set.elements) {
    const key = JSON.stringify(element.parts.slice(1));
    let group = groups.get(key);
    if (group === undefined) {
      groups.set(key, (group = { rest: restBoxes(element, set, directions, context), elements: [] }));
    }
    group.elements.push(element);
  }
  const which = directions[0] === 'src' ? 'SRC' : 'DST';
  const found = [...groups.values()].map(({ rest, elements }) =>
    and(rest, elementBoxes(which, set, elements, returnNomatch, context)),
  );
  return or(...found);
}

/** The dimensions behind the first. */
function restBoxes(
  element: SetElement,
  set: IpSet,
  directions: readonly Direction[],
  context: LowerContext,
): Boxes {
  return and(
    ...element.parts.slice(1).map((part, i): Boxes => {
      const direction = directions[i + 1]!;
      if (part.kind === 'port') return portBoxes(part.protocol, part.port, direction, context.family);
      if (part.kind === 'address') {
        const which = direction === 'src' ? 'SRC' : 'DST';
        return addressRangeBoxes(which, { first: part.address, last: part.address });
      }
      if (part.kind === 'mac' && direction === 'src') return macBoxes(part.mac);
      throw new LoweringRefusal(
        `members of the set \`${set.name}\` are not looked up this way by the program`,
      );
    }),
    ...(set.type === 'bitmap:ip,mac' && element.parts.length < 2 ? [unboundMac(set)] : []),
  );
}

/** A member without MAC is bound by the first packet from its address: state that a table does not hold. */
function unboundMac(set: IpSet): never {
  throw new LoweringRefusal(
    `the set \`${set.name}\` has members without a MAC address, which packets fill in`,
  );
}

function macBoxes(text: string): Boxes {
  const [a, b, c, d, e, f] = text.split(':').map((octet) => parseInt(octet, 16)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return and(range('MAC0', ((a << 24) | (b << 16) | (c << 8) | d) >>> 0), range('MAC1', (e << 8) | f));
}

/** The longest prefix that holds an address decides, and it may say `nomatch`. */
function elementBoxes(
  which: 'SRC' | 'DST',
  set: IpSet,
  elements: readonly SetElement[],
  returnNomatch: boolean,
  context: LowerContext,
): Boxes {
  const family = context.family;
  const { netmask, bitmask } = set.options;
  if (typeof bitmask === 'string') {
    const mask = parseAddress(bitmask, family)!;
    return or(
      ...elements.flatMap(({ parts }) =>
        parts[0]?.kind === 'address'
          ? [context.maskedAddress(which, { address: parts[0].address, mask })]
          : [],
      ),
    );
  }
  const most = family === 'ipv4' ? 32 : 128;
  const whole = typeof netmask === 'string' ? Number(netmask) : most;
  const wanted = returnNomatch && knowsNomatch(set.type);
  const prefixes = elements.flatMap((element): Painted[] => {
    const part = element.parts[0];
    if (part === undefined || (part.kind !== 'address' && part.kind !== 'net')) return [];
    const bits = part.kind === 'net' ? part.prefix : whole;
    return [{ ...prefixEnds(part.address, bits, family), bits, wanted: element.nomatch === wanted }];
  });
  const painted = paint(prefixes);
  const refusesZero = set.type === 'hash:ip' || set.type === 'hash:ip,port';
  if (family === 'ipv4') {
    const key = `${which}0`;
    const ranges = painted.map(({ first, last }) => ({ first: Number(first), last: Number(last) }));
    const zeroNet = { first: 0, last: Number((1n << BigInt(32 - whole)) - 1n) };
    const boxes = where(key, ranges);
    return refusesZero ? and(boxes, where(key, complement([zeroNet]))) : boxes;
  }
  const zero = refusesZero ? (1n << BigInt(128 - whole)) - 1n : -1n;
  return or(
    ...painted
      .filter(({ last }) => last > zero)
      .map(({ first, last }) =>
        addressRangeBoxes(which, { first: toWords(first > zero ? first : zero + 1n), last: toWords(last) }),
      ),
  );
}

interface Painted {
  readonly first: bigint;
  readonly last: bigint;
  readonly bits: number;
  readonly wanted: boolean;
}

function prefixEnds(address: AddressWords, bits: number, family: Family): { first: bigint; last: bigint } {
  const mask = prefixMask(bits, family);
  const value = (words: readonly number[]): bigint =>
    words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
  return {
    first: value(address.map((word, i) => (word & mask[i]!) >>> 0)),
    last: value(address.map((word, i) => (word | ~mask[i]!) >>> 0)),
  };
}

function toWords(value: bigint): AddressWords {
  return [96n, 64n, 32n, 0n].map((shift) => Number((value >> shift) & 0xffffffffn));
}

/** Prefixes nest or are apart: sweeps them outermost first, keeping those open on a stack. */
function paint(prefixes: readonly Painted[]): { first: bigint; last: bigint }[] {
  const sorted = [...prefixes].sort((a, b) =>
    a.first === b.first ? a.bits - b.bits : a.first < b.first ? -1 : 1,
  );
  const out: { first: bigint; last: bigint }[] = [];
  const emit = (first: bigint, last: bigint): void => {
    const end = out[out.length - 1];
    if (end !== undefined && end.last + 1n === first) end.last = last;
    else out.push({ first, last });
  };
  const open: Painted[] = [];
  let at = 0n;
  const closeUpTo = (limit: bigint): void => {
    while (open.length > 0 && open[open.length - 1]!.last < limit) {
      const top = open.pop()!;
      if (top.wanted && at <= top.last) emit(at, top.last);
      if (at <= top.last) at = top.last + 1n;
    }
  };
  for (const prefix of sorted) {
    closeUpTo(prefix.first);
    const outer = open[open.length - 1];
    if (outer?.wanted === true && at < prefix.first) emit(at, prefix.first - 1n);
    at = prefix.first;
    open.push(prefix);
  }
  closeUpTo(1n << 128n);
  return out;
}

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMPV6 = 58;
const NO_NEXT_HEADER = 59;
/** Bytes of header that must be there before ports are read (ip_set_getport.c). */
const HEADER_BYTES: Readonly<Record<number, number>> = {
  [TCP]: 20,
  [UDP]: 8,
  136: 8,
  132: 12,
  [ICMP]: 8,
  [ICMPV6]: 8,
};

/** Packets whose protocol and port are these, as ip_set_get_ip4_port and ip_set_get_ip6_port see them. */
function portBoxes(protocol: number, port: number, direction: Direction, family: Family): Boxes {
  if (protocol === 0 || (family === 'ipv6' && protocol === NO_NEXT_HEADER)) return [];
  const needed = HEADER_BYTES[protocol];
  const proto = range('PROTO', protocol);
  if (needed === undefined) {
    if (port !== 0) return [];
    return family === 'ipv4' ? proto : and(proto, range('FRAG', 0));
  }
  const key = protocol === ICMP || protocol === ICMPV6 || direction === 'src' ? 'SPORT' : 'DPORT';
  const first = and(proto, range('FRAG', 0), range('AVAIL', needed, 63), range(key, port));
  const later = family === 'ipv4' && protocol === ICMPV6 && port === 0;
  return later ? or(first, and(proto, range('FRAG', 1, 2))) : first;
}

function portSet(set: IpSet, direction: Direction): Boxes {
  const ports = set.elements.flatMap(({ parts }) =>
    parts[0]?.kind === 'port' ? [{ first: parts[0].port, last: parts[0].port }] : [],
  );
  const inSet = where(direction === 'src' ? 'SPORT' : 'DPORT', ports);
  return or(
    ...[TCP, UDP].map((protocol) =>
      and(range('PROTO', protocol), range('FRAG', 0), range('AVAIL', HEADER_BYTES[protocol]!, 63), inSet),
    ),
  );
}
