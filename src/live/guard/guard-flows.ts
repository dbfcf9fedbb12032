// SPDX-License-Identifier: Apache-2.0
// What a guard asks for, as regions of packets: its requests as they are received, its answers as they are sent, and
// the connection states in which either comes by. Sound packets only: whole, with flags that a TCP sends.
import { Stack } from '../../host/stack.js';
import type { Host } from '../../host/host.js';
import { withLoopback } from '../../host/routing.js';
import { parsePrefix } from '../../host/prefix.js';
import { addressesWhere, addressRangeBoxes, type AddressSide } from '../../model/address-boxes.js';
import { and, or, range, where, type Boxes } from '../../model/box.js';
import { CT_FIELD, MAC_NONE } from '../../model/fields.js';
import type { InterfaceIds, Model } from '../../model/model.js';
import { valuesWhere, type Ranges } from '../../model/ranges.js';
import type { AddressRange, AddressWords } from '../../net/address.js';
import { compareAddresses, formatAddress } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import { STATE } from '../../program/layout.js';
import { INTERFACE_ID } from '../../program/table-format.js';
import { complementAddresses, mergeAddresses } from '../../policy/words.js';
import { prefixRange, type Guard } from './guard-text.js';

/** In which the packets of a region may be once they are tracked. */
export interface FlowState {
  /** `NEW`, `ESTABLISHED`. */
  readonly name: string;
  /** Values of field CT. */
  readonly ct: Ranges;
  /** What of the region comes by in this state. */
  readonly part: Boxes;
}

export interface Flow {
  readonly direction: 'requests' | 'answers';
  readonly family: Family;
  /** Mark 0, CT as before tracking. */
  readonly region: Boxes;
  readonly states: readonly FlowState[];
}

/** Why a guard is beyond what can be proven. */
export class Unprovable extends Error {}

const { TRACKED, CONFIRMED, SEEN_REPLY, ASSURED, REPLY } = CT_FIELD;
const { NEW, ESTABLISHED, INVALID } = STATE.values;
const { NONE, OTHER, LOOPBACK } = INTERFACE_ID.values;
const PROTOCOL = {
  tcp: { ipv4: 6, ipv6: 6 },
  udp: { ipv4: 17, ipv6: 17 },
  ping: { ipv4: 1, ipv6: 58 },
} as const;
/** type << 8 of an echo request and its reply (RFC 792, RFC 4443). */
const ECHO = { ipv4: { request: 0x0800, reply: 0 }, ipv6: { request: 0x8000, reply: 0x8100 } } as const;
/** Bytes of the IP header without options, and of the smallest transport header. */
const IP_HEADER = { ipv4: 20, ipv6: 40 } as const;
const TRANSPORT_HEADER = { tcp: 20, udp: 8, ping: 8 } as const;
/** Sources that no host of a network has; the stack takes none of them. */
const NO_SOURCE: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '255.255.255.255'],
  ipv6: ['::', '::1', 'ff00::/8'],
};

const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;
const URG = 32;
const ECN = 64 | 128;

/** The regions for each family that the guard is about and the model has. Throws Unprovable. */
export function guardFlows(guard: Guard, model: Model, host: Host): Flow[] {
  const stack = new Stack(host);
  const inputs = interfaceIds(guard, model.interfaces);
  const named = [...(guard.from ?? []), ...(guard.to ?? [])].map(({ family }) => family);
  const families = model.families.filter(
    ({ family }) =>
      [guard.from, guard.to].every(
        (side) => side === undefined || side.some((each) => each.family === family),
      ) &&
      (named.length > 0 || ownAddresses(family, host).length > 0),
  );
  const foreign = named.find((family) => !model.families.some((each) => each.family === family));
  if (foreign !== undefined) throw new Unprovable(`programs judge no ${foreign} packets`);
  if (families.length === 0)
    throw new Unprovable('no packet is of it: its addresses are of different families');
  return families.flatMap(({ family, tracked }) => {
    const own = ownSide(guard, family, host);
    const others = otherSide(guard, family, host, stack);
    const answerWays = outputs(guard, family, host, stack, model.interfaces, inputs);
    const transport = and(
      range('PROTO', PROTOCOL[guard.protocol][family]),
      range('FRAG', 0),
      range('AVAIL', TRANSPORT_HEADER[guard.protocol], 63),
      range('LENGTH', IP_HEADER[family] + TRANSPORT_HEADER[guard.protocol], 0xffff),
      range('TTL', 1, 255),
      range('MARK', 0),
      range('CT', INVALID),
      range('TCPFLAGS', 0, 255),
      range('TCPOPT', 0, 2 ** model.tcpOptions.length - 1),
    );
    const request = and(
      transport,
      where('IIF', inputs),
      range('OIF', NONE),
      range('MAC1', 0, 0xffff),
      sides('SRC', others, 'DST', own),
      portBoxes(guard, family, 'request'),
    );
    const answer = and(
      transport,
      range('IIF', NONE),
      or(...answerWays.map(({ boxes, ids }) => and(boxes, where('OIF', ids)))),
      range('MAC1', MAC_NONE),
      sides('SRC', own, 'DST', others),
      portBoxes(guard, family, 'answer'),
    );
    if (request.length === 0) throw new Unprovable('no packet is of it: its sources are no other host’s');
    return [
      { direction: 'requests', family, region: request, states: requestStates(guard, tracked) },
      { direction: 'answers', family, region: answer, states: answerStates(guard, tracked) },
    ] satisfies Flow[];
  });
}

