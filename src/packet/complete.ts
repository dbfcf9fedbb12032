// SPDX-License-Identifier: Apache-2.0
// A frame that the capture cut, made whole for a judge that takes nothing else (the kernel): zeroes for the
// bytes that are missing, and a checksum that is right for them, as if the cut packet's could be trusted.
import { store16 } from './bytes.js';
import { checksumOf, onesComplementSum } from './checksum.js';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, parseEthernet } from './ethernet.js';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP, ParsedPacket } from './parse.js';

/** Where each protocol's header has its checksum. */
const CHECKSUM_AT: Readonly<Record<number, number>> = {
  [IPPROTO_ICMP]: 2,
  [IPPROTO_TCP]: 16,
  [IPPROTO_UDP]: 6,
  [IPPROTO_ICMPV6]: 2,
};

/** The frame itself where it is whole. Pieces of a datagram keep their checksum: it covers other pieces too. */
export function completeFrame(frame: Uint8Array, wireLength: number): Uint8Array {
  if (frame.length >= wireLength) return frame;
  const whole = new Uint8Array(wireLength);
  whole.set(frame);
  const link = parseEthernet(frame);
  const family =
    link?.etherType === ETHERTYPE_IPV4 ? 'ipv4' : link?.etherType === ETHERTYPE_IPV6 ? 'ipv6' : undefined;
  const at = link?.payloadOffset ?? 0;
  if (family === undefined || at + (family === 'ipv4' ? 20 : 40) > frame.length) return whole;
  const packet = new ParsedPacket(whole, family, at, whole.length);
  const offset = CHECKSUM_AT[packet.protocol];
  const field = packet.l4Offset + (offset ?? 0);
  if (offset === undefined || packet.isFragment || field + 2 > frame.length) return whole;
  // Left out by the sender (RFC 768).
  if (packet.protocol === IPPROTO_UDP && frame[field] === 0 && frame[field + 1] === 0) return whole;
  store16(whole, field, 0);
  const sum = onesComplementSum(whole, packet.l4Offset, packet.end, pseudoHeader(packet));
  store16(whole, field, checksumOf(sum) || 0xffff);
  return whole;
}

function pseudoHeader(packet: ParsedPacket): number {
  if (packet.protocol === IPPROTO_ICMP) return 0;
  let sum = packet.protocol + packet.end - packet.l4Offset;
  for (const word of [...packet.source, ...packet.destination]) sum += (word >>> 16) + (word & 0xffff);
  return sum;
}
