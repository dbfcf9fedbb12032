// SPDX-License-Identifier: Apache-2.0
// Reader for pcap files: both byte orders, micro- and nanoseconds, and the modified record header of
// old Linux patches. Format: draft-ietf-opsawg-pcap, pcap-savefile(5).
import type { ByteWindow } from './byte-window.js';
import { BATCH_PACKETS, MAX_PACKET_BYTES, type CapturedPacket } from './captured-packet.js';
import { CaptureFault } from './fault.js';

interface Variant {
  readonly littleEndian: boolean;
  /** Nanoseconds in one unit of the record's second time word. */
  readonly fractionNs: number;
  readonly recordHeaderBytes: number;
}

/** Keyed by the first four bytes read as a big-endian number. */
const VARIANTS: ReadonlyMap<number, Variant> = new Map([
  [0xa1b2c3d4, { littleEndian: false, fractionNs: 1000, recordHeaderBytes: 16 }],
  [0xd4c3b2a1, { littleEndian: true, fractionNs: 1000, recordHeaderBytes: 16 }],
  [0xa1b23c4d, { littleEndian: false, fractionNs: 1, recordHeaderBytes: 16 }],
  [0x4d3cb2a1, { littleEndian: true, fractionNs: 1, recordHeaderBytes: 16 }],
  // "Modified" pcap: interface index, protocol and packet type follow the two lengths.
  [0xa1b2cd34, { littleEndian: false, fractionNs: 1000, recordHeaderBytes: 24 }],
  [0x34cdb2a1, { littleEndian: true, fractionNs: 1000, recordHeaderBytes: 24 }],
]);

const FILE_HEADER_BYTES = 24;
const NS_PER_S = 1_000_000_000n;

export function isPcapMagic(magicBigEndian: number): boolean {
  return VARIANTS.has(magicBigEndian);
}

/**
 * Packets in batches. The window stands at the magic number. A file that is cut or damaged gives the packets
 * before the fault, then throws a CaptureFault.
 */
export async function* readPcap(window: ByteWindow, file: string): AsyncGenerator<CapturedPacket[]> {
  if (!(await window.fill(FILE_HEADER_BYTES))) {
    throw new CaptureFault(
      'IPT0824',
      { file, byteOffset: window.available },
      `the file ends inside its header, which has ${FILE_HEADER_BYTES} bytes`,
    );
  }
  const variant = VARIANTS.get(window.u32(0, false))!;
  const { littleEndian, fractionNs, recordHeaderBytes } = variant;
  const major = window.u16(4, littleEndian);
  if (major !== 2) {
    const minor = window.u16(6, littleEndian);
    throw new CaptureFault(
      'IPT0822',
      { file, byteOffset: 4 },
      `version ${major}.${minor} of pcap is not known, only 2.x`,
    );
  }
  const linkField = window.u32(20, littleEndian);
  const linkType = linkField & 0xffff;
  // Bit 26 says that bits 28 to 31 hold the length of the frame check sequence in 16-bit words.
  const fcsBytes = (linkField & 0x0400_0000) !== 0 ? (linkField >>> 28) * 2 : 0;
  window.take(FILE_HEADER_BYTES);

  let batch: CapturedPacket[] = [];
  for (let index = 0; ; index++) {
    const place = { file, byteOffset: window.offset, packetNumber: index + 1 };
    if (window.available < recordHeaderBytes && !(await window.fill(recordHeaderBytes))) {
      if (batch.length > 0) yield batch;
      if (window.available === 0) return;
      throw new CaptureFault(
        'IPT0824',
        place,
        `the file ends inside a packet header: ${window.available} of ${recordHeaderBytes} bytes are there`,
      );
    }
    const captured = window.u32(8, littleEndian);
    const original = window.u32(12, littleEndian);
    if (captured > MAX_PACKET_BYTES) {
      if (batch.length > 0) yield batch;
      throw new CaptureFault(
        'IPT0823',
        place,
        `the packet's length is ${captured} bytes, but no packet is longer than ${MAX_PACKET_BYTES}`,
      );
    }
    const record = recordHeaderBytes + captured;
    if (window.available < record && !(await window.fill(record))) {
      if (batch.length > 0) yield batch;
      throw new CaptureFault(
        'IPT0824',
        place,
        `the file ends inside the packet: ${window.available - recordHeaderBytes} of ${captured} bytes are there`,
      );
    }
    const packetType = recordHeaderBytes === 24 ? window.u8(22) : undefined;
    const kept = withoutFcs(captured, original, fcsBytes);
    batch.push({
      index,
      timestampNs:
        BigInt(window.u32(0, littleEndian)) * NS_PER_S + BigInt(window.u32(4, littleEndian) * fractionNs),
      linkType,
      data: window.bytes(recordHeaderBytes, kept),
      wireLength: Math.max(kept, original - fcsBytes),
      littleEndian,
      ...(packetType === undefined ? {} : { direction: packetType === 4 ? 'out' : 'in' }),
    });
    window.take(record);
    if (batch.length >= BATCH_PACKETS) {
      yield batch;
      batch = [];
    }
  }
}

/** Captured bytes that are no frame check sequence, which is at the end of the whole packet. */
export function withoutFcs(captured: number, original: number, fcsBytes: number): number {
  return fcsBytes === 0 ? captured : Math.max(0, Math.min(captured, original - fcsBytes));
}
