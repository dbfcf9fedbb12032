// SPDX-License-Identifier: Apache-2.0
// A packet as a capture file has it, before its link layer is understood.

export type CaptureFormat = 'pcap' | 'pcapng';

export interface CapturedPacket {
  /** Position in the file, from 0. */
  readonly index: number;
  /** Nanoseconds since the epoch. */
  readonly timestampNs: bigint;
  /** LINKTYPE_ number, https://www.tcpdump.org/linktypes.html. */
  readonly linkType: number;
  /** Link-layer bytes as captured, without frame check sequence. */
  readonly data: Uint8Array;
  /** Bytes on the wire without frame check sequence; larger than `data.length` where the capture cut the packet. */
  readonly wireLength: number;
  /** pcapng `if_name`. */
  readonly interfaceName?: string;
  /** Seen from the capturing host: pcapng `epb_flags`, or the packet type of a cooked or modified header. */
  readonly direction?: 'in' | 'out';
  /** Byte order of the writer: some link headers are in it. */
  readonly littleEndian: boolean;
}

/** Largest packet that is believed. libpcap's MAXIMUM_SNAPLEN; a length beyond it is damage, not a packet. */
export const MAX_PACKET_BYTES = 262144;

/** Packets handed out at once: large enough to hide the cost of a promise, small enough for flat memory. */
export const BATCH_PACKETS = 1024;