function requestStates({ protocol }: Guard, tracked: boolean): FlowState[] {
  const isTcp = protocol === 'tcp';
  const all = isTcp ? flags((each) => isSound(each) && !isAnswerToSyn(each)) : [[]];
  if (!tracked) return [{ name: 'not tracked', ct: [{ first: 0, last: 0 }], part: all }];
  return [
    { name: 'NEW', ct: values([NEW | TRACKED], [CONFIRMED]), part: isTcp ? flags(isFirst) : [[]] },
    // A SYN among them: sent again since its answer was lost.
    { name: 'ESTABLISHED', ct: established(0), part: all },
  ];
}

function answerStates({ protocol }: Guard, tracked: boolean): FlowState[] {
  const part = protocol === 'tcp' ? flags((each) => isSound(each) && !isFirst(each)) : [[]];
  return tracked
    ? [{ name: 'ESTABLISHED', ct: established(REPLY), part }]
    : [{ name: 'not tracked', ct: [{ first: 0, last: 0 }], part }];
}

function established(direction: number): Ranges {
  return values([ESTABLISHED | TRACKED | CONFIRMED | SEEN_REPLY | direction], [ASSURED]);
}

/** Each base alone and with each bit. */
function values(bases: readonly number[], bits: readonly number[]): Ranges {
  const all = new Set(bases.flatMap((base) => [base, ...bits.map((bit) => base | bit)]));
  return valuesWhere(256, (value) => all.has(value));
}

function flags(holds: (flags: number) => boolean): Boxes {
  return where('TCPFLAGS', valuesWhere(256, holds));
}

function isFirst(flag: number): boolean {
  return (flag & ~ECN) === SYN;
}

function isAnswerToSyn(flag: number): boolean {
  return (flag & (SYN | ACK)) === (SYN | ACK);
}

/** What a TCP sends (RFC 9293): PSH, ECE and CWR go with any but a SYN, which has no PSH. */
function isSound(flag: number): boolean {
  if ((flag & SYN) !== 0) return isFirst(flag) || (flag & ~ECN) === (SYN | ACK);
  const core = flag & (FIN | RST | ACK | URG);
  return [RST, RST | ACK, FIN | ACK, FIN | ACK | URG, ACK, ACK | URG].includes(core);
}

function portBoxes(guard: Guard, family: Family, which: 'request' | 'answer'): Boxes {
  const any = range('SPORT', 1, 0xffff);
  if (guard.protocol === 'ping') {
    const type = ECHO[family][which === 'request' ? 'request' : 'reply'];
    return and(range('SPORT', type), range('DPORT', 0, 0xffff));
  }
  return which === 'request'
    ? and(any, where('DPORT', guard.ports))
    : and(where('SPORT', guard.ports), range('DPORT', 1, 0xffff));
}

