// SPDX-License-Identifier: Apache-2.0
// The layers buildPacket puts together. What isn't given is filled in as a sound packet has it.

/** Right (the default), wrong by one bit, or this very value. */
export type ChecksumChoice = 'right' | 'wrong' | number;

export interface EthernetLayer {
  readonly kind: 'ethernet';
  /** `02:00:00:00:00:01` unless given. */
  readonly source?: string;
  /** `02:00:00:00:00:10` unless given: eth0 of the default host. */
  readonly destination?: string;
  /** Of the next layer unless given. */
  readonly etherType?: number;
}

export interface VlanLayer {
  readonly kind: 'vlan';
  readonly id: number;
  /** 0x8100 unless given; 0x88a8 for a service tag. */
  readonly tagType?: number;
  readonly etherType?: number;
}

export interface Ipv4Layer {
  readonly kind: 'ipv4';
  readonly source: string;
  readonly destination: string;
  readonly ttl?: number;
  readonly tos?: number;
  readonly id?: number;
  readonly dontFragment?: boolean;
  readonly moreFragments?: boolean;
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset?: number;
  /** Padded with zeroes to a multiple of 4. */
  readonly options?: ArrayLike<number>;
  readonly protocol?: number;
  readonly version?: number;
  /** In 32-bit words. */
  readonly headerLength?: number;
  readonly totalLength?: number;
  readonly checksum?: ChecksumChoice;
}

export interface Ipv6Layer {
  readonly kind: 'ipv6';
  readonly source: string;
  readonly destination: string;
  readonly hopLimit?: number;
  readonly trafficClass?: number;
  readonly flowLabel?: number;
  readonly nextHeader?: number;
  readonly version?: number;
  readonly payloadLength?: number;
}

/** Hop-by-hop options, destination options, routing: two bytes of header, then `data` padded to a multiple of 8. */
export interface ExtensionLayer {
  readonly kind: 'hop-by-hop' | 'destination-options' | 'routing';
  /** From the third byte on. Options are padded with PadN, a routing header with zeroes. */
  readonly data?: ArrayLike<number>;
  readonly nextHeader?: number;
  /** In units of 8 bytes, not counting the first. */
  readonly length?: number;
}

export interface Fragment6Layer {
  readonly kind: 'fragment';
  /** In bytes, a multiple of 8. */
  readonly offset?: number;
  readonly more?: boolean;
  readonly id?: number;
  readonly nextHeader?: number;
}

export interface TcpLayer {
  readonly kind: 'tcp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Any of `fin syn rst psh ack urg ece cwr`. */
  readonly flags?: readonly TcpFlag[];
  readonly sequence?: number;
  readonly acknowledgement?: number;
  readonly window?: number;
  /** Padded with zeroes (end of options) to a multiple of 4. */
  readonly options?: ArrayLike<number>;
  /** In 32-bit words. */
  readonly dataOffset?: number;
  readonly checksum?: ChecksumChoice;
}

export interface UdpLayer {
  readonly kind: 'udp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly length?: number;
  /** 0 = left out (IPv4 only). */
  readonly checksum?: ChecksumChoice;
}

export interface IcmpLayer {
  /** By family: ICMP below IPv4, ICMPv6 below IPv6. */
  readonly kind: 'icmp' | 'icmp6';
  readonly type: number;
  readonly code?: number;
  /** The four bytes after the checksum: identifier and sequence number, MTU, unused. */
  readonly rest?: number;
  readonly checksum?: ChecksumChoice;
}

export interface PayloadLayer {
  readonly kind: 'payload';
  readonly data: Uint8Array;
  /** IP protocol number of these bytes, where they stand right above IP. */
  readonly protocol?: number;
}

export type Layer =
  | EthernetLayer
  | VlanLayer
  | Ipv4Layer
  | Ipv6Layer
  | ExtensionLayer
  | Fragment6Layer
  | TcpLayer
  | UdpLayer
  | IcmpLayer
  | PayloadLayer;

export const TCP_FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr'] as const;
export type TcpFlag = (typeof TCP_FLAGS)[number];
