// SPDX-License-Identifier: Apache-2.0
// A sliding window over a byte stream: parse without waiting while bytes are there, else wait for one chunk.
// Holds one chunk plus one unfinished record, so memory stays flat whatever the length of the stream.

export class ByteWindow {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private buffer: Uint8Array = new Uint8Array(0);
  private view: DataView = new DataView(new ArrayBuffer(0));
  private start = 0;
  private consumed = 0;

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.chunks = stream[Symbol.asyncIterator]();
  }

  /** Offset in the stream of the next byte. */
  get offset(): number {
    return this.consumed;
  }

  /** Bytes that can be read without waiting. */
  get available(): number {
    return this.buffer.length - this.start;
  }

  /** Waits until `length` bytes can be read; false when the stream ends before. */
  async fill(length: number): Promise<boolean> {
    while (this.available < length) {
      const next = await this.chunks.next();
      if (next.done === true) return false;
      const rest = this.buffer.subarray(this.start);
      if (rest.length === 0) {
        this.buffer = next.value;
      } else {
        const joined = new Uint8Array(rest.length + next.value.length);
        joined.set(rest);
        joined.set(next.value, rest.length);
        this.buffer = joined;
      }
      this.start = 0;
      this.view = new DataView(this.buffer.buffer, this.buffer.byteOffset, this.buffer.length);
    }
    return true;
  }

  /** Drops `length` bytes without keeping them; false when the stream ends before. */
  async skip(length: number): Promise<boolean> {
    let left = length;
    for (;;) {
      const step = Math.min(left, this.available);
      this.take(step);
      left -= step;
      if (left === 0) return true;
      if (!(await this.fill(1))) return false;
    }
  }

  /** Stops reading: lets the file be closed. */
  async close(): Promise<void> {
    await this.chunks.return?.();
  }

  /** Unsigned, at `at` bytes from the next byte, which must be available. */
  u32(at: number, littleEndian: boolean): number {
    return this.view.getUint32(this.start + at, littleEndian);
  }

  u16(at: number, littleEndian: boolean): number {
    return this.view.getUint16(this.start + at, littleEndian);
  }

  u8(at: number): number {
    return this.view.getUint8(this.start + at);
  }

  /** A copy of `length` bytes from `at` on. */
  bytes(at: number, length: number): Uint8Array {
    const from = this.start + at;
    return new Uint8Array(this.buffer.subarray(from, from + length));
  }

  /** Moves past `length` available bytes. */
  take(length: number): void {
    this.start += length;
    this.consumed += length;
  }
}
