// SPDX-License-Identifier: Apache-2.0
// Readers of option values that several extensions share, with the odd corners of libxtables kept:
// integer lists with open ends, ports by name, addresses with masks. After a complaint they return undefined
// and `options.failed` is set.
import {
  formatAddress,
  maskPrefixLength,
  parseAddress,
  prefixMask,
  type AddressWords,
} from '../net/address.js';
import type { OptionNode } from '../ast/nodes.js';
import type { Family } from '../net/family.js';
import type { NumberRange } from '../net/range.js';
import type { DecodeContext, NameServices } from './extension.js';
import { leadingInteger, unsignedInteger, UINT16_MAX, type Options } from './options.js';

/** `min:max` with either end left out; one number alone stands for both. Max is inclusive; not checked for order. */
export function integerRange(options: Options, name: string, max: number): NumberRange | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const parts = text.split(':');
  const values = parts.map((part, i) => (part === '' ? (i === 1 ? max : 0) : unsignedInteger(part, 0, max)));
  if (parts.length > 2 || values.includes(undefined))
    return options.badValue(name, `expected a number up to ${max}, or two with \`:\` between`);
  return { first: values[0]!, last: values.at(-1)! };
}

/** `first:last`, or one number when both are the same. */
export function rangeText(range: NumberRange): string {
  return range.first === range.last ? `${range.first}` : `${range.first}:${range.last}`;
}

/** A port as a number in any base or a service of `protocol`, as xtables_parse_port reads it. */
export function portNumber(text: string, protocol: string, names: NameServices): number | undefined {
  return unsignedInteger(text, 0, UINT16_MAX) ?? names.service(text, protocol);
}

/** A port as getaddrinfo(3) reads it: decimal, an int wrapped to 16 bits, or a service of any protocol. */
export function servicePortNumber(text: string, names: NameServices): number | undefined {
  const decimal = /^\s*\+?([0-9]+)$/.exec(text);
  if (decimal === null) return names.service(text);
  const value = BigInt(decimal[1]!);
  const number = value > UINT64_MAX ? -1n : BigInt.asIntN(32, value);
  return number < 0n ? undefined : Number(BigInt.asUintN(16, number));
}

/** `port[:port]` with either end left out (0 and 65535). The ends may be in either order. */
export function portRange(options: Options, name: string, context: DecodeContext): NumberRange | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const parts = text.split(':');
  const ports = parts.map((part, i) =>
    part === '' ? (i === 1 ? UINT16_MAX : 0) : servicePortNumber(part, context.names),
  );
  if (parts.length > 2 || ports.includes(undefined))
    return options.badValue(name, 'expected a port or a range of ports: numbers or names of /etc/services');
  return { first: ports[0]!, last: ports.at(-1)! };
}

/** An address with a mask, of which the bits outside the mask are kept as given. */
export interface WrittenAddress {
  readonly address: AddressWords;
  readonly mask: AddressWords;
}

/** Dotted numbers in any base, as iptables' own reader takes them; what is left out at the end is zero. */
export function numericIpv4(text: string): AddressWords | undefined {
  const parts = text.split('.');
  if (parts.length > 4) return undefined;
  const octets = [0, 1, 2, 3].map((i) => (i < parts.length ? unsignedInteger(parts[i]!, 0, 255) : 0));
  if (octets.includes(undefined)) return undefined;
  return [octets.reduce<number>((word, octet) => word * 256 + octet!, 0)];
}

/** inet_aton(3)'s forms of an IPv4 address (`10.1` is 10.0.0.1, parts in any base), inet_pton's of IPv6. */
export function hostAddress(text: string, family: Family): AddressWords | undefined {
  const plain = parseAddress(text, family);
  if (plain !== undefined || family === 'ipv6') return plain;
  const parts = text.split('.');
  if (parts.length > 4 || !/^[0-9]/.test(text)) return undefined;
  let word = 0;
  for (const [i, part] of parts.entries()) {
    const last = i === parts.length - 1;
    const limit = last ? 2 ** (8 * (4 - i)) - 1 : 255;
    const value = unsignedInteger(part, 0, limit);
    if (value === undefined) return undefined;
    word += last ? value : value * 2 ** (8 * (3 - i));
  }
  return [word];
}

