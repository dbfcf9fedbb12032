// SPDX-License-Identifier: Apache-2.0
// Reader for pcapng files: several sections and interfaces, both byte orders, enhanced, simple and obsolete
// packet blocks; all other blocks are skipped. Format: draft-ietf-opsawg-pcapng.
import type { ByteWindow } from './byte-window.js';
import { BATCH_PACKETS, MAX_PACKET_BYTES, type CapturedPacket } from './captured-packet.js';
import { CaptureFault, type CaptureFaultCode } from './fault.js';
import { withoutFcs } from './pcap.js';
import { readInterface, readPacketFlags, type CaptureInterface } from './pcapng-options.js';

/** Block type of a section header: the same in both byte orders. */
export const SECTION_HEADER_BLOCK = 0x0a0d0d0a;
const INTERFACE_BLOCK = 1;
const OBSOLETE_PACKET_BLOCK = 2;
const SIMPLE_PACKET_BLOCK = 3;
const ENHANCED_PACKET_BLOCK = 6;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Type, length, length again. */
const BLOCK_OVERHEAD = 12;
/** Largest block that is held in memory: a packet with room for its options and comments. Skipped blocks have no limit. */
const MAX_HELD_BLOCK = MAX_PACKET_BYTES + 1024 * 1024;

/** Packets in batches. The window stands at a section header. Faults as in readPcap. */
export async function* readPcapng(window: ByteWindow, file: string): AsyncGenerator<CapturedPacket[]> {
  const reader = new PcapngReader(window, file);
  let batch: CapturedPacket[] = [];
  try {
    for (;;) {
      const packet = await reader.next();
      if (packet === undefined) break;
      batch.push(packet);
      if (batch.length >= BATCH_PACKETS) {
        yield batch;
        batch = [];
      }
    }
  } catch (error) {
    if (batch.length > 0) yield batch;
    throw error;
  }
  if (batch.length > 0) yield batch;
}

class PcapngReader {
  private littleEndian = true;
  private interfaces: CaptureInterface[] = [];
  private count = 0;
  private lastTimestampNs = 0n;

  constructor(
    private readonly window: ByteWindow,
    private readonly file: string,
  ) {}

  /** The next packet, or undefined at the end of the file. */
  async next(): Promise<CapturedPacket | undefined> {
    for (;;) {
      if (!(await this.has(8))) {
        if (this.window.available === 0) return undefined;
        throw this.cut(`a block header: ${this.window.available} of 8 bytes are there`);
      }
      const type = this.window.u32(0, this.littleEndian);
      if (type === SECTION_HEADER_BLOCK) await this.enterSection();
      const length = this.window.u32(4, this.littleEndian);
      this.checkLength(length);
      if (!isHeld(type)) {
        await this.skipBlock(type, length);
        continue;
      }
      if (length > MAX_HELD_BLOCK) {
        throw this.fault(
          'IPT0823',
          `a block of type ${type} says it has ${length} bytes; no packet is that long`,
        );
      }
      if (!(await this.has(length))) {
        throw this.cut(`a block of type ${type}: ${this.window.available} of ${length} bytes are there`);
      }
      this.checkTrailer(length);
      const packet = this.readBlock(type, length);
      this.window.take(length);
      if (packet !== undefined) {
        this.count++;
        return packet;
      }
    }
  }

  /** Byte order of the section at hand, checked; forgets the interfaces of the section before. */
  private async enterSection(): Promise<void> {
    if (!(await this.has(28))) {
      throw this.cut(`a section header: ${this.window.available} of 28 bytes are there`);
    }
    if (this.window.u32(8, true) === BYTE_ORDER_MAGIC) this.littleEndian = true;
    else if (this.window.u32(8, false) === BYTE_ORDER_MAGIC) this.littleEndian = false;
    else throw this.fault('IPT0823', 'a section header has no byte-order magic 1a2b3c4d');
    const major = this.window.u16(12, this.littleEndian);
    if (major !== 1) throw this.fault('IPT0822', `version ${major} of pcapng is not known, only 1.x`);
    this.interfaces = [];
  }

  private readBlock(type: number, length: number): CapturedPacket | undefined {
    switch (type) {
      case INTERFACE_BLOCK:
        if (length < 20)
          throw this.fault('IPT0823', `an interface block has ${length} bytes, at least 20 are needed`);
        this.interfaces.push(readInterface(this.window, length, this.littleEndian));
        return undefined;
      case SIMPLE_PACKET_BLOCK:
        return this.simplePacket(length);
      case ENHANCED_PACKET_BLOCK:
        return this.packet(length, this.word(length, 8, 32));
      default:
        this.word(length, 8, 32);
        return this.packet(length, this.window.u16(8, this.littleEndian));
    }
  }

