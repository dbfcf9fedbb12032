// SPDX-License-Identifier: Apache-2.0
// A parsed packet: what the evaluator and the runners read. Offsets are into `frame`; numbers are host order.
import type { AddressWords } from '../net/address.js';
import type { Family } from '../net/family.js';

/** An Ethernet frame with its place in the capture. */
export interface ReplayPacket {
  /** Position in the replay, from 0. */
  readonly index: number;
  /** Where it comes from: an interface of the host, or `local` for packets the host itself sends. */
  readonly interface: string;
  /** Ethernet frame without FCS. For `local` packets the MAC addresses mean nothing. */
  readonly frame: Uint8Array;
  /** Capture time: nanoseconds since the epoch. The clock of `rules` and `vm`. */
  readonly timestampNs: bigint;
  /** Bytes on the wire; larger than `frame.length` where the capture cut the packet. */
  readonly wireLength: number;
}

export interface IpPacket {
  readonly frame: Uint8Array;
  readonly family: Family;
  /** Six bytes, or undefined when there is no Ethernet source. */
  readonly sourceMac: Uint8Array;
  readonly destinationMac: Uint8Array;
  /** Offset of the IP header. */
  readonly l3Offset: number;
  /** IPv4: the header's protocol. IPv6: the first header that is no extension header, where it can be found. */
  readonly protocol: number;
  /** Offset of the layer-4 header. */
  readonly l4Offset: number;
  /** End of the IP packet: l3Offset + total length, never past the frame. */
  readonly end: number;
  readonly source: AddressWords;
  readonly destination: AddressWords;
  /** In bytes; 0 for the first fragment or a whole packet. */
  readonly fragmentOffset: number;
  readonly moreFragments: boolean;
  readonly ttl: number;
  readonly tos: number;
  /** Of the IP packet: IPv4 total length; IPv6 as `skb->len` has it (net/netfilter/xt_length.c). */
  readonly length: number;
}
