// SPDX-License-Identifier: Apache-2.0
// Addresses with a prefix length, as host.json writes them.
import { type AddressWords, parseAddress } from '../net/address.js';
import type { Family } from '../net/family.js';

export interface Prefix {
  readonly family: Family;
  /** As written: bits beyond the prefix are kept. */
  readonly address: AddressWords;
  readonly bits: number;
}

/** `203.0.113.2/24`, a bare address (all bits), or `default`, whose family `gateway` tells (IPv4 without one). */
export function parsePrefix(text: string, gateway?: string): Prefix | undefined {
  if (text === 'default') {
    return gateway?.includes(':') === true
      ? { family: 'ipv6', address: [0, 0, 0, 0], bits: 0 }
      : { family: 'ipv4', address: [0], bits: 0 };
  }
  const slash = text.indexOf('/');
  const name = slash < 0 ? text : text.slice(0, slash);
  const family: Family = name.includes(':') ? 'ipv6' : 'ipv4';
  const address = parseAddress(name, family);
  const most = family === 'ipv4' ? 32 : 128;
  const bits = slash < 0 ? most : Number(text.slice(slash + 1));
  if (address === undefined || !Number.isInteger(bits) || bits < 0 || bits > most) return undefined;
  return { family, address, bits };
}
