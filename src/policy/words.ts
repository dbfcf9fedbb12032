// SPDX-License-Identifier: Apache-2.0
// Values of conditions as text and back: numbers, ICMP types, protocols, addresses.
import type { AddressRange, AddressWords } from '../net/address.js';
import { compareAddresses, formatAddress, parseAddress, prefixMask } from '../net/address.js';
import type { Family } from '../net/family.js';
import { protocolName, protocolNumber } from '../net/protocols.js';
import type { NumberRange } from '../net/range.js';
import type { Ranges } from '../model/ranges.js';
import { PROTO_NONE } from '../model/fields.js';

/** Values above `maximum` do not occur: a range that reaches beyond ends there. */
export function rangeWords(ranges: Ranges, maximum: number, hex = false): string[] {
  const word = (value: number): string => (hex ? `0x${value.toString(16)}` : String(value));
  return ranges
    .filter(({ first }) => first <= maximum)
    .map(({ first, last }) => {
      const end = Math.min(last, maximum);
      return first === end ? word(first) : `${word(first)}-${word(end)}`;
    });
}

export function parseRange(text: string): NumberRange {
  const [first, last = first] = text.split('-');
  return { first: Number(first), last: Number(last) };
}

/** `type << 8 | code` as `type`, `type/code`, or a range. */
export function icmpWords(ranges: Ranges): string[] {
  return ranges
    .filter(({ first }) => first <= 0xffff)
    .map(({ first, last }) => {
      const end = Math.min(last, 0xffff);
      const whole = (first & 0xff) === 0 && (end & 0xff) === 0xff;
      const word = (value: number): string => (whole ? `${value >>> 8}` : `${value >>> 8}/${value & 0xff}`);
      return word(first) === word(end) ? word(first) : `${word(first)}-${word(end)}`;
    });
}

export function parseIcmp(text: string): NumberRange {
  const [first = '', last = first] = text.split('-');
  const value = (word: string, code: number): number => {
    const [type, given] = word.split('/');
    return (Number(type) << 8) | (given === undefined ? code : Number(given));
  };
  return { first: value(first, 0), last: value(last, 0xff) };
}

export function protocolWords(ranges: Ranges): string[] {
  return ranges
    .filter(({ first }) => first <= PROTO_NONE)
    .flatMap(({ first, last }) => {
      const end = Math.min(last, PROTO_NONE - 1);
      const none = last >= PROTO_NONE ? ['unreadable'] : [];
      if (first === PROTO_NONE) return none;
      const name = first === end ? protocolName(first) : undefined;
      const usable = name !== undefined && name !== 'all' ? name : undefined;
      return [usable ?? (first === end ? String(first) : `${first}-${end}`), ...none];
    });
}

export function parseProtocol(text: string): NumberRange {
  if (text === 'unreadable') return { first: PROTO_NONE, last: PROTO_NONE };
  const named = protocolNumber(text);
  return named === undefined ? parseRange(text) : { first: named, last: named };
}

/** A prefix where the range is one, else its ends. */
export function addressWord({ first, last }: AddressRange, family: Family): string {
  const bits = prefixOf(first, last, family);
  return bits === undefined
    ? `${formatAddress(first)}-${formatAddress(last)}`
    : `${formatAddress(first)}/${bits}`;
}

function prefixOf(first: AddressWords, last: AddressWords, family: Family): number | undefined {
  const differing = first.map((word, i) => (word ^ last[i]!) >>> 0);
  let bits = 0;
  for (const word of differing) {
    bits += Math.clz32(word);
    if (word !== 0) break;
  }
  const mask = prefixMask(bits, family);
  const fits = first.every((word, i) => (word & ~mask[i]!) === 0 && (word | ~mask[i]!) >>> 0 === last[i]);
  return fits ? bits : undefined;
}

/** Ends of a prefix or range; undefined when the text is none of that family. */
export function parseAddressWord(text: string, family: Family): AddressRange | undefined {
  const ends = text.split('-');
  if (ends.length === 2) {
    const [first, last] = ends.map((end) => parseAddress(end, family));
    return first && last && { first, last };
  }
  const [address = '', length] = text.split('/');
  const words = parseAddress(address, family);
  const most = family === 'ipv4' ? 32 : 128;
  const bits = length === undefined ? most : Number(length);
  if (words === undefined || !Number.isInteger(bits) || bits < 0 || bits > most) return undefined;
  const mask = prefixMask(bits, family);
  return {
    first: words.map((word, i) => (word & mask[i]!) >>> 0),
    last: words.map((word, i) => (word | ~mask[i]!) >>> 0),
  };
}

/** Sorted and merged where they overlap or touch. */
export function mergeAddresses(ranges: readonly AddressRange[]): AddressRange[] {
  const sorted = [...ranges].sort((a, b) => compareAddresses(a.first, b.first));
  const out: { first: AddressWords; last: AddressWords }[] = [];
  for (const range of sorted) {
    const end = out[out.length - 1];
    const after = end && following(end.last);
    if (end !== undefined && (after === undefined || compareAddresses(range.first, after) <= 0)) {
      if (compareAddresses(range.last, end.last) > 0) end.last = range.last;
    } else out.push({ ...range });
  }
  return out;
}

/** What merged ranges leave out. */
export function complementAddresses(ranges: readonly AddressRange[], family: Family): AddressRange[] {
  const whole = { first: prefixMask(0, family), last: prefixMask(family === 'ipv4' ? 32 : 128, family) };
  const out: AddressRange[] = [];
  let next: AddressWords | undefined = whole.first;
  for (const { first, last } of ranges) {
    if (next !== undefined && compareAddresses(next, first) < 0)
      out.push({ first: next, last: preceding(first) });
    next = following(last);
  }
  if (next !== undefined) out.push({ first: next, last: whole.last });
  return out;
}

/** Undefined behind the highest. */
function following(address: AddressWords): AddressWords | undefined {
  const out = [...address];
  for (let i = out.length - 1; i >= 0; i--) {
    if (out[i] !== 0xffffffff) {
      out[i] = out[i]! + 1;
      return out;
    }
    out[i] = 0;
  }
  return undefined;
}

function preceding(address: AddressWords): AddressWords {
  const out = [...address];
  for (let i = out.length - 1; i >= 0; i--) {
    if (out[i] !== 0) {
      out[i] = out[i]! - 1;
      return out;
    }
    out[i] = 0xffffffff;
  }
  throw new Error('no address lies before zero');
}
