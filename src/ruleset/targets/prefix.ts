// SPDX-License-Identifier: Apache-2.0
// `address[/mask]` arguments of targets (libxtables XTTYPE_HOSTMASK), and prefix lengths on their own.
import { maskPrefixLength, prefixMask, type AddressWords } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import { unsignedInteger } from '../options.js';
import { hostAddress } from '../values.js';

export interface Prefix {
  /** As written, host bits kept. */
  readonly address: AddressWords;
  readonly length: number;
}

/** A length, or a contiguous mask in full, as a length. */
export function parsePrefixLength(text: string, family: Family): number | undefined {
  const length = unsignedInteger(text, 0, family === 'ipv4' ? 32 : 128);
  if (length !== undefined) return length;
  const mask = hostAddress(text, family);
  return mask === undefined ? undefined : maskPrefixLength(mask);
}

export function parsePrefix(text: string, family: Family): Prefix | undefined {
  const slash = text.indexOf('/');
  const address = hostAddress(slash < 0 ? text : text.slice(0, slash), family);
  const length =
    slash < 0 ? (family === 'ipv4' ? 32 : 128) : parsePrefixLength(text.slice(slash + 1), family);
  return address === undefined || length === undefined ? undefined : { address, length };
}

export function withoutHostBits(prefix: Prefix, family: Family): AddressWords {
  const mask = prefixMask(prefix.length, family);
  return prefix.address.map((word, i) => (word & mask[i]!) >>> 0);
}
