// SPDX-License-Identifier: Apache-2.0
// The packet of the current run: its bytes with room in front and behind, and the three pointers and the
// length through which programs see it. Linear, as small socket buffers are.
import { CONTEXT, PACKET, PACKET_CAPACITY, PACKET_HEADROOM, REGION_PACKET, type Memory } from './memory.js';
import { POINTER_DATA, POINTER_DATA_END, POINTER_DATA_META, SKB, type ContextKind } from './context.js';

export class PacketBuffer {
  private start = PACKET + PACKET_HEADROOM;
  private size = 0;
  private kind: ContextKind = 'skb';

  constructor(private readonly memory: Memory) {}

  /** Address of the first byte. */
  get address(): number {
    return this.start;
  }

  get length(): number {
    return this.size;
  }

  /** A copy of the bytes would be safer and slower: this view dies with the next run. */
  get bytes(): Uint8Array {
    return this.memory.bytes.subarray(this.start, this.start + this.size);
  }

  load(frame: Uint8Array, kind: ContextKind): void {
    if (frame.length > PACKET_CAPACITY - PACKET_HEADROOM) {
      throw new RangeError(`a frame of ${String(frame.length)} bytes doesn't fit the VM`);
    }
    this.kind = kind;
    this.start = PACKET + PACKET_HEADROOM;
    this.size = frame.length;
    this.memory.bytes.set(frame, this.start);
    this.publish();
  }

  /** Opens (positive) or closes (negative) a gap of bytes `at` from the start; what is before it moves. */
  shift(at: number, by: number): boolean {
    if (this.start - by < PACKET) return false;
    const from = this.start;
    this.start -= by;
    this.size += by;
    this.memory.bytes.copyWithin(this.start, from, from + at);
    if (by > 0) this.memory.bytes.fill(0, this.start + at, this.start + at + by);
    this.publish();
    return true;
  }

  /** New bytes at the end are zero. */
  resize(size: number): void {
    if (size > this.size) this.memory.bytes.fill(0, this.start + this.size, this.start + size);
    this.size = size;
    this.publish();
  }

  private publish(): void {
    const { memory, start, size } = this;
    memory.setRegion(REGION_PACKET, start, size, true);
    const { words } = memory;
    words[POINTER_DATA >> 2] = start;
    words[(POINTER_DATA >> 2) + 1] = REGION_PACKET;
    words[POINTER_DATA_END >> 2] = start + size;
    words[(POINTER_DATA_END >> 2) + 1] = REGION_PACKET;
    words[POINTER_DATA_META >> 2] = start;
    words[(POINTER_DATA_META >> 2) + 1] = REGION_PACKET;
    if (this.kind === 'skb') words[(CONTEXT + SKB.len) >> 2] = size;
  }
}
