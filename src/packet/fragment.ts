// SPDX-License-Identifier: Apache-2.0
// A built frame cut into IP fragments: RFC 791 section 3.2, RFC 8200 section 4.5 (the fragment header comes
// after the extension headers every hop reads). Made for tests and generated traffic.
import { load16, store16, store32 } from './bytes.js';
import { checksumOf, onesComplementSum } from './checksum.js';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, parseEthernet } from './ethernet.js';

const HOP_BY_HOP = 0;
const FRAGMENT = 44;

/**
 * Frames whose IP payload has at most `payloadBytes` (a multiple of 8) each, in order; IPv4 keeps the packet's
 * identification, IPv6 takes `id`. The frame must hold a whole, sound IP packet.
 */
export function fragmentFrame(frame: Uint8Array, payloadBytes: number, id = 1): Uint8Array[] {
  const link = parseEthernet(frame);
  const at = link?.payloadOffset ?? 0;
  if (link?.etherType === ETHERTYPE_IPV4) {
    return cut(frame, at, at + (frame[at]! & 0xf) * 4, payloadBytes, (head, offset, more, length) => {
      store16(head, at + 2, head.length - at + length);
      store16(head, at + 6, (offset >>> 3) | (more ? 0x2000 : 0));
      store16(head, at + 10, 0);
      store16(head, at + 10, checksumOf(onesComplementSum(head, at, head.length)));
      return head;
    });
  }
  if (link?.etherType !== ETHERTYPE_IPV6) throw new RangeError('no IP packet to cut into fragments');
  const hasHopByHop = frame[at + 6] === HOP_BY_HOP;
  const start = at + 40 + (hasHopByHop ? (frame[at + 41]! + 1) * 8 : 0);
  const nextAt = hasHopByHop ? at + 40 : at + 6;
  const next = frame[nextAt]!;
  return cut(frame, at, start, payloadBytes, (head, offset, more, length) => {
    const out = new Uint8Array(head.length + 8);
    out.set(head);
    out[nextAt] = FRAGMENT;
    out[start] = next;
    store16(out, start + 2, offset | (more ? 1 : 0));
    store32(out, start + 4, id);
    store16(out, at + 4, out.length - at - 40 + length);
    return out;
  });
}

function cut(
  frame: Uint8Array,
  l3Offset: number,
  start: number,
  payloadBytes: number,
  head: (head: Uint8Array, offset: number, more: boolean, length: number) => Uint8Array,
): Uint8Array[] {
  const isIpv4 = frame[l3Offset]! >>> 4 === 4;
  const end = isIpv4 ? l3Offset + load16(frame, l3Offset + 2) : l3Offset + 40 + load16(frame, l3Offset + 4);
  const pieces: Uint8Array[] = [];
  for (let from = start; from < end; from += payloadBytes) {
    const to = Math.min(end, from + payloadBytes);
    const header = head(frame.slice(0, start), from - start, to < end, to - from);
    const piece = new Uint8Array(header.length + to - from);
    piece.set(header);
    piece.set(frame.subarray(from, to), header.length);
    pieces.push(piece);
  }
  return pieces;
}