/**
 * `address[/mask]`, the mask as a prefix length or written out; no host names. `option` is a name, or one of
 * several options of a name.
 */
export function hostWithMask(
  options: Options,
  option: string | OptionNode,
  family: Family,
): WrittenAddress | undefined {
  const node = typeof option === 'string' ? options.get(option) : option;
  const text = node?.args[0]?.text;
  if (node === undefined || text === undefined) return undefined;
  const slash = text.indexOf('/');
  const address = hostAddress(slash < 0 ? text : text.slice(0, slash), family);
  const bits = family === 'ipv4' ? 32 : 128;
  // libxtables takes a mask with gaps for all bits.
  const given = slash < 0 ? bits : lengthOf(text.slice(slash + 1), family);
  const length = given === 'gaps' ? bits : given;
  if (address === undefined || length === undefined)
    return options.fail(
      node.args[0]!,
      'IPT0220',
      `\`${text}\` is no value for \`${node.name}\` of \`${options.node.name}\``,
      `expected an ${family} address, with \`/length\` or not; host names are not looked up`,
    );
  return { address, mask: prefixMask(length, family) };
}

/** A mask as a prefix length or written out; one with gaps counts as all bits, unless that is an error. */
export function prefixLength(
  options: Options,
  name: string,
  family: Family,
  gaps: 'all-bits' | 'error',
): number | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const length = lengthOf(text, family);
  if (length !== 'gaps' && length !== undefined) return length;
  if (length === 'gaps' && gaps === 'all-bits') return family === 'ipv4' ? 32 : 128;
  return options.badValue(name, 'expected a prefix length or a mask');
}

function lengthOf(text: string, family: Family): number | 'gaps' | undefined {
  const length = unsignedInteger(text, 0, family === 'ipv4' ? 32 : 128);
  if (length !== undefined) return length;
  const written = hostAddress(text, family);
  return written && (maskPrefixLength(written) ?? 'gaps');
}

/** An address and its mask as libxtables prints it: without a mask of all bits. */
export function addressWithMask(value: WrittenAddress): string {
  const length = maskPrefixLength(value.mask);
  if (length === 32 * value.mask.length) return formatAddress(value.address);
  return `${formatAddress(value.address)}/${length === undefined ? formatAddress(value.mask) : length}`;
}

/** `first,second,...`; undefined after a complaint about one of them. */
export function nameList<T>(
  options: Options,
  name: string,
  find: (item: string) => T | undefined,
  expected: string,
): T[] | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const found = text.split(',').map((item) => (item === '' ? undefined : find(item)));
  if (found.includes(undefined)) return options.badValue(name, expected);
  return found as T[];
}

/** The first of `names` that begins with `text`, letters in either case, as strncasecmp(3) finds it. */
export function byPrefix<N extends string>(names: readonly N[], text: string): N | undefined {
  const lower = text.toLowerCase();
  return names.find((name) => name.toLowerCase().startsWith(lower));
}

/** Protocol number by number, iptables' own names or /etc/protocols. */
export function protocolValue(options: Options, name: string, context: DecodeContext): number | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const number = unsignedInteger(text, 0, 255) ?? context.names.protocol(text);
  return number ?? options.badValue(name, 'expected a protocol name or a number up to 255');
}

/** An unsigned integer of any size up to `max`. */
export function bigInteger(options: Options, name: string, max: bigint, min = 0n): bigint | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const parsed = leadingInteger(text);
  if (parsed === undefined || parsed.rest !== '' || parsed.value > max || parsed.value < min)
    return options.badValue(name, `expected an integer from ${min} to ${max}`);
  return parsed.value;
}

export const UINT64_MAX = 0xffffffffffffffffn;

/** ` !` before a negated option. */
export function not(negated: boolean): string {
  return negated ? ' !' : '';
}
