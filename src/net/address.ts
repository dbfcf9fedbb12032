// SPDX-License-Identifier: Apache-2.0
// Addresses and masks as 32-bit words, most significant first: one word for IPv4, four for IPv6.
// Plain unsigned numbers compare fast and serialise to JSON as they are.
import type { Family } from './family.js';

/** Unsigned 32-bit words in host order, most significant word first. Length 1 (IPv4) or 4 (IPv6). */
export type AddressWords = readonly number[];

/** An address under a mask, which need not be contiguous. `address` has no bits outside `mask`. */
export interface MaskedAddress {
  readonly address: AddressWords;
  readonly mask: AddressWords;
}

/** Both ends inclusive. */
export interface AddressRange {
  readonly first: AddressWords;
  readonly last: AddressWords;
}

/** Parses a numeric address; undefined when the text is none of that family (inet_pton's forms). */
export function parseAddress(text: string, family: Family): AddressWords | undefined {
  return family === 'ipv4' ? parseIpv4(text) : parseIpv6(text);
}

function parseIpv4(text: string): AddressWords | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let word = 0;
  for (const part of match.slice(1)) {
    const octet = Number(part);
    if (octet > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    word = word * 256 + octet;
  }
  return [word];
}

function parseIpv6(text: string): AddressWords | undefined {
  let rest = text;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted !== null) {
    const tail = parseIpv4(dotted[2]!)?.[0];
    if (tail === undefined) return undefined;
    rest = dotted[1]! + (tail >>> 16).toString(16) + ':' + (tail & 0xffff).toString(16);
  }
  const halves = rest.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string): number[] | undefined => {
    if (half === '') return [];
    const out: number[] = [];
    for (const group of half.split(':')) {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      out.push(parseInt(group, 16));
    }
    return out;
  };
  const head = groups(halves[0]!);
  const tail = halves.length === 2 ? groups(halves[1]!) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return [0, 2, 4, 6].map((i) => ((all[i]! << 16) | all[i + 1]!) >>> 0);
}

/** The text inet_ntop(3) gives (RFC 5952 for IPv6, dotted tail for v4-mapped and v4-compatible). */
export function formatAddress(words: AddressWords): string {
  return words.length === 1 ? formatIpv4(words[0]!) : formatIpv6(words);
}

function formatIpv4(word: number): string {
  return [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255].join('.');
}

function formatIpv6(words: AddressWords): string {
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  let best = { start: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > best.length) best = { start: i, length: end - i };
    if (end > i) i = end;
  }
  const dottedTail = best.start === 0 && (best.length === 6 || (best.length === 5 && groups[5] === 0xffff));
  const shown = dottedTail ? groups.slice(0, 6) : groups;
  let text = '';
  for (let i = 0; i < shown.length; i++) {
    if (i === best.start) {
      text += '::';
      i += Math.min(best.length, shown.length - i) - 1;
      continue;
    }
    text += (text === '' || text.endsWith(':') ? '' : ':') + shown[i]!.toString(16);
  }
  if (dottedTail) text += (text.endsWith(':') ? '' : ':') + formatIpv4(words[3]!);
  return text;
}

/** The mask of a prefix length: 0 to 32 or 128 bits. */
export function prefixMask(bits: number, family: Family): AddressWords {
  const words = family === 'ipv4' ? 1 : 4;
  return Array.from({ length: words }, (_, i) => {
    const inWord = Math.min(32, Math.max(0, bits - 32 * i));
    return inWord === 0 ? 0 : (0xffffffff << (32 - inWord)) >>> 0;
  });
}

/** The prefix length of a contiguous mask, else undefined. */
export function maskPrefixLength(mask: AddressWords): number | undefined {
  let bits = 0;
  let ended = false;
  for (const word of mask) {
    const ones = Math.clz32(~word >>> 0);
    if (ended && word !== 0) return undefined;
    if ((word << ones) >>> 0 !== 0 && ones < 32) return undefined;
    if (ones < 32) ended = true;
    bits += ones;
  }
  return bits;
}

export function addressesEqual(a: AddressWords, b: AddressWords): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i]);
}

/** -1, 0 or 1, as unsigned numbers. Same length. */
export function compareAddresses(a: AddressWords, b: AddressWords): number {
  for (let i = 0; i < a.length; i++) {
    if (a[i]! !== b[i]!) return a[i]! < b[i]! ? -1 : 1;
  }
  return 0;
}

export function matchesMasked(words: AddressWords, masked: MaskedAddress): boolean {
  for (let i = 0; i < words.length; i++) {
    if ((words[i]! & masked.mask[i]!) >>> 0 !== masked.address[i]!) return false;
  }
  return true;
}
