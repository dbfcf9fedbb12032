// SPDX-License-Identifier: Apache-2.0
// What the stack refuses on arrival, before any netfilter hook: net/ipv4/ip_input.c ip_rcv_core and
// net/ipv6/ip6_input.c ip6_rcv_core.
import { ETHERTYPE_IPV4 } from './ethernet.js';
import { load16, load32 } from './bytes.js';
import { onesComplementSum } from './checksum.js';
import { ParsedPacket } from './parse.js';

/** Why the stack drops a packet on arrival. */
export type ReceiveFault =
  | 'truncated'
  | 'bad-version'
  | 'bad-header-length'
  | 'bad-header-checksum'
  | 'loopback-address'
  | 'multicast-source'
  | 'multicast-scope'
  | 'bad-hop-by-hop';

export interface ReceiveOptions {
  /** Bytes from the IP header on that were on the wire, where the capture cut the frame; else those at hand. */
  readonly wireEnd: number;
  /** True to check the IPv4 header checksum. */
  readonly verifyChecksum: boolean;
}

/** Parses a received packet, or says why the stack drops it. `etherType` is IPv4's or IPv6's. */
export function receivePacket(
  frame: Uint8Array,
  l3Offset: number,
  etherType: number,
  { wireEnd, verifyChecksum }: ReceiveOptions,
): ParsedPacket | ReceiveFault {
  return etherType === ETHERTYPE_IPV4
    ? receiveIpv4(frame, l3Offset, wireEnd, verifyChecksum)
    : receiveIpv6(frame, l3Offset, wireEnd);
}

function receiveIpv4(
  frame: Uint8Array,
  l3Offset: number,
  wireEnd: number,
  verifyChecksum: boolean,
): ParsedPacket | ReceiveFault {
  if (l3Offset + 20 > frame.length) return 'truncated';
  const first = frame[l3Offset]!;
  const headerLength = (first & 0xf) << 2;
  if (first >>> 4 !== 4) return 'bad-version';
  if (headerLength < 20) return 'bad-header-length';
  if (l3Offset + headerLength > frame.length) return 'truncated';
  if (verifyChecksum && onesComplementSum(frame, l3Offset, l3Offset + headerLength) !== 0xffff)
    return 'bad-header-checksum';
  const length = load16(frame, l3Offset + 2);
  if (l3Offset + length > wireEnd) return 'truncated';
  if (length < headerLength) return 'bad-header-length';
  return new ParsedPacket(frame, 'ipv4', l3Offset, frame.length);
}

function receiveIpv6(frame: Uint8Array, l3Offset: number, wireEnd: number): ParsedPacket | ReceiveFault {
  if (l3Offset + 40 > frame.length) return 'truncated';
  if (frame[l3Offset]! >>> 4 !== 6) return 'bad-version';
  if (isLoopback(frame, l3Offset + 8) || isLoopback(frame, l3Offset + 24)) return 'loopback-address';
  if (frame[l3Offset + 24] === 0xff && (frame[l3Offset + 25]! & 0xf) < 2) return 'multicast-scope';
  if (frame[l3Offset + 8] === 0xff) return 'multicast-source';
  const length = load16(frame, l3Offset + 4);
  const hopByHop = frame[l3Offset + 6] === 0;
  if ((length !== 0 || !hopByHop) && l3Offset + 40 + length > wireEnd) return 'truncated';
  const packet = new ParsedPacket(frame, 'ipv6', l3Offset, frame.length);
  if (hopByHop && !hopByHopValid(frame, l3Offset + 40, packet.end)) return 'bad-hop-by-hop';
  return packet;
}

/**
 * Of what ip6_rcv_core looks at, all that matters for packets of the host's own, which may come from any scope, and
 * on `lo` from loopback addresses.
 */
export function loopedIpv6Fault(packet: ParsedPacket, onLoopback: boolean): ReceiveFault | undefined {
  const { frame, l3Offset } = packet;
  if (frame[l3Offset]! >>> 4 !== 6) return 'bad-version';
  if (!onLoopback && isLoopback(frame, l3Offset + 8)) return 'loopback-address';
  if (frame[l3Offset + 24] === 0xff && (frame[l3Offset + 25]! & 0xf) === 0) return 'multicast-scope';
  if (frame[l3Offset + 8] === 0xff) return 'multicast-source';
  const hopByHop = frame[l3Offset + 6] === 0;
  const length = load16(frame, l3Offset + 4);
  if ((length !== 0 || !hopByHop) && l3Offset + 40 + length > packet.end) return 'truncated';
  return hopByHop && !hopByHopValid(frame, l3Offset + 40, packet.end) ? 'bad-hop-by-hop' : undefined;
}

function isLoopback(frame: Uint8Array, offset: number): boolean {
  return (
    frame[offset + 15] === 1 &&
    load32(frame, offset) === 0 &&
    load32(frame, offset + 4) === 0 &&
    load32(frame, offset + 8) === 0 &&
    load32(frame, offset + 12) === 1
  );
}

/**
 * Walks the options of a hop-by-hop header (net/ipv6/exthdrs.c ip6_parse_tlv): an option cut short, padding
 * beyond seven bytes or non-zero, and unknown options whose type asks for it (RFC 8200 section 4.2) drop the
 * packet.
 */
function hopByHopValid(frame: Uint8Array, start: number, end: number): boolean {
  if (start + 8 > end) return false;
  const stop = start + ((frame[start + 1]! + 1) << 3);
  if (stop > end) return false;
  let offset = start + 2;
  let padding = 0;
  while (offset < stop) {
    const type = frame[offset]!;
    if (type === 0) {
      padding++;
      if (padding > 7) return false;
      offset++;
      continue;
    }
    if (offset + 2 > stop) return false;
    const length = frame[offset + 1]! + 2;
    if (offset + length > stop) return false;
    if (type === 1) {
      padding += length;
      if (padding > 7) return false;
      for (let i = 2; i < length; i++) if (frame[offset + i] !== 0) return false;
    } else {
      padding = 0;
      if (!hopByHopOptionValid(frame, offset, length)) return false;
    }
    offset += length;
  }
  return offset === stop;
}

const ROUTER_ALERT = 5;
const IOAM = 49;
const JUMBO = 0xc2;
const CALIPSO = 7;

function hopByHopOptionValid(frame: Uint8Array, offset: number, length: number): boolean {
  switch (frame[offset]!) {
    case ROUTER_ALERT:
      return length === 4;
    case IOAM:
      return true;
    case CALIPSO:
      return length >= 8;
    case JUMBO:
      return length === 6 && (offset & 3) === 2 && load32(frame, offset + 2) > 65_535;
    default:
      return frame[offset]! >>> 6 === 0;
  }
}
