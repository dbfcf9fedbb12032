// SPDX-License-Identifier: Apache-2.0
// LINKTYPE_NFLOG: a packet as nfnetlink_log hands it out: a four-byte header, then attributes, one of them
// the packet from its network header on. include/uapi/linux/netfilter/nfnetlink_log.h.

export interface NflogPacket {
  /** AF_INET (2), AF_INET6 (10), AF_BRIDGE (7)... */
  readonly family: number;
  readonly payloadAt: number;
  readonly payloadLength: number;
}

const HEADER_BYTES = 4;
const ATTRIBUTE_HEADER_BYTES = 4;
const NFULA_PAYLOAD = 9;

/** The packet within, or what is wrong. Attribute headers are in the byte order of the capturing host. */
export function readNflogPacket(data: Uint8Array, littleEndian: boolean): NflogPacket | string {
  if (data.length < HEADER_BYTES) return `shorter than its NFLOG header of ${HEADER_BYTES} bytes`;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const version = data[1]!;
  if (version !== 0) return `version ${version} of NFLOG is not known`;
  let at = HEADER_BYTES;
  while (at + ATTRIBUTE_HEADER_BYTES <= data.length) {
    const length = view.getUint16(at, littleEndian);
    const type = view.getUint16(at + 2, littleEndian) & 0x7fff;
    if (length < ATTRIBUTE_HEADER_BYTES) return `an NFLOG attribute says it has ${length} bytes`;
    if (type === NFULA_PAYLOAD) {
      const payloadAt = at + ATTRIBUTE_HEADER_BYTES;
      // A capture may be cut inside the payload: what is there is the packet.
      const payloadLength = Math.min(length - ATTRIBUTE_HEADER_BYTES, data.length - payloadAt);
      return { family: data[0]!, payloadAt, payloadLength };
    }
    at += Math.ceil(length / 4) * 4;
  }
  return 'an NFLOG record without the packet';
}
