// SPDX-License-Identifier: Apache-2.0
// IP headers of a frame, read as the kernel reads them: RFC 791, RFC 8200; IPv6 extension headers as
// ipv6_find_hdr walks them (net/ipv6/exthdrs_core.c). What ip_rcv and ip6_rcv refuse before any hook is in
// receive.ts.
import type { AddressWords } from '../net/address.js';
import type { Family } from '../net/family.js';
import { load16, load32 } from './bytes.js';
import type { IpPacket } from './packet.js';

export const IPPROTO_ICMP = 1;
export const IPPROTO_IGMP = 2;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_ICMPV6 = 58;
const HOP_BY_HOP = 0;
const ROUTING = 43;
export const IPV6_FRAGMENT = 44;
const AUTHENTICATION = 51;
const NO_NEXT_HEADER = 59;
const DESTINATION_OPTIONS = 60;

/** `protocol` of an IPv6 packet whose chain of extension headers can't be followed to its end. */
export const PROTOCOL_UNKNOWN = -1;

/** The headers of one IP packet inside a frame. Field meanings: IpPacket. */
export class ParsedPacket implements IpPacket {
  readonly protocol: number;
  readonly l4Offset: number;
  readonly end: number;
  readonly source: AddressWords;
  readonly destination: AddressWords;
  readonly fragmentOffset: number;
  readonly moreFragments: boolean;
  readonly ttl: number;
  readonly tos: number;
  /** IPv6: payload length + 40; of a jumbogram, and of what the host itself sends, the bytes that are there. */
  readonly length: number;
  /** IPv6: offset of the fragment header, -1 without one. IPv4: -1. */
  readonly fragmentHeader: number;
  /**
   * IPv6: true when `-p` can't be judged, so that a rule with it drops the packet at once (hotdrop): the chain
   * of headers is cut, or a later fragment starts with an extension header.
   */
  readonly protocolUnreadable: boolean;

  /**
   * `available` is the end of the packet's bytes in the frame. The caller has checked that the fixed header
   * (and for IPv4 the header length) lies within it. `isSent`: the host's own, whole; IPv6 does not look at what
   * its header says before the packet arrives somewhere.
   */
  constructor(
    readonly frame: Uint8Array,
    readonly family: Family,
    readonly l3Offset: number,
    available: number,
    isSent = false,
  ) {
    if (family === 'ipv4') {
      this.tos = frame[l3Offset + 1]!;
      this.length = load16(frame, l3Offset + 2);
      this.end = Math.min(available, l3Offset + this.length);
      const fragment = load16(frame, l3Offset + 6);
      this.fragmentOffset = (fragment & 0x1fff) << 3;
      this.moreFragments = (fragment & 0x2000) !== 0;
      this.ttl = frame[l3Offset + 8]!;
      this.protocol = frame[l3Offset + 9]!;
      this.source = [load32(frame, l3Offset + 12)];
      this.destination = [load32(frame, l3Offset + 16)];
      this.l4Offset = l3Offset + ((frame[l3Offset]! & 0xf) << 2);
      this.fragmentHeader = -1;
      this.protocolUnreadable = false;
      return;
    }
    this.tos = (load16(frame, l3Offset) >>> 4) & 0xff;
    const stated = load16(frame, l3Offset + 4) + 40;
    // A hop-by-hop header with length 0 may be a jumbogram (RFC 2675): all bytes at hand count.
    const jumbo = stated === 40 && frame[l3Offset + 6] === HOP_BY_HOP;
    this.end = jumbo ? available : Math.min(available, l3Offset + stated);
    this.length = jumbo || isSent ? this.end - l3Offset : stated;
    this.ttl = frame[l3Offset + 7]!;
    this.source = words(frame, l3Offset + 8);
    this.destination = words(frame, l3Offset + 24);
    const found = findUpperLayer(frame, l3Offset, this.end);
    this.protocol = found.protocol;
    this.l4Offset = found.offset;
    this.fragmentHeader = found.fragmentHeader;
    this.fragmentOffset = found.fragmentOffset;
    this.moreFragments = found.fragmentHeader >= 0 && (frame[found.fragmentHeader + 3]! & 1) !== 0;
    this.protocolUnreadable = found.unreadable;
  }

  get sourceMac(): Uint8Array {
    return this.frame.subarray(6, 12);
  }

  get destinationMac(): Uint8Array {
    return this.frame.subarray(0, 6);
  }

  /** True for any piece of a fragmented datagram; an IPv6 "atomic fragment" is one too. */
  get isFragment(): boolean {
    return this.family === 'ipv4'
      ? this.fragmentOffset !== 0 || this.moreFragments
      : this.fragmentHeader >= 0;
  }
}

function words(frame: Uint8Array, offset: number): AddressWords {
  return [
    load32(frame, offset),
    load32(frame, offset + 4),
    load32(frame, offset + 8),
    load32(frame, offset + 12),
  ];
}

/** The headers that may stand between the IPv6 header and the upper layer (ipv6_ext_hdr). */
export function isExtensionHeader(protocol: number): boolean {
  return (
    protocol === HOP_BY_HOP ||
    protocol === ROUTING ||
    protocol === IPV6_FRAGMENT ||
    protocol === AUTHENTICATION ||
    protocol === NO_NEXT_HEADER ||
    protocol === DESTINATION_OPTIONS
  );
}

interface UpperLayer {
  readonly protocol: number;
  readonly offset: number;
  readonly fragmentHeader: number;
  readonly fragmentOffset: number;
  readonly unreadable: boolean;
}

function findUpperLayer(frame: Uint8Array, l3Offset: number, end: number): UpperLayer {
  let protocol = frame[l3Offset + 6]!;
  let offset = l3Offset + 40;
  let fragmentHeader = -1;
  while (isExtensionHeader(protocol) && protocol !== NO_NEXT_HEADER) {
    if (offset + 2 > end) return unreadable(offset, fragmentHeader);
    const next = frame[offset]!;
    if (protocol !== IPV6_FRAGMENT) {
      const length = frame[offset + 1]!;
      offset += protocol === AUTHENTICATION ? (length + 2) << 2 : (length + 1) << 3;
      protocol = next;
      continue;
    }
    if (offset + 4 > end) return unreadable(offset, fragmentHeader);
    fragmentHeader = offset;
    const fragmentOffset = load16(frame, offset + 2) & 0xfff8;
    if (fragmentOffset !== 0) {
      if (isExtensionHeader(next) && next !== NO_NEXT_HEADER) {
        return { protocol: PROTOCOL_UNKNOWN, offset, fragmentHeader, fragmentOffset, unreadable: true };
      }
      return { protocol: next, offset, fragmentHeader, fragmentOffset, unreadable: false };
    }
    offset += 8;
    protocol = next;
  }
  return { protocol, offset, fragmentHeader, fragmentOffset: 0, unreadable: false };
}

function unreadable(offset: number, fragmentHeader: number): UpperLayer {
  return { protocol: PROTOCOL_UNKNOWN, offset, fragmentHeader, fragmentOffset: 0, unreadable: true };
}
