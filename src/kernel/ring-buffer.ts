// SPDX-License-Identifier: Apache-2.0
// BPF_MAP_TYPE_RINGBUF read through mmap: a page with the consumer's position, a page with the producer's,
// then the data twice in a row, so that a record never wraps. kernel/bpf/ringbuf.c.
import { mapMemory, type Mapping } from './libc.js';

const PAGE_BYTES = 4096;
const HEADER_BYTES = 8;
const BUSY = 0x80000000;
const DISCARDED = 0x40000000;

export class RingBuffer {
  private readonly consumer: Mapping;
  private readonly producer: Mapping;

  /** `size` is the map's max_entries: bytes, a power of two. */
  constructor(
    fd: number,
    private readonly size: number,
  ) {
    this.consumer = mapMemory(PAGE_BYTES, { fd });
    this.producer = mapMemory(PAGE_BYTES + 2 * size, { fd, offset: PAGE_BYTES, readOnly: true });
  }

  /** Records since the last call, oldest first, copied. */
  drain(): Uint8Array[] {
    const records: Uint8Array[] = [];
    let position = this.consumer.memory.readBigUInt64LE(0);
    const end = this.producer.memory.readBigUInt64LE(0);
    while (position < end) {
      const at = PAGE_BYTES + Number(position & BigInt(this.size - 1));
      const header = this.producer.memory.readUInt32LE(at);
      if ((header & BUSY) !== 0) break;
      const length = header & ~DISCARDED;
      if ((header & DISCARDED) === 0) {
        records.push(
          Uint8Array.from(this.producer.memory.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length)),
        );
      }
      position += BigInt((length + HEADER_BYTES + 7) & ~7);
    }
    this.consumer.memory.writeBigUInt64LE(position, 0);
    return records;
  }

  close(): void {
    this.consumer.unmap();
    this.producer.unmap();
  }
}
