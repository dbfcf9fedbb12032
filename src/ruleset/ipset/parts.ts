// SPDX-License-Identifier: Apache-2.0
// One dimension of a member: text -> the parts it stands for. Ranges and networks are taken apart as the
// kernel does it (net/netfilter/ipset/ip_set_hash_*.c *_uadt, ip_set_core.c ip_set_range_to_cidr); forms:
// ipset(8), lib/parse.c of ipset.
import { formatAddress, parseAddress, prefixMask, type AddressWords } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import { leadingInteger, unsignedInteger, UINT16_MAX, UINT32_MAX } from '../options.js';
import type { SetElementPart } from '../sets.js';
import { formatIcmp, parseIcmp } from './icmp-names.js';
import type { PartKind } from './types.js';
import type { NameServices } from '../extension.js';

/** What the set says about reading its members. */
export interface PartRules {
  readonly family: Family;
  /** Addresses keep these bits only: `netmask` or `bitmask`. */
  readonly mask?: AddressWords;
  readonly markMask: number;
  readonly wholeNet: boolean;
  /** Most members one line may stand for. */
  readonly limit: number;
  readonly names: NameServices;
}

/** Thrown with what is wrong about a text; the caller knows where it stands. */
export class MemberError extends Error {}

const BITS = { ipv4: 32, ipv6: 128 };

export function readPart(kind: PartKind, text: string, rules: PartRules): SetElementPart[] {
  switch (kind) {
    case 'ip':
      return readAddresses(text, rules);
    case 'one-ip':
      return [{ kind: 'address', address: address(text, rules.family) }];
    case 'net':
      return readNetworks(text, rules);
    case 'port':
      return readPorts(text, rules, false);
    case 'bare-port':
      return readPorts(text, rules, true);
    case 'mac':
    case 'optional-mac':
      return [readMac(text)];
    case 'mark':
      return [readMark(text, rules)];
    case 'interface':
      return [readInterface(text)];
  }
}

function address(text: string, family: Family): AddressWords {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  const words = parseAddress(bare, family);
  if (words === undefined)
    throw new MemberError(`\`${text}\` is no ${family} address (host names are not looked up)`);
  return words;
}

/** `address/bits`; undefined without a slash. */
function network(text: string, family: Family): { address: AddressWords; prefix: number } | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const prefix = unsignedInteger(text.slice(slash + 1), 0, BITS[family]);
  if (prefix === undefined)
    throw new MemberError(`\`${text.slice(slash + 1)}\` is no prefix length from 0 to ${BITS[family]}`);
  return { address: address(text.slice(0, slash), family), prefix };
}

/** Both ends of an IPv4 range or network, inclusive; undefined for anything else. */
function ipv4Span(text: string): { first: number; last: number } | undefined {
  const net = network(text, 'ipv4');
  if (net !== undefined) {
    const mask = prefixMask(net.prefix, 'ipv4')[0]!;
    const first = (net.address[0]! & mask) >>> 0;
    return { first, last: (first | ~mask) >>> 0 };
  }
  const dash = text.indexOf('-');
  if (dash < 0) return undefined;
  const [a, b] = [address(text.slice(0, dash), 'ipv4')[0]!, address(text.slice(dash + 1), 'ipv4')[0]!];
  return { first: Math.min(a, b), last: Math.max(a, b) };
}

function masked(words: AddressWords, mask: AddressWords | undefined): AddressWords {
  return mask === undefined ? words : words.map((word, i) => (word & mask[i]!) >>> 0);
}

function readAddresses(text: string, rules: PartRules): SetElementPart[] {
  if (rules.family === 'ipv6') {
    const net = network(text, 'ipv6');
    if (net !== undefined && net.prefix !== 128)
      throw new MemberError('IPv6 networks are no members of this type: each address must be added');
    const words = masked(net?.address ?? address(text, 'ipv6'), rules.mask);
    return [{ kind: 'address', address: words }];
  }
  const span = ipv4Span(text);
  if (span === undefined) return [{ kind: 'address', address: masked(address(text, 'ipv4'), rules.mask) }];
  const mask = rules.mask?.[0] ?? UINT32_MAX;
  // A contiguous mask makes steps of that many addresses, as the kernel walks.
  const step = (~mask >>> 0) + 1;
  const first = (span.first & mask) >>> 0;
  const count = Math.floor((span.last - first) / step) + 1;
  checkCount(count, rules);
  return Array.from({ length: count }, (_, i) => ({
    kind: 'address' as const,
    address: [((first + i * step) & mask) >>> 0],
  }));
}

function checkCount(count: number, rules: PartRules): void {
  if (count > rules.limit)
    throw new MemberError(`this stands for ${count} members, and the set has room for ${rules.limit}`);
}

function readNetworks(text: string, rules: PartRules): SetElementPart[] {
  const { family } = rules;
  if (family === 'ipv4' && text.includes('-')) {
    const span = ipv4Span(text)!;
    if (span.first === 0 && span.last === UINT32_MAX && !rules.wholeNet)
      throw new MemberError('the whole address space is no member of this type');
    return rangeToNetworks(span.first, span.last);
  }
  const net = network(text, family) ?? { address: address(text, family), prefix: BITS[family] };
  if (net.prefix === 0 && !rules.wholeNet)
    throw new MemberError('a network of zero bits is no member of this type');
  return [{ kind: 'net', address: masked(net.address, prefixMask(net.prefix, family)), prefix: net.prefix }];
}

