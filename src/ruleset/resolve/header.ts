// SPDX-License-Identifier: Apache-2.0
// Header options of a rule: texts -> the typed header that struct ipt_ip and ip6t_ip6 hold. iptables(8)
// PARAMETERS; libxtables' xtables_ipparse_multiple, xtables_parse_interface, xtables_parse_protocol.
import type { HeaderNode } from '../../ast/nodes.js';
import { parseAddress, prefixMask, type AddressWords, type MaskedAddress } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import type { InterfacePattern } from '../../net/interface-pattern.js';
import type { DecodeContext } from '../extension.js';
import { unsignedInteger, UINT8_MAX } from '../options.js';
import type { Negatable, RuleHeader } from '../ruleset.js';

/** Bytes of an interface name, less its end (IFNAMSIZ). */
const MAX_INTERFACE_NAME = 15;

/** Protocol names that iptables knows without /etc/protocols. */
const PROTOCOLS: Readonly<Record<string, number>> = {
  all: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  'ipv6-icmp': 58,
  sctp: 132,
  'ipv6-mh': 135,
  mh: 135,
  udplite: 136,
};

/** Names of hosts and networks that mean the same on every host: RFC 6761 and networks(5) as Debian ships it. */
const WELL_KNOWN_IPV4: Readonly<Record<string, AddressWords>> = {
  localhost: [0x7f000001],
  loopback: [0x7f000000],
  'link-local': [0xa9fe0000],
  default: [0],
};

/** Chains where a packet has no output interface yet, or no input interface. */
const WITHOUT_OUTPUT = ['PREROUTING', 'INPUT'];
const WITHOUT_INPUT = ['POSTROUTING', 'OUTPUT'];

/** The typed header; undefined after a complaint. */
export function decodeHeader(context: DecodeContext): RuleHeader | undefined {
  const { rule, chain, family } = context;
  let failed = false;
  const need = <T>(value: T | undefined): T | undefined => {
    failed ||= value === undefined;
    return value;
  };
  const header: { -readonly [K in keyof RuleHeader]: RuleHeader[K] } = {};

  for (const side of ['source', 'destination'] as const) {
    const node = rule[side];
    if (node === undefined) continue;
    const address = need(decodeAddress(node, context));
    if (address === undefined || (isEverything(address) && !node.negated)) continue;
    header[side] = { value: address, negated: node.negated };
  }
  for (const side of ['inInterface', 'outInterface'] as const) {
    const node = rule[side];
    if (node === undefined) continue;
    const closed = side === 'inInterface' ? WITHOUT_INPUT : WITHOUT_OUTPUT;
    if (closed.includes(chain)) {
      const option = side === 'inInterface' ? '-i' : '-o';
      context.error(
        node,
        'IPT0207',
        `\`${option}\` cannot be used in ${chain}: packets there have no such interface`,
      );
      failed = true;
      continue;
    }
    const pattern = need(decodeInterface(node, context));
    if (pattern !== undefined) header[side] = { value: pattern, negated: node.negated };
  }
  if (rule.protocol !== undefined) {
    const protocol = need(decodeProtocol(rule.protocol, context));
    if (protocol !== undefined && protocol.value !== 0) header.protocol = protocol;
  }
  if (rule.fragment !== undefined) {
    if (family === 'ipv6') {
      context.error(rule.fragment, 'IPT0208', '`-f` does not exist for IPv6', 'use `-m frag`');
      failed = true;
    } else header.fragment = { value: true, negated: rule.fragment.negated };
  }
  return failed ? undefined : header;
}

function decodeProtocol(node: HeaderNode, context: DecodeContext): Negatable<number> | undefined {
  const text = node.text.toLowerCase();
  const value = unsignedInteger(text, 0, UINT8_MAX) ?? PROTOCOLS[text] ?? context.names.protocol(text);
  if (value === undefined) return context.error(node, 'IPT0209', `unknown protocol \`${node.text}\``);
  if (value === 0 && node.negated)
    return context.error(node, 'IPT0210', 'a rule for no protocol at all would never match');
  return { value, negated: node.negated };
}

function decodeInterface(node: HeaderNode, context: DecodeContext): InterfacePattern | undefined {
  const { text } = node;
  if (text === '') return context.error(node, 'IPT0211', 'the interface name is empty');
  if (text.length > MAX_INTERFACE_NAME) {
    return context.error(
      node,
      'IPT0211',
      `the interface name \`${text}\` is longer than ${MAX_INTERFACE_NAME} bytes, so no interface can have it`,
    );
  }
  return text.endsWith('+') ? { name: text.slice(0, -1), wildcard: true } : { name: text, wildcard: false };
}

function decodeAddress(node: HeaderNode, context: DecodeContext): MaskedAddress | undefined {
  const { family } = context;
  const slash = node.text.lastIndexOf('/');
  const addressText = slash < 0 ? node.text : node.text.slice(0, slash);
  const mask = slash < 0 ? prefixMask(128, family) : parseMask(node.text.slice(slash + 1), family);
  if (mask === undefined)
    return context.error(
      node,
      'IPT0212',
      `\`${node.text.slice(slash + 1)}\` is no ${family} mask or prefix length`,
    );
  // With an empty mask the name is not looked at: `any/0`.
  const unmasked = mask.every((word) => word === 0)
    ? mask
    : family === 'ipv4'
      ? (parseShortIpv4(addressText) ?? WELL_KNOWN_IPV4[addressText])
      : parseAddress(addressText, 'ipv6');
  if (unmasked === undefined) {
    return context.error(
      node,
      'IPT0213',
      `\`${addressText}\` is no ${family} address`,
      'host names are not looked up: what they mean depends on where and when; write the address',
    );
  }
  return { address: unmasked.map((word, i) => (word & mask[i]!) >>> 0), mask };
}

function parseMask(text: string, family: Family): AddressWords | undefined {
  if (family === 'ipv4' && text.includes('.')) {
    const octets = text.split('.');
    return octets.length === 4 ? parseShortIpv4(text) : undefined;
  }
  const bits = unsignedInteger(text, 0, family === 'ipv4' ? 32 : 128);
  return bits === undefined ? parseAddress(text, family) : prefixMask(bits, family);
}

/** Dotted numbers, each decimal, hexadecimal or octal; what is left out at the end is zero: `10`, `192.168`. */
function parseShortIpv4(text: string): AddressWords | undefined {
  const octets = text.split('.').map((part) => unsignedInteger(part, 0, UINT8_MAX));
  if (octets.length > 4) return undefined;
  let word = 0;
  for (let i = 0; i < 4; i++) {
    const octet = i < octets.length ? octets[i] : 0;
    if (octet === undefined) return undefined;
    word = word * 256 + octet;
  }
  return [word];
}

function isEverything({ mask }: MaskedAddress): boolean {
  return mask.every((word) => word === 0);
}
