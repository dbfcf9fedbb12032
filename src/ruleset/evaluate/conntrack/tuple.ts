// SPDX-License-Identifier: Apache-2.0
// What identifies one direction of a connection, and how it is read from a packet: nf_conntrack_core.c
// nf_ct_get_tuple, nf_conntrack_proto_icmp.c, nf_conntrack_proto_icmpv6.c, nf_conntrack_proto_gre.c.
import type { AddressWords } from '../../../net/address.js';
import type { Family } from '../../../net/family.js';
import { load16 } from '../../../packet/bytes.js';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from '../../../packet/parse.js';

export const IPPROTO_DCCP = 33;
export const IPPROTO_GRE = 47;
export const IPPROTO_SCTP = 132;
export const IPPROTO_UDPLITE = 136;

export interface Tuple {
  readonly family: Family;
  readonly protocol: number;
  readonly source: AddressWords;
  readonly destination: AddressWords;
  /** Port in host order, or the ICMP identifier; 0 for protocols without. */
  readonly sourceKey: number;
  /** Port in host order, or ICMP type << 8 | code, or the GRE call id. */
  readonly destinationKey: number;
}

/**
 * Reads a tuple whose upper-layer header starts at `offset` and is bounded by `end`. Undefined when the part
 * that holds the keys is cut.
 */
export function readTuple(
  family: Family,
  protocol: number,
  source: AddressWords,
  destination: AddressWords,
  frame: Uint8Array,
  offset: number,
  end: number,
): Tuple | undefined {
  let sourceKey = 0;
  let destinationKey = 0;
  switch (protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
    case IPPROTO_UDPLITE:
      if (offset + 4 > end) return undefined;
      sourceKey = load16(frame, offset);
      destinationKey = load16(frame, offset + 2);
      break;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      if (offset + 8 > end) return undefined;
      sourceKey = load16(frame, offset + 4);
      destinationKey = load16(frame, offset);
      break;
    case IPPROTO_GRE:
      // Version 1 (PPTP) carries a call id; without the PPTP helper the other side's is 0.
      if (offset + 8 <= end && (load16(frame, offset) & 7) === 1) destinationKey = load16(frame, offset + 6);
      break;
  }
  return { family, protocol, source, destination, sourceKey, destinationKey };
}

/** ICMP types that answer each other. */
const ICMP_ANSWERS: Readonly<Record<number, number>> = {
  0: 8,
  8: 0,
  13: 14,
  14: 13,
  15: 16,
  16: 15,
  17: 18,
  18: 17,
};
const ICMPV6_ANSWERS: Readonly<Record<number, number>> = { 128: 129, 129: 128, 139: 140, 140: 139 };

/** The tuple of the answers; undefined for ICMP types that have none. */
export function invertTuple(tuple: Tuple): Tuple | undefined {
  const { family, protocol, source, destination, sourceKey, destinationKey } = tuple;
  if (protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6) {
    const answers = protocol === IPPROTO_ICMP ? ICMP_ANSWERS : ICMPV6_ANSWERS;
    const type = answers[destinationKey >>> 8];
    if (type === undefined) return undefined;
    return {
      family,
      protocol,
      source: destination,
      destination: source,
      sourceKey,
      destinationKey: (type << 8) | (destinationKey & 0xff),
    };
  }
  return {
    family,
    protocol,
    source: destination,
    destination: source,
    sourceKey: destinationKey,
    destinationKey: sourceKey,
  };
}

export function hashTuple(tuple: Tuple): number {
  let hash = Math.imul(tuple.protocol, 0x9e3779b1);
  for (const word of tuple.source) hash = Math.imul(hash ^ word, 0x85ebca6b) ^ (hash >>> 15);
  for (const word of tuple.destination) hash = Math.imul(hash ^ word, 0xc2b2ae35) ^ (hash >>> 13);
  hash = Math.imul(hash ^ (tuple.sourceKey << 16) ^ tuple.destinationKey, 0x27d4eb2f);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export function tuplesEqual(a: Tuple, b: Tuple): boolean {
  if (a.sourceKey !== b.sourceKey || a.destinationKey !== b.destinationKey) return false;
  if (a.protocol !== b.protocol || a.family !== b.family) return false;
  for (let i = 0; i < a.source.length; i++) {
    if (a.source[i] !== b.source[i] || a.destination[i] !== b.destination[i]) return false;
  }
  return true;
}
