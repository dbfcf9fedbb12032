// SPDX-License-Identifier: Apache-2.0
// ICMP and ICMPv6 before the tuple is looked up: broken messages, neighbour discovery (never tracked), and
// errors, which are RELATED to the connection of the packet they quote. nf_conntrack_proto_icmp.c,
// nf_conntrack_proto_icmpv6.c.
import { load32 } from '../../../packet/bytes.js';
import type { AddressWords } from '../../../net/address.js';
import { ParsedPacket } from '../../../packet/parse.js';
import { transportChecksumValid } from '../../../packet/transport-checksum.js';
import { CT_RELATED, CT_RELATED_REPLY, CT_UNTRACKED, type Skb } from '../skb.js';
import type { TrackerContext } from './tracker.js';
import { invertTuple, readTuple, type Tuple } from './tuple.js';

const HIGHEST_ICMP_TYPE = 18;
/** Destination unreachable, source quench, redirect, time exceeded, parameter problem. */
const ICMP_ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);
/** MLD, router and neighbour discovery, multicast router discovery. */
const NEVER_TRACKED: ReadonlySet<number> = new Set([130, 131, 132, 133, 134, 135, 136, 143, 151, 152]);
const NDISC_REDIRECT = 137;
const REDIRECT_HEADER = 40;
const OPTION_REDIRECTED = 4;

/**
 * `done`: tracking of this packet has ended, with a RELATED connection, as UNTRACKED or INVALID. `continue`:
 * it is to be looked up like any other packet.
 */
export function trackIcmpError(skb: Skb, context: TrackerContext): 'done' | 'continue' {
  const { frame, l4Offset, end } = skb.packet;
  if (l4Offset + 8 > end) return 'done';
  if (context.verifyChecksums && skb.hook === 'PREROUTING' && skb.checksumKnown && !skb.checksumValid) {
    if (!transportChecksumValid(skb.packet)) return 'done';
    skb.checksumValid = true;
  }
  const type = frame[l4Offset]!;
  if (skb.family === 'ipv4') {
    if (type > HIGHEST_ICMP_TYPE) return 'done';
    if (!ICMP_ERRORS.has(type)) return 'continue';
    relate(skb, l4Offset + 8, context);
    return 'done';
  }
  if (NEVER_TRACKED.has(type)) {
    skb.ctInfo = CT_UNTRACKED;
    return 'done';
  }
  if (type === NDISC_REDIRECT) return trackRedirect(skb, context);
  if (type >= 128) return 'continue';
  relate(skb, l4Offset + 8, context);
  return 'done';
}

function trackRedirect(skb: Skb, context: TrackerContext): 'done' | 'continue' {
  const { frame, l4Offset, end, source } = skb.packet;
  if (l4Offset + REDIRECT_HEADER > end) return 'done';
  if (frame[l4Offset + 1] !== 0) return 'continue';
  if (skb.ttl !== 255 || source[0]! >>> 22 !== 0xfe80 >>> 6) return 'done';
  const option = l4Offset + REDIRECT_HEADER;
  if (option + 2 > end || frame[option + 1] === 0) return 'done';
  if (frame[option] !== OPTION_REDIRECTED) return 'continue';
  relate(skb, option + 8, context);
  return 'done';
}

/** Looks for the connection of the packet quoted at `offset`; leaves the skb INVALID where there is none. */
function relate(skb: Skb, offset: number, context: TrackerContext): void {
  const quoted = readQuotedTuple(skb.packet, offset);
  const inverted = quoted === undefined ? undefined : invertTuple(quoted);
  if (inverted === undefined) return;
  const node = context.table.find(inverted, context.clock.jiffies);
  if (node === undefined) {
    skb.ctUnknown = context.translationsUnknown;
    return;
  }
  // The error must go to the side that the quoted packet came from, else it is a forgery.
  const { connection, isReply, tuple } = node;
  if (!sameAddress(skb.packet.destination, tuple.destination)) return;
  if (connection.uncertain) {
    skb.ctUnknown = true;
    return;
  }
  skb.connection = connection;
  skb.ctInfo = isReply ? CT_RELATED_REPLY : CT_RELATED;
}

function sameAddress(a: AddressWords, b: AddressWords): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function readQuotedTuple(outer: ParsedPacket, offset: number): Tuple | undefined {
  const { frame, end, family } = outer;
  if (offset + (family === 'ipv4' ? 20 : 40) > end) return undefined;
  if (family === 'ipv4') {
    if ((load32(frame, offset + 4) & 0x1fff) !== 0) return undefined;
    const l4Offset = offset + ((frame[offset]! & 0xf) << 2);
    if (l4Offset > end) return undefined;
    const protocol = frame[offset + 9]!;
    const source = [load32(frame, offset + 12)];
    const destination = [load32(frame, offset + 16)];
    return readTuple(family, protocol, source, destination, frame, l4Offset, end);
  }
  // The quote is cut at the outer packet's end, wherever its own length points to.
  const inner = new ParsedPacket(frame, 'ipv6', offset, end);
  if (inner.protocolUnreadable || inner.fragmentOffset !== 0) return undefined;
  return readTuple(family, inner.protocol, inner.source, inner.destination, frame, inner.l4Offset, end);
}
