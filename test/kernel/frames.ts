// SPDX-License-Identifier: Apache-2.0
// Ethernet frames for kernel tests, written out by hand: RFC 791, 768, 9293, 792. Independent of
// src/packet/build.ts, which these tests help to judge.

export interface FrameOptions {
  readonly source: string;
  readonly destination: string;
  readonly ttl?: number;
  readonly badChecksum?: boolean;
  readonly moreFragments?: boolean;
  /** Bytes; a multiple of 8. */
  readonly fragmentOffset?: number;
}

const UDP = 17;
const TCP = 6;
const protocols = new WeakMap<ArrayBufferLike, number>();

/** Remembers which protocol the bytes are, so that `ipv4Frame` can be called without it. */
function segment(bytes: Buffer, protocol: number): Uint8Array {
  const own = new Uint8Array(bytes);
  protocols.set(own.buffer, protocol);
  return own;
}

/** UDP without checksum (RFC 768: zero means none). */
export function udp(source: number, destination: number, payload = 0): Uint8Array {
  const bytes = Buffer.alloc(8 + payload);
  bytes.writeUInt16BE(source, 0);
  bytes.writeUInt16BE(destination, 2);
  bytes.writeUInt16BE(bytes.length, 4);
  return segment(bytes, UDP);
}

/** TCP header; the checksum is filled in by `ipv4Frame`, which knows the addresses. */
export function tcp(
  source: number,
  destination: number,
  flags: number,
  sequence: number,
  acknowledged: number,
): Uint8Array {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt16BE(source, 0);
  bytes.writeUInt16BE(destination, 2);
  bytes.writeUInt32BE(sequence, 4);
  bytes.writeUInt32BE(acknowledged, 8);
  bytes.writeUInt8(5 << 4, 12);
  bytes.writeUInt8(flags, 13);
  bytes.writeUInt16BE(64000, 14);
  return segment(bytes, TCP);
}

export function icmpEcho(): Uint8Array {
  const bytes = Buffer.from('0800000000010001', 'hex');
  bytes.writeUInt16BE(checksum(bytes), 2);
  return new Uint8Array(bytes);
}

export function ipv4Frame(options: FrameOptions, payload: Uint8Array, protocol?: number): Uint8Array {
  const {
    source,
    destination,
    ttl = 64,
    badChecksum = false,
    moreFragments = false,
    fragmentOffset = 0,
  } = options;
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt16BE(0x1234, 4);
  header.writeUInt16BE((moreFragments ? 0x2000 : 0) | (fragmentOffset >> 3), 6);
  header.writeUInt8(ttl, 8);
  header.writeUInt8(protocol ?? protocols.get(payload.buffer) ?? UDP, 9);
  header.set(source.split('.').map(Number), 12);
  header.set(destination.split('.').map(Number), 16);
  header.writeUInt16BE(badChecksum ? 0xdead : checksum(header), 10);
  const body = Buffer.from(payload);
  if (header.readUInt8(9) === TCP) {
    const pseudo = Buffer.concat([header.subarray(12, 20), Buffer.from([0, TCP, 0, body.length]), body]);
    body.writeUInt16BE(checksum(pseudo), 16);
  }
  return Buffer.concat([Buffer.from('0200000000ff0200000000aa0800', 'hex'), header, body]);
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2)
    sum += (bytes.readUInt8(i) << 8) + (i + 1 < bytes.length ? bytes.readUInt8(i + 1) : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
