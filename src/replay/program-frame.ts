// SPDX-License-Identifier: Apache-2.0
// Frames as a program at TC meets them: without the tags that led to the upper device, as long as they were
// on the wire, and, for the host's own packets, with what the kernel fills in on the way out.
import { load16, store16 } from '../packet/bytes.js';
import type { ParsedPacket } from '../packet/parse.js';

const ETHERNET = 14;

/**
 * A received frame: `payloadOffset` is where its IP packet starts, behind any tags. Bytes that the capture
 * cut off are zero.
 */
export function receivedFrame(frame: Uint8Array, payloadOffset: number, wireLength: number): Uint8Array {
  const missing = Math.max(0, wireLength - frame.length);
  if (payloadOffset === ETHERNET && missing === 0) return frame;
  const out = new Uint8Array(ETHERNET + frame.length - payloadOffset + missing);
  out.set(frame.subarray(0, ETHERNET - 2));
  out.set(frame.subarray(payloadOffset - 2), ETHERNET - 2);
  return out;
}

/** A packet of the host itself: IPv4 gets its length and checksum from the kernel (net/ipv4/raw.c). */
export function sentFrame(packet: ParsedPacket, wireLength: number): Uint8Array {
  const frame = receivedFrame(packet.frame, packet.l3Offset, wireLength);
  if (packet.family === 'ipv6') return frame;
  const bytes = frame.length - ETHERNET;
  const header = (frame[ETHERNET]! & 15) * 4;
  const isRight = packet.length >= header && packet.length <= bytes;
  if (isRight && checksum(frame, header) === 0) return frame;
  const fixed = frame.slice();
  if (!isRight) store16(fixed, ETHERNET + 2, bytes);
  store16(fixed, ETHERNET + 10, 0);
  store16(fixed, ETHERNET + 10, checksum(fixed, header));
  return fixed;
}

/** RFC 1071 over the IPv4 header: 0 where its checksum is right. */
function checksum(frame: Uint8Array, bytes: number): number {
  let sum = 0;
  for (let at = ETHERNET; at < ETHERNET + bytes; at += 2) sum += load16(frame, at);
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
