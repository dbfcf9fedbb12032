// SPDX-License-Identifier: Apache-2.0
// Longest-prefix match over address words: one hash table per prefix length in use, longest first.
import { type AddressWords, prefixMask } from './address.js';
import type { Family } from './family.js';

interface Entry<T> {
  readonly address: AddressWords;
  readonly values: T[];
}

interface Length<T> {
  readonly bits: number;
  readonly mask: AddressWords;
  readonly buckets: Map<number, Entry<T>[]>;
}

/** Values by prefix. A prefix may hold several values; they keep the order of insertion. */
export class PrefixTable<T> {
  private readonly lengths: Length<T>[] = [];

  constructor(private readonly family: Family) {}

  /** `address` may have bits beyond the prefix; they are ignored. */
  insert(address: AddressWords, bits: number, value: T): void {
    let length = this.lengths.find((each) => each.bits === bits);
    if (length === undefined) {
      length = { bits, mask: prefixMask(bits, this.family), buckets: new Map() };
      this.lengths.push(length);
      this.lengths.sort((a, b) => b.bits - a.bits);
    }
    const hash = maskedHash(address, length.mask);
    let bucket = length.buckets.get(hash);
    if (bucket === undefined) length.buckets.set(hash, (bucket = []));
    let entry = bucket.find((each) => maskedEqual(address, length.mask, each.address));
    if (entry === undefined) {
      entry = { address: address.map((word, i) => (word & length.mask[i]!) >>> 0), values: [] };
      bucket.push(entry);
    }
    entry.values.push(value);
  }

  /** The first value, longest prefix first, that `accepts` takes. */
  lookup(address: AddressWords, accepts: (value: T) => boolean): T | undefined {
    for (const { mask, buckets } of this.lengths) {
      const bucket = buckets.get(maskedHash(address, mask));
      if (bucket === undefined) continue;
      for (const entry of bucket) {
        if (!maskedEqual(address, mask, entry.address)) continue;
        for (const value of entry.values) if (accepts(value)) return value;
      }
    }
    return undefined;
  }
}

function maskedHash(address: AddressWords, mask: AddressWords): number {
  let hash = 0;
  for (let i = 0; i < mask.length; i++) hash = (Math.imul(hash, 31) + (address[i]! & mask[i]!)) | 0;
  return hash;
}

function maskedEqual(address: AddressWords, mask: AddressWords, masked: AddressWords): boolean {
  for (let i = 0; i < mask.length; i++) {
    if ((address[i]! & mask[i]!) >>> 0 !== masked[i]!) return false;
  }
  return true;
}
