// SPDX-License-Identifier: Apache-2.0
// The link layer of a frame: Ethernet II with any number of 802.1Q / 802.1ad tags (IEEE 802.1Q clause 9).

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_VLAN = 0x8100;
const ETHERTYPE_QINQ = 0x88a8;
const HEADER_LENGTH = 14;

export interface EthernetHeader {
  /** Type behind all tags, or a length below 0x600 for 802.3 frames. */
  readonly etherType: number;
  /** VLAN ids, outermost first; empty for an untagged frame. */
  readonly vlans: readonly number[];
  /** Offset of what follows the last tag. */
  readonly payloadOffset: number;
}

const NO_VLANS: readonly number[] = [];

/** Undefined when the frame is cut inside the header or a tag. */
export function parseEthernet(frame: Uint8Array): EthernetHeader | undefined {
  if (frame.length < HEADER_LENGTH) return undefined;
  let etherType = (frame[12]! << 8) | frame[13]!;
  let payloadOffset = HEADER_LENGTH;
  if (etherType !== ETHERTYPE_VLAN && etherType !== ETHERTYPE_QINQ) {
    return { etherType, vlans: NO_VLANS, payloadOffset };
  }
  const vlans: number[] = [];
  while (etherType === ETHERTYPE_VLAN || etherType === ETHERTYPE_QINQ) {
    if (frame.length < payloadOffset + 4) return undefined;
    vlans.push(((frame[payloadOffset]! << 8) | frame[payloadOffset + 1]!) & 0xfff);
    etherType = (frame[payloadOffset + 2]! << 8) | frame[payloadOffset + 3]!;
    payloadOffset += 4;
  }
  return { etherType, vlans, payloadOffset };
}

/**
 * How the kernel classes a frame: by its destination MAC (net/ethernet/eth.c eth_type_trans), or `loopback`
 * for the host's own broadcast or multicast that comes back to it, without a link-layer header.
 */
export type PacketType = 'host' | 'broadcast' | 'multicast' | 'other-host' | 'loopback';

/**
 * The packet type by destination MAC. A unicast MAC counts as the host's own: captures are replayed as if
 * addressed to it, whatever machine they were taken on.
 */
export function packetType(frame: Uint8Array): PacketType {
  if ((frame[0]! & 1) === 0) return 'host';
  for (let i = 0; i < 6; i++) if (frame[i] !== 0xff) return 'multicast';
  return 'broadcast';
}
