// SPDX-License-Identifier: Apache-2.0
// Whether a packet's upper-layer checksum is right: the Internet checksum (RFC 1071) over pseudo header and
// payload as nf_ip_checksum and nf_ip6_checksum compute it, and SCTP's CRC-32c (RFC 9260 section 6.8).
import { load16, load32 } from './bytes.js';
import { onesComplementSum } from './checksum.js';
import { IPPROTO_TCP, IPPROTO_UDP, type ParsedPacket } from './parse.js';

/**
 * For IPv4, TCP and UDP are summed with the pseudo header, any other protocol without; for IPv6 always with.
 * Reads the packet's whole payload.
 */
export function transportChecksumValid(packet: ParsedPacket): boolean {
  const { frame, l4Offset, end, family, protocol } = packet;
  let pseudo = 0;
  if (family === 'ipv6' || protocol === IPPROTO_TCP || protocol === IPPROTO_UDP) {
    for (const word of packet.source) pseudo += (word >>> 16) + (word & 0xffff);
    for (const word of packet.destination) pseudo += (word >>> 16) + (word & 0xffff);
    pseudo += protocol + (end - l4Offset);
  }
  const sum = onesComplementSum(frame, l4Offset, end, pseudo);
  // All zeros count as right: the kernel adds the IPv4 header, whose own sum is the other zero.
  return sum === 0xffff || sum === 0;
}

/** True where RFC 768 lets the sender leave the checksum out, or the header is cut. */
export function udpChecksumAbsent(packet: ParsedPacket): boolean {
  return packet.l4Offset + 8 <= packet.end && load16(packet.frame, packet.l4Offset + 6) === 0;
}

let crcTable: Uint32Array | undefined;

function castagnoli(): Uint32Array {
  if (crcTable !== undefined) return crcTable;
  crcTable = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    crcTable[i] = crc;
  }
  return crcTable;
}

/** The caller has checked that the 12-byte SCTP header is there. */
export function sctpChecksumValid(packet: ParsedPacket): boolean {
  const { frame, l4Offset, end } = packet;
  const table = castagnoli();
  let crc = 0xffffffff;
  for (let i = l4Offset; i < end; i++) {
    const byte = i >= l4Offset + 8 && i < l4Offset + 12 ? 0 : frame[i]!;
    crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  }
  const expected = ~crc >>> 0;
  // The CRC is stored least significant byte first.
  const stored = load32(frame, l4Offset + 8);
  const swapped =
    ((stored >>> 24) | ((stored >>> 8) & 0xff00) | ((stored << 8) & 0xff0000) | (stored << 24)) >>> 0;
  return swapped === expected;
}
