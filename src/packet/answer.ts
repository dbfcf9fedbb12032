// SPDX-License-Identifier: Apache-2.0
// Packets that the host makes in answer to others: ICMP and ICMPv6 errors (RFC 792, RFC 4443) and TCP resets
// (RFC 9293 section 3.10.7). Frames have an empty Ethernet header: they have not been sent anywhere yet.
import type { AddressWords } from '../net/address.js';
import { load32, store16, store32 } from './bytes.js';
import { checksumOf, onesComplementSum } from './checksum.js';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, ParsedPacket } from './parse.js';

const ETHERNET = 14;
/** Most bytes of an ICMP error, IP header included. */
const LARGEST_ICMP = 576;
const LARGEST_ICMPV6 = 1280;
const INTERNETWORK_CONTROL = 0xc0;
const TOS_MASK = 0x1e;

export interface IcmpErrorFields {
  readonly type: number;
  readonly code: number;
  readonly info: number;
}

/** `source` sends the error to the source of `cause`, which it quotes from its IP header on. */
export function buildIcmpError(
  cause: ParsedPacket,
  { type, code, info }: IcmpErrorFields,
  source: AddressWords,
  ttl: number,
): ParsedPacket {
  const isIpv4 = cause.family === 'ipv4';
  const header = isIpv4 ? 20 : 40;
  const most = (isIpv4 ? LARGEST_ICMP : LARGEST_ICMPV6) - header - 8;
  const quote = cause.frame.subarray(cause.l3Offset, Math.min(cause.end, cause.l3Offset + most));
  const frame = newFrame(cause, source, isIpv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, ttl, 8 + quote.length);
  if (isIpv4) frame[ETHERNET + 1] = (cause.tos & TOS_MASK) | INTERNETWORK_CONTROL;
  const l4 = ETHERNET + header;
  frame[l4] = type;
  frame[l4 + 1] = code;
  store32(frame, l4 + 4, info);
  frame.set(quote, l4 + 8);
  return finish(frame, cause, l4, 2);
}

/** The RST that REJECT sends: it acknowledges what came, or bears the sequence number that was expected. */
export function buildTcpReset(cause: ParsedPacket, ttl: number): ParsedPacket {
  const frame = newFrame(cause, cause.destination, IPPROTO_TCP, ttl, 20);
  const l4 = ETHERNET + (cause.family === 'ipv4' ? 20 : 40);
  const from = cause.l4Offset;
  frame.set(cause.frame.subarray(from + 2, from + 4), l4);
  frame.set(cause.frame.subarray(from, from + 2), l4 + 2);
  const flags = cause.frame[from + 13]!;
  if ((flags & 0x10) !== 0) {
    store32(frame, l4 + 4, load32(cause.frame, from + 8));
    frame[l4 + 13] = 0x04;
  } else {
    const payload = cause.end - from - ((cause.frame[from + 12]! >>> 4) << 2);
    const phantom = ((flags >>> 1) & 1) + (flags & 1);
    store32(frame, l4 + 8, (load32(cause.frame, from + 4) + payload + phantom) >>> 0);
    frame[l4 + 13] = 0x14;
  }
  frame[l4 + 12] = 5 << 4;
  return finish(frame, cause, l4, 16);
}

function newFrame(
  cause: ParsedPacket,
  source: AddressWords,
  protocol: number,
  ttl: number,
  payload: number,
): Uint8Array {
  const isIpv4 = cause.family === 'ipv4';
  const header = isIpv4 ? 20 : 40;
  const frame = new Uint8Array(ETHERNET + header + payload);
  store16(frame, 12, isIpv4 ? 0x0800 : 0x86dd);
  if (isIpv4) {
    frame[ETHERNET] = 0x45;
    store16(frame, ETHERNET + 2, header + payload);
    frame[ETHERNET + 8] = ttl;
    frame[ETHERNET + 9] = protocol;
    store32(frame, ETHERNET + 12, source[0]!);
    store32(frame, ETHERNET + 16, cause.source[0]!);
    return frame;
  }
  frame[ETHERNET] = 0x60;
  store16(frame, ETHERNET + 4, payload);
  frame[ETHERNET + 6] = protocol;
  frame[ETHERNET + 7] = ttl;
  for (let i = 0; i < 4; i++) {
    store32(frame, ETHERNET + 8 + 4 * i, source[i]!);
    store32(frame, ETHERNET + 24 + 4 * i, cause.source[i]!);
  }
  return frame;
}

/** Fills in the checksums; the upper layer's lies `at` bytes behind `l4`. */
function finish(frame: Uint8Array, cause: ParsedPacket, l4: number, at: number): ParsedPacket {
  if (cause.family === 'ipv4')
    store16(frame, ETHERNET + 10, checksumOf(onesComplementSum(frame, ETHERNET, l4)));
  const packet = new ParsedPacket(frame, cause.family, ETHERNET, frame.length);
  let pseudo = 0;
  if (packet.protocol !== IPPROTO_ICMP) {
    for (const word of [...packet.source, ...packet.destination]) pseudo += (word >>> 16) + (word & 0xffff);
    pseudo += packet.protocol + (frame.length - l4);
  }
  store16(frame, l4 + at, checksumOf(onesComplementSum(frame, l4, frame.length, pseudo)));
  return packet;
}
