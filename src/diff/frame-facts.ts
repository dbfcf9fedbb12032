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
