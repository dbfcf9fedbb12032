// SPDX-License-Identifier: Apache-2.0
// Random numbers that depend on the seed only: the same seed gives the same packets and rulesets everywhere.

export class Random {
  private state: number;

  constructor(seed: number) {
    // Spreads neighbouring seeds (splitmix32's finaliser).
    let mixed = (seed + 0x9e3779b9) | 0;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    this.state = (mixed ^ (mixed >>> 16)) >>> 0 || 1;
  }

  /** 32 bits, unsigned (Marsaglia's xorshift32). */
  next(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>>= 0);
  }

  /** Both ends inclusive. */
  between(first: number, last: number): number {
    return first + (this.next() % (last - first + 1));
  }

  /** True in `percent` of 100 cases. */
  chance(percent: number): boolean {
    return this.next() % 100 < percent;
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.next() % values.length];
    if (value === undefined) throw new RangeError('nothing to pick from');
    return value;
  }

  /** `count` different values, in the order of the list. */
  some<T>(values: readonly T[], count: number): T[] {
    const left = values.map((value) => ({ value, key: this.next() }));
    const kept = new Set([...left].sort((a, b) => a.key - b.key).slice(0, count));
    return left.filter((each) => kept.has(each)).map(({ value }) => value);
  }

  /** One of several ways to go on, by weight. */
  choose<T>(ways: readonly (readonly [weight: number, way: () => T])[]): T {
    const total = ways.reduce((sum, [weight]) => sum + weight, 0);
    let at = this.next() % total;
    for (const [weight, way] of ways) {
      if (at < weight) return way();
      at -= weight;
    }
    throw new RangeError('no way to go');
  }
}