/** Where requests come in by. An interface that the migrated host lacks may be born. */
function interfaceIds({ interfaces }: Guard, ids: InterfaceIds): Ranges {
  if (interfaces === undefined)
    return [OTHER, ...Object.values(ids).filter((id) => id !== LOOPBACK)].map((id) => ({
      first: id,
      last: id,
    }));
  return interfaces.map((name) => {
    const id = ids[name];
    if (id === undefined || id === LOOPBACK)
      throw new Unprovable(`\`${name}\` is no interface by which other hosts reach the migrated one`);
    return { first: id, last: id };
  });
}

/**
 * Where answers leave by: by any interface, or, where the guard names some, by those and by the ones that the migrated
 * routes lead to.
 */
function outputs(
  guard: Guard,
  family: Family,
  host: Host,
  stack: Stack,
  ids: InterfaceIds,
  inputs: Ranges,
): { readonly boxes: Boxes; readonly ids: Ranges }[] {
  if (guard.interfaces === undefined) return [{ boxes: [[]], ids: inputs }];
  const own = ownAddresses(family, host);
  const routed = host.interfaces
    .filter(({ name }) => name !== 'lo' && ids[name] !== undefined)
    .map(({ name }) => ({
      boxes: addressesWhere('DST', family, host, (address) =>
        own.some((source) => {
          const route = stack.routeAnswer(family, source, address);
          return route.kind === 'output' && route.device === name;
        }),
      ),
      ids: [{ first: ids[name]!, last: ids[name]! }],
    }));
  return [{ boxes: [[]], ids: inputs }, ...routed.filter(({ boxes }) => boxes.length > 0)];
}

function sides(
  a: AddressSide,
  ofA: readonly AddressRange[],
  b: AddressSide,
  ofB: readonly AddressRange[],
): Boxes {
  const boxes = (side: AddressSide, ranges: readonly AddressRange[]): Boxes =>
    or(...ranges.map((each) => addressRangeBoxes(side, each)));
  return and(boxes(a, ofA), boxes(b, ofB));
}

/** Unicast addresses of the host that others can send to. */
function ownAddresses(family: Family, host: Host): AddressWords[] {
  const found = withLoopback(host)
    .flatMap(({ addresses = [] }) => addresses)
    .map((text) => parsePrefix(text))
    .filter((prefix) => prefix !== undefined && prefix.family === family)
    .map((prefix) => prefix!.address)
    .filter((address) => !isLoopback(address, family));
  return found.filter((address, i) => found.findIndex((each) => compareAddresses(each, address) === 0) === i);
}

function isLoopback(address: AddressWords, family: Family): boolean {
  return family === 'ipv4' ? address[0]! >>> 24 === 127 : formatAddress(address) === '::1';
}

function ownSide({ to }: Guard, family: Family, host: Host): AddressRange[] {
  const own = ownAddresses(family, host).map((address) => ({ first: address, last: address }));
  if (to === undefined) return own;
  for (const each of to) {
    if (each.family !== family) continue;
    const isOwn = own.some(
      ({ first }) => compareAddresses(each.first, first) === 0 && compareAddresses(each.last, first) === 0,
    );
    if (!isOwn)
      throw new Unprovable(
        `${each.text} is no address of the migrated host, and guards are for flows to the host itself`,
      );
  }
  return to.filter((each) => each.family === family);
}

/** The other hosts: what the guard names, without addresses that the stack takes no packet from. */
function otherSide({ from }: Guard, family: Family, host: Host, stack: Stack): AddressRange[] {
  const named = from?.filter((each) => each.family === family);
  const outside = named === undefined ? [] : complementAddresses(mergeAddresses(named), family);
  const impossible = [
    ...NO_SOURCE[family].map((text) => prefixRange(text)),
    ...ownAddresses(family, host).map((address) => ({ first: address, last: address })),
    ...(family === 'ipv4' ? broadcasts(host, stack) : []),
  ];
  return complementAddresses(mergeAddresses([...outside, ...impossible]), family);
}

/** Broadcast addresses of the host's networks, as far as they are some: not those of a /31. */
function broadcasts(host: Host, stack: Stack): AddressRange[] {
  return host.interfaces
    .flatMap(({ addresses = [] }) => addresses)
    .filter((text) => !text.includes(':'))
    .flatMap((text) => {
      const { first, last } = prefixRange(text);
      return [first, last];
    })
    .filter((address) => stack.addresses.ipv4Type(address, undefined) === 'broadcast')
    .map((address) => ({ first: address, last: address }));
}
