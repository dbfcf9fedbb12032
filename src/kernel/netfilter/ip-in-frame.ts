// SPDX-License-Identifier: Apache-2.0
// Where the IP packet lies in a frame, VLAN tags skipped: what a raw socket is to send and what the records
// compare with. IEEE 802.1Q.
import type { Family } from '../../net/family.js';

export interface IpInFrame {
  readonly family: Family;
  /** From the IP header to the end of the packet, without Ethernet padding where the header tells. */
  readonly packet: Uint8Array;
  /** Behind a VLAN tag of a VLAN (not merely a priority tag). */
  readonly tagged: boolean;
}

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const HOP_BY_HOP = 0;
const TAGS = new Set([0x8100, 0x88a8]);

/** Undefined when the frame's type is no IP. */
export function findIp(frame: Uint8Array): IpInFrame | undefined {
  let at = 12;
  let tagged = false;
  const u16 = (offset: number): number => ((frame[offset] ?? 0) << 8) | (frame[offset + 1] ?? 0);
  while (TAGS.has(u16(at))) {
    tagged ||= (u16(at + 2) & 0xfff) !== 0;
    at += 4;
  }
  const type = u16(at);
  if (type !== IPV4 && type !== IPV6) return undefined;
  const start = at + 2;
  const stated = type === IPV4 ? u16(start + 2) : u16(start + 4) + 40;
  // A jumbogram (RFC 2675) says its length elsewhere, and IPv4's 0 is filled in by raw sockets.
  const isUnsaid = type === IPV4 ? stated === 0 : stated === 40 && frame[start + 6] === HOP_BY_HOP;
  const end = isUnsaid ? frame.length : start + stated;
  return {
    family: type === IPV4 ? 'ipv4' : 'ipv6',
    packet: frame.subarray(start, Math.min(end, frame.length)),
    tagged,
  };
}
