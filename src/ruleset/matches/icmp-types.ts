// SPDX-License-Identifier: Apache-2.0
// Names of ICMP and ICMPv6 types and codes (iptables-extensions(8) icmp, icmp6; RFC 792, RFC 4443, RFC 4861)
// and how `type[/code]` is read: a name or the start of one, or numbers.
import type { NumberRange } from '../../net/range.js';
import { leadingInteger } from '../options.js';

export interface IcmpTypeAndCode {
  readonly type: number;
  readonly codes: NumberRange;
}

type Name = readonly [string, number] | readonly [string, number, number];

export const ICMP_TYPES: readonly Name[] = [
  ['any', 255],
  ['echo-reply', 0],
  ['pong', 0],
  ['destination-unreachable', 3],
  ['network-unreachable', 3, 0],
  ['host-unreachable', 3, 1],
  ['protocol-unreachable', 3, 2],
  ['port-unreachable', 3, 3],
  ['fragmentation-needed', 3, 4],
  ['source-route-failed', 3, 5],
  ['network-unknown', 3, 6],
  ['host-unknown', 3, 7],
  ['network-prohibited', 3, 9],
  ['host-prohibited', 3, 10],
  ['TOS-network-unreachable', 3, 11],
  ['TOS-host-unreachable', 3, 12],
  ['communication-prohibited', 3, 13],
  ['host-precedence-violation', 3, 14],
  ['precedence-cutoff', 3, 15],
  ['source-quench', 4],
  ['redirect', 5],
  ['network-redirect', 5, 0],
  ['host-redirect', 5, 1],
  ['TOS-network-redirect', 5, 2],
  ['TOS-host-redirect', 5, 3],
  ['echo-request', 8],
  ['ping', 8],
  ['router-advertisement', 9],
  ['router-solicitation', 10],
  ['time-exceeded', 11],
  ['ttl-exceeded', 11],
  ['ttl-zero-during-transit', 11, 0],
  ['ttl-zero-during-reassembly', 11, 1],
  ['parameter-problem', 12],
  ['ip-header-bad', 12, 0],
  ['required-option-missing', 12, 1],
  ['timestamp-request', 13],
  ['timestamp-reply', 14],
  ['address-mask-request', 17],
  ['address-mask-reply', 18],
];

export const ICMPV6_TYPES: readonly Name[] = [
  ['destination-unreachable', 1],
  ['no-route', 1, 0],
  ['communication-prohibited', 1, 1],
  ['beyond-scope', 1, 2],
  ['address-unreachable', 1, 3],
  ['port-unreachable', 1, 4],
  ['failed-policy', 1, 5],
  ['reject-route', 1, 6],
  ['packet-too-big', 2],
  ['time-exceeded', 3],
  ['ttl-exceeded', 3],
  ['ttl-zero-during-transit', 3, 0],
  ['ttl-zero-during-reassembly', 3, 1],
  ['parameter-problem', 4],
  ['bad-header', 4, 0],
  ['unknown-header-type', 4, 1],
  ['unknown-option', 4, 2],
  ['echo-request', 128],
  ['ping', 128],
  ['echo-reply', 129],
  ['pong', 129],
  ['router-solicitation', 133],
  ['router-advertisement', 134],
  ['neighbour-solicitation', 135],
  ['neighbor-solicitation', 135],
  ['neighbour-advertisement', 136],
  ['neighbor-advertisement', 136],
  ['redirect', 137],
];

const ALL_CODES: NumberRange = { first: 0, last: 255 };

/** A text where the value can't be read: what would have been right. */
export function icmpType(text: string, names: readonly Name[]): IcmpTypeAndCode | string {
  const lower = text.toLowerCase();
  const named = names.filter(([name]) => name.toLowerCase().startsWith(lower));
  if (named.length > 1) return `it may be ${named.map(([name]) => `\`${name}\``).join(' or ')}`;
  if (named[0] !== undefined) {
    const [, type, code] = named[0];
    return { type, codes: code === undefined ? ALL_CODES : { first: code, last: code } };
  }
  const type = byteRange(text);
  if (type === undefined) return 'expected a type name, or `type[/code]` with numbers up to 255';
  if (type.range.first !== type.range.last) return 'a range of types is not taken';
  if (type.rest === '') return { type: type.range.first, codes: ALL_CODES };
  const code = type.rest.startsWith('/') ? byteRange(type.rest.slice(1)) : undefined;
  if (code?.rest !== '') return 'expected `type[/code]` with numbers up to 255';
  return { type: type.range.first, codes: code.range };
}

/** `n[:m]` at the start of a text. */
function byteRange(text: string): { readonly range: NumberRange; readonly rest: string } | undefined {
  const first = leadingInteger(text);
  if (first === undefined || first.value > 255n) return undefined;
  const low = Number(first.value);
  if (!first.rest.startsWith(':')) return { range: { first: low, last: low }, rest: first.rest };
  const last = leadingInteger(first.rest.slice(1));
  if (last === undefined || last.value > 255n) return undefined;
  return { range: { first: low, last: Number(last.value) }, rest: last.rest };
}
