// SPDX-License-Identifier: Apache-2.0
// Addresses drawn from prefixes and ranges: their ends, their neighbours, anything between.
import { compareAddresses, type AddressWords, type MaskedAddress } from '../../net/address.js';
import type { Random } from './random.js';

/** An address under the mask: its first, its last, or any. */
export function anyWithin({ address, mask }: MaskedAddress, random: Random): AddressWords {
  const kind = random.between(0, 3);
  return address.map((word, i) => {
    const free = ~mask[i]! >>> 0;
    const bits = kind === 0 ? 0 : kind === 1 ? free : random.next() & free;
    return (word | bits) >>> 0;
  });
}

/** The address itself, or the one before or behind it. */
export function neighbour(address: AddressWords, random: Random): AddressWords {
  return step(address, random.pick([-1, 0, 1]));
}

/** Wraps around at either end of the address space. */
export function step(address: AddressWords, by: -1 | 0 | 1): AddressWords {
  const words = [...address];
  let carry: number = by;
  for (let i = words.length - 1; i >= 0 && carry !== 0; i--) {
    const sum = words[i]! + carry;
    words[i] = sum >>> 0;
    carry = sum < 0 ? -1 : sum > 0xffffffff ? 1 : 0;
  }
  return words;
}

/** Between two ends that differ in their last word, or one of the ends. */
export function withinRange(first: AddressWords, last: AddressWords, random: Random): AddressWords {
  const at = first.length - 1;
  const [low, high] = [first[at]!, last[at]!];
  const near = first.every((word, i) => i === at || word === last[i]);
  if (near && high > low && random.chance(50)) {
    const offset = Math.floor((random.next() / 2 ** 32) * (high - low + 1));
    return first.map((word, i) => (i === at ? low + offset : word));
  }
  return random.chance(50) ? first : last;
}

export function inAddressRange(words: AddressWords, first: AddressWords, last: AddressWords): boolean {
  return compareAddresses(words, first) >= 0 && compareAddresses(words, last) <= 0;
}
