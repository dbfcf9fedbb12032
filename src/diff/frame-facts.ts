// SPDX-License-Identifier: Apache-2.0
// What a comparison asks of a frame: its family, and whether it is a piece of a datagram.
import type { Family } from '../net/family.js';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, parseEthernet } from '../packet/ethernet.js';
import { ParsedPacket } from '../packet/parse.js';

export function frameFamily(frame: Uint8Array): Family | undefined {
  const link = parseEthernet(frame);
  if (link?.etherType === ETHERTYPE_IPV4) return 'ipv4';
  return link?.etherType === ETHERTYPE_IPV6 ? 'ipv6' : undefined;
}

export function isFragmentFrame(frame: Uint8Array): boolean {
  const link = parseEthernet(frame);
  if (link === undefined) return false;
  const at = link.payloadOffset;
  if (link.etherType === ETHERTYPE_IPV4) {
    // More-fragments flag or an offset.
    return at + 20 <= frame.length && (((frame[at + 6]! << 8) | frame[at + 7]!) & 0x3fff) !== 0;
  }
  if (link.etherType !== ETHERTYPE_IPV6 || at + 40 > frame.length) return false;
  return new ParsedPacket(frame, 'ipv6', at, frame.length).fragmentHeader >= 0;
}

/** Both addresses of an IP frame, in an order that both directions share; empty where there are none. */
export function hostPair(frame: Uint8Array): string {
  const link = parseEthernet(frame);
  if (link === undefined) return '';
  const [at, length] =
    link.etherType === ETHERTYPE_IPV4 ? [link.payloadOffset + 12, 4] : [link.payloadOffset + 8, 16];
  const isIp = link.etherType === ETHERTYPE_IPV4 || link.etherType === ETHERTYPE_IPV6;
  if (!isIp || at + 2 * length > frame.length) return '';
  const ends = [at, at + length].map((start) =>
    Buffer.from(frame.subarray(start, start + length)).toString('hex'),
  );
  return ends.sort().join(' ');
}
