// SPDX-License-Identifier: Apache-2.0
// Writer for pcap: Ethernet, nanoseconds, little endian. The file appears when it is complete.
import { OutputFile } from '../output-file.js';

const MAGIC_NANOSECONDS = 0xa1b23c4d;
const LINKTYPE_ETHERNET = 1;
const SNAP_LENGTH = 262144;
const NS_PER_S = 1_000_000_000n;

export interface WritablePacket {
  readonly frame: Uint8Array;
  readonly timestampNs: bigint;
  /** `frame.length` when not given. */
  readonly wireLength?: number;
}

/** The 24 bytes a file starts with. */
export function pcapFileHeader(): Uint8Array {
  const view = new DataView(new ArrayBuffer(24));
  view.setUint32(0, MAGIC_NANOSECONDS, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, SNAP_LENGTH, true);
  view.setUint32(20, LINKTYPE_ETHERNET, true);
  return new Uint8Array(view.buffer);
}

/** A record: 16 bytes of header and the frame. */
export function pcapRecord(packet: WritablePacket): Uint8Array {
  const record = new Uint8Array(16 + packet.frame.length);
  const view = new DataView(record.buffer);
  view.setUint32(0, Number(packet.timestampNs / NS_PER_S), true);
  view.setUint32(4, Number(packet.timestampNs % NS_PER_S), true);
  view.setUint32(8, packet.frame.length, true);
  view.setUint32(12, Math.max(packet.frame.length, packet.wireLength ?? 0), true);
  record.set(packet.frame, 16);
  return record;
}

/** Writes packets as they come; complete the file with `commit`, or give it up with `discard`. */
export class PcapWriter {
  private constructor(private readonly file: OutputFile) {}

  static async create(path: string): Promise<PcapWriter> {
    const file = await OutputFile.create(path);
    await file.write(pcapFileHeader());
    return new PcapWriter(file);
  }

  write(packet: WritablePacket): Promise<void> {
    return this.file.write(pcapRecord(packet));
  }

  commit(): Promise<void> {
    return this.file.commit();
  }

  discard(): Promise<void> {
    return this.file.discard();
  }
}

/** A whole capture at once. */
export async function writePcap(path: string, packets: Iterable<WritablePacket>): Promise<void> {
  const writer = await PcapWriter.create(path);
  for (const packet of packets) await writer.write(packet);
  await writer.commit();
}