  /** Enhanced and obsolete packet blocks agree from the timestamp on. */
  private packet(length: number, interfaceId: number): CapturedPacket {
    const source = this.interfaceOf(interfaceId);
    const window = this.window;
    const ticks =
      (BigInt(window.u32(12, this.littleEndian)) << 32n) | BigInt(window.u32(16, this.littleEndian));
    const captured = window.u32(20, this.littleEndian);
    const original = window.u32(24, this.littleEndian);
    const padded = Math.ceil(captured / 4) * 4;
    if (captured > MAX_PACKET_BYTES || 28 + padded + 4 > length) {
      throw this.fault(
        'IPT0823',
        `the packet's length is ${captured} bytes, but its block has room for ${length - 32}`,
      );
    }
    const flags = readPacketFlags(window, 28 + padded, length - 4, this.littleEndian);
    const fcsBytes = flags.fcsBytes ?? source.fcsBytes;
    this.lastTimestampNs = source.toNanoseconds(ticks);
    return this.finish(
      source,
      28,
      withoutFcs(captured, original, fcsBytes),
      original - fcsBytes,
      flags.direction,
    );
  }

  /** No interface, time or captured length: interface 0, the time of the packet before, and what fits. */
  private simplePacket(length: number): CapturedPacket {
    const source = this.interfaceOf(0);
    const original = this.word(length, 8, 16);
    const room = length - 16;
    const limit = source.snapLength === 0 ? original : Math.min(original, source.snapLength);
    if (limit > room) {
      throw this.fault(
        'IPT0823',
        `the packet's length is ${limit} bytes, but its block has room for ${room}`,
      );
    }
    return this.finish(
      source,
      12,
      withoutFcs(limit, original, source.fcsBytes),
      original - source.fcsBytes,
      undefined,
    );
  }

  private finish(
    source: CaptureInterface,
    at: number,
    kept: number,
    wireLength: number,
    direction: 'in' | 'out' | undefined,
  ): CapturedPacket {
    return {
      index: this.count,
      timestampNs: this.lastTimestampNs,
      linkType: source.linkType,
      data: this.window.bytes(at, kept),
      wireLength: Math.max(kept, wireLength),
      littleEndian: this.littleEndian,
      ...(source.name === undefined ? {} : { interfaceName: source.name }),
      ...(direction === undefined ? {} : { direction }),
    };
  }

  private interfaceOf(id: number): CaptureInterface {
    const found = this.interfaces[id];
    if (found === undefined) {
      throw this.fault(
        'IPT0823',
        `the packet names interface ${id}, but its section has described ${this.interfaces.length}`,
      );
    }
    return found;
  }

  /** A word of a block that must have at least `minimum` bytes. */
  private word(length: number, at: number, minimum: number): number {
    if (length < minimum) {
      throw this.fault('IPT0823', `a packet block has ${length} bytes, at least ${minimum} are needed`);
    }
    return this.window.u32(at, this.littleEndian);
  }

  private checkLength(length: number): void {
    if (length < BLOCK_OVERHEAD || length % 4 !== 0) {
      throw this.fault(
        'IPT0823',
        `a block says it has ${length} bytes; a block has at least ${BLOCK_OVERHEAD}, in multiples of 4`,
      );
    }
  }

  private checkTrailer(length: number): void {
    const again = this.window.u32(length - 4, this.littleEndian);
    if (again !== length) {
      throw this.fault('IPT0823', `a block has ${length} bytes at its start but ${again} at its end`);
    }
  }

  private async skipBlock(type: number, length: number): Promise<void> {
    const start = this.window.offset;
    const whole = (await this.window.skip(length - 4)) && (await this.has(4));
    if (!whole) {
      const there = this.window.offset - start + this.window.available;
      throw new CaptureFault(
        'IPT0824',
        { file: this.file, byteOffset: start, packetNumber: this.count + 1 },
        `the file ends inside a block of type ${type}: ${there} of ${length} bytes are there`,
      );
    }
    const again = this.window.u32(0, this.littleEndian);
    if (again !== length) {
      throw this.fault('IPT0823', `a block has ${length} bytes at its start but ${again} at its end`);
    }
    this.window.take(4);
  }

  private async has(bytes: number): Promise<boolean> {
    return this.window.available >= bytes || (await this.window.fill(bytes));
  }

  private cut(what: string): CaptureFault {
    return this.fault('IPT0824', `the file ends inside ${what}`);
  }

  private fault(code: CaptureFaultCode, what: string): CaptureFault {
    return new CaptureFault(
      code,
      { file: this.file, byteOffset: this.window.offset, packetNumber: this.count + 1 },
      what,
    );
  }
}

function isHeld(type: number): boolean {
  return (
    type === INTERFACE_BLOCK ||
    type === OBSOLETE_PACKET_BLOCK ||
    type === SIMPLE_PACKET_BLOCK ||
    type === ENHANCED_PACKET_BLOCK
  );
}
