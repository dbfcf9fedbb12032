// SPDX-License-Identifier: Apache-2.0
// A connection of the kernel as an entry of the programs' map `connections`: the key of bpf/lib/tuple.h make_key
// and what bpf/lib/connection.h and tcp.h would have remembered of it, or why that cannot be said.
import { compareAddresses, parseAddress, type AddressWords } from '../net/address.js';
import type { Family } from '../net/family.js';
import { SEGMENT, TCP_FLAG_BITS, TCP_STATE } from '../program/conntrack-constants.js';
import { encodeStruct, type StructValue } from '../program/layout-codec.js';
import { CONNECTION, CONNECTION_KEY, CONNECTION_STATUS } from '../program/layout.js';
import type { KernelConnection, KernelTuple } from './kernel-connections.js';

export interface ConnectionEntry {
  readonly key: Uint8Array;
  readonly value: StructValue<typeof CONNECTION>;
}

export interface Clock {
  /** jiffies64 */
  readonly now: bigint;
  /** Jiffies a second. */
  readonly hz: number;
}

const ICMP = { ipv4: 1, ipv6: 58 } as const satisfies Readonly<Record<Family, number>>;
const TCP = 6;
const GRE = 47;
const SCTP = 132;
const WITH_PORTS: readonly number[] = [TCP, 17, 136];

/** A sentence says why programs cannot follow it. */
export function connectionEntry(from: KernelConnection, { now, hz }: Clock): ConnectionEntry | string {
  const why = unseedable(from);
  if (why !== undefined) return why;
  const { family, protocol, original, flags, mark } = from;
  const isIcmp = protocol === ICMP[family];
  const source = parseAddress(original.source, family);
  const destination = parseAddress(original.destination, family);
  if (source === undefined || destination === undefined) return 'its addresses cannot be read';
  const sides = compareAddresses(source, destination) || original.sourcePort - original.destinationPort;
  // For ICMP the side that asks stands first, and no connection begins with an answer.
  const isTurned = !isIcmp && sides > 0;
  const isMirror = !isIcmp && sides === 0;
  let status: number = CONNECTION_STATUS.values.CONFIRMED;
  if (!flags.has('UNREPLIED')) status |= CONNECTION_STATUS.values.SEEN_REPLY;
  if (flags.has('ASSURED')) status |= CONNECTION_STATUS.values.ASSURED;
  if (isTurned || isMirror) status |= CONNECTION_STATUS.values.REPLY_FIRST;
  const state = protocol === TCP ? tcpState(from.state)! : TCP_STATE.values.NONE;
  return {
    key: encodeStruct(CONNECTION_KEY, {
      first: networkWords(isTurned ? destination : source),
      second: networkWords(isTurned ? source : destination),
      first_port: swap16(isTurned ? original.destinationPort : original.sourcePort),
      second_port: swap16(isTurned ? original.sourcePort : original.destinationPort),
      protocol,
      family: family === 'ipv4' ? 4 : 6,
    }),
    value: {
      expires: now + BigInt(from.secondsLeft! * hz),
      status,
      tcp_state: state,
      // Its age is not told: with the next packet an answered flow is a stream.
      stream: now,
      mark,
      tcp_flags: tcpFlags(state),
      last_segment: protocol === TCP ? SEGMENT.values.NONE : 0,
      last_reply: 0,
      last_end: 0,
      tags: [0, 0],
    },
  };
}

function unseedable(from: KernelConnection): string | undefined {
  const { family, protocol, original, reply, flags, extras } = from;
  const isIcmp = protocol === ICMP[family];
  const zone = ['zone', 'zone-orig', 'zone-reply'].find((name) => Number(extras.get(name) ?? 0) !== 0);
  if (zone !== undefined) return `it is in a conntrack zone (${zone}=${extras.get(zone)!})`;
  if (flags.has('DYING')) return 'it is about to be forgotten';
  if (from.secondsLeft === undefined)
    return 'it is offloaded to a flow table, and the kernel tells neither its state nor its lifetime';
  if (!areInverse(original, reply, isIcmp)) return 'it is translated (NAT)';
  if (protocol === SCTP) return 'the kernel does not tell the verification tags of an SCTP association';
  if (protocol === GRE && original.sourcePort !== 0) return 'it is a PPTP call, which programs do not follow';
  if (protocol === TCP && tcpState(from.state) === undefined)
    return `its TCP state ${from.state ?? '(none)'} is unknown`;
  const hasPorts = original.sourcePort !== 0 || original.destinationPort !== 0;
  if (hasPorts && !isIcmp && protocol !== GRE && !WITH_PORTS.includes(protocol))
    return `programs do not tell ports of protocol ${String(protocol)}`;
  return undefined;
}

/** Nothing is translated. The types of ICMP are each other's answer, the identifier is the same. */
function areInverse(a: KernelTuple, b: KernelTuple, isIcmp: boolean): boolean {
  const ports = isIcmp
    ? a.sourcePort === b.sourcePort
    : a.sourcePort === b.destinationPort && a.destinationPort === b.sourcePort;
  return ports && a.source === b.destination && a.destination === b.source;
}

/** `LISTEN` is what libnetfilter_conntrack calls the state of a simultaneous open. */
function tcpState(name = ''): number | undefined {
  const known = name === 'LISTEN' ? 'SYN_SENT2' : name;
  if (known === 'IGNORE' || known === 'INVALID' || !(known in TCP_STATE.values)) return undefined;
  return TCP_STATE.values[known as keyof typeof TCP_STATE.values];
}

/** What the way to a state leaves behind: a new SYN begins a closed connection anew. */
function tcpFlags(state: number): number {
  const { SYN_SENT2, FIN_WAIT, CLOSE_WAIT, LAST_ACK, TIME_WAIT, CLOSE } = TCP_STATE.values;
  if (state === SYN_SENT2) return TCP_FLAG_BITS.values.SIMULTANEOUS;
  const closing: readonly number[] = [FIN_WAIT, CLOSE_WAIT, LAST_ACK, TIME_WAIT, CLOSE];
  return closing.includes(state) ? TCP_FLAG_BITS.values.CLOSE_INIT : 0;
}

/** Words in network order as a little-endian host stores them. */
function networkWords(words: AddressWords): number[] {
  return [0, 1, 2, 3].map((i) => swap32(words[i] ?? 0));
}

function swap32(word: number): number {
  return (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

function swap16(port: number): number {
  return ((port & 0xff) << 8) | (port >>> 8);
}