/** The fewest networks that make up a range, in order. */
function rangeToNetworks(first: number, last: number): SetElementPart[] {
  const parts: SetElementPart[] = [];
  for (let at = first; at <= last;) {
    let prefix = 32;
    while (prefix > 0) {
      const size = 2 ** (32 - prefix + 1);
      if (at % size !== 0 || at + size - 1 > last) break;
      prefix--;
    }
    parts.push({ kind: 'net', address: [at], prefix });
    at += 2 ** (32 - prefix);
  }
  return parts;
}

const TCP = 6;
const ICMP = 1;
const ICMPV6 = 58;
/** TCP, SCTP, UDP, UDP-Lite. */
const WITH_PORTS = [6, 132, 17, 136];

function readPorts(text: string, rules: PartRules, bare: boolean): SetElementPart[] {
  const colon = text.indexOf(':');
  let protocol = TCP;
  let rest = text;
  if (colon >= 0) {
    const name = text.slice(0, colon).toLowerCase();
    rest = text.slice(colon + 1);
    const number =
      unsignedInteger(name, 1, 255) ?? rules.names.protocol(name === 'icmpv6' ? 'ipv6-icmp' : name);
    if (number === undefined) throw new MemberError(`unknown protocol \`${name}\``);
    protocol = number;
    if (!bare && (protocol === ICMP || protocol === ICMPV6)) return [readIcmp(rest, protocol, rules)];
    if (!WITH_PORTS.includes(protocol)) {
      if (rest !== '0' || bare)
        throw new MemberError(`protocol \`${name}\` has no ports: write \`${name}:0\``);
      return [{ kind: 'port', protocol, port: 0 }];
    }
  }
  const protocolName = rules.names.protocolName(protocol) ?? 'tcp';
  const dash = rest.indexOf('-');
  const whole = readPort(rest, protocolName, rules);
  const first = whole ?? (dash < 0 ? undefined : readPort(rest.slice(0, dash), protocolName, rules));
  const last = whole ?? (dash < 0 ? undefined : readPort(rest.slice(dash + 1), protocolName, rules));
  if (first === undefined || last === undefined)
    throw new MemberError(`\`${rest}\` is no port or range of ports`);
  const [low, high] = [Math.min(first, last), Math.max(first, last)];
  checkCount(high - low + 1, rules);
  return Array.from({ length: high - low + 1 }, (_, i) => ({
    kind: 'port' as const,
    protocol: bare ? 0 : protocol,
    port: low + i,
  }));
}

function readPort(text: string, protocol: string, rules: PartRules): number | undefined {
  const number = unsignedInteger(text, 0, UINT16_MAX);
  if (number !== undefined) return number;
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  return leadingInteger(text) === undefined ? rules.names.service(bare, protocol) : undefined;
}

function readIcmp(text: string, protocol: number, rules: PartRules): SetElementPart {
  const family = protocol === ICMP ? 'ipv4' : 'ipv6';
  if (rules.family !== family)
    throw new MemberError(`${protocol === ICMP ? 'ICMP' : 'ICMPv6'} is no protocol of ${rules.family}`);
  const port = parseIcmp(text, protocol);
  if (port === undefined)
    throw new MemberError(`\`${text}\` is no ICMP type: expected a name or \`type/code\``);
  return { kind: 'port', protocol, port };
}

function readMac(text: string): SetElementPart {
  const match = /^([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}$/i.test(text);
  if (!match) throw new MemberError(`\`${text}\` is no MAC address`);
  const mac = text
    .split(':')
    .map((byte) => byte.toUpperCase().padStart(2, '0'))
    .join(':');
  if (mac === '00:00:00:00:00:00') throw new MemberError('the MAC address of zeros is no member');
  return { kind: 'mac', mac };
}

function readMark(text: string, rules: PartRules): SetElementPart {
  const mark = unsignedInteger(text, 0, UINT32_MAX);
  if (mark === undefined) throw new MemberError(`\`${text}\` is no mark`);
  return { kind: 'mark', mark: (mark & rules.markMask) >>> 0 };
}

/** Bytes of an interface name, less its end. */
const MAX_INTERFACE_NAME = 15;

function readInterface(text: string): SetElementPart {
  const physdev = text.startsWith('physdev:');
  const name = physdev ? text.slice('physdev:'.length) : text;
  if (name === '' || name.length > MAX_INTERFACE_NAME)
    throw new MemberError(`\`${name}\` is no interface name`);
  return { kind: 'interface', name, physdev, wildcard: false };
}

/** As ipset prints it; networks of full length without their prefix. */
export function formatPart(part: SetElementPart, names: NameServices): string {
  switch (part.kind) {
    case 'address':
      return formatAddress(part.address);
    case 'net': {
      const whole = part.prefix === (part.address.length === 1 ? 32 : 128);
      return formatAddress(part.address) + (whole ? '' : `/${part.prefix}`);
    }
    case 'port':
      return formatPort(part.protocol, part.port, names);
    case 'mac':
      return part.mac;
    case 'mark':
      return '0x' + part.mark.toString(16).padStart(8, '0');
    case 'interface':
      return (part.physdev ? 'physdev:' : '') + part.name;
  }
}

function formatPort(protocol: number, port: number, names: NameServices): string {
  if (protocol === 0) return String(port);
  const name = names.protocolName(protocol) ?? String(protocol);
  if (protocol === ICMP || protocol === ICMPV6) return `${name}:${formatIcmp(port, protocol)}`;
  return `${name}:${port}`;
}
