// SPDX-License-Identifier: Apache-2.0
// Interning of number sequences: equal sequences get the same dense id. Open addressing over one pool,
// because Map keys of thousands of joined numbers cost more than the diagrams themselves.

export class SequenceTable {
  private pool = new Float64Array(4096);
  private used = 0;
  private readonly starts: number[] = [];
  private readonly hashes: number[] = [];
  private slots = new Int32Array(1024).fill(-1);

  /** The id of the sequence: a new one (= the number of sequences so far) when not seen before. */
  intern(sequence: readonly number[]): number {
    const hash = hashOf(sequence);
    let slot = hash & (this.slots.length - 1);
    for (;;) {
      const id = this.slots[slot]!;
      if (id < 0) break;
      if (this.hashes[id] === hash && this.equals(id, sequence)) return id;
      slot = (slot + 1) & (this.slots.length - 1);
    }
    const id = this.starts.length;
    this.append(sequence);
    this.hashes.push(hash);
    this.slots[slot] = id;
    if (this.starts.length * 2 > this.slots.length) this.grow();
    return id;
  }

  private equals(id: number, sequence: readonly number[]): boolean {
    const start = this.starts[id]!;
    const end = id + 1 < this.starts.length ? this.starts[id + 1]! : this.used;
    if (end - start !== sequence.length) return false;
    for (let i = 0; i < sequence.length; i++) if (this.pool[start + i] !== sequence[i]) return false;
    return true;
  }

  private append(sequence: readonly number[]): void {
    if (this.used + sequence.length > this.pool.length) {
      const larger = new Float64Array(Math.max(this.pool.length * 2, this.used + sequence.length));
      larger.set(this.pool);
      this.pool = larger;
    }
    this.starts.push(this.used);
    this.pool.set(sequence, this.used);
    this.used += sequence.length;
  }

  private grow(): void {
    this.slots = new Int32Array(this.slots.length * 2).fill(-1);
    this.hashes.forEach((hash, id) => {
      let slot = hash & (this.slots.length - 1);
      while (this.slots[slot]! >= 0) slot = (slot + 1) & (this.slots.length - 1);
      this.slots[slot] = id;
    });
  }
}

/** FNV-1a over 32-bit halves, finished so that low bits depend on all. */
function hashOf(sequence: readonly number[]): number {
  let hash = 0x811c9dc5;
  for (const number of sequence) hash = Math.imul(hash ^ (number | 0), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
