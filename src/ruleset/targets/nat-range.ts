// SPDX-License-Identifier: Apache-2.0
// The address and port ranges of SNAT, DNAT, MASQUERADE and REDIRECT. iptables-extensions(8) SNAT, DNAT;
// net/netfilter/xt_nat.c, net/netfilter/nf_nat_core.c.
import { addressesEqual, formatAddress, parseAddress, type AddressRange } from '../../net/address.js';
import type { DecodeContext } from '../extension.js';
import { leadingInteger, type Options, UINT16_MAX } from '../options.js';
import { statedProtocol } from './protocol.js';

export interface NatRange {
  readonly addresses?: AddressRange;
  readonly ports?: { readonly first: number; readonly last: number; readonly base?: number };
}

/** TCP, UDP, SCTP, DCCP and ICMP; a rule for any other protocol takes no ports. */
const WITH_PORTS: readonly number[] = [6, 17, 132, 33, 1];

/** Reads `--to-ports`: `port[-port]`. */
export function readPorts(options: Options, name: string, context: DecodeContext): NatRange | undefined {
  const text = options.text(name);
  if (text === undefined) return {};
  const ports = parsePorts(text, options, name, context, false);
  return ports === undefined ? undefined : { ports };
}

/** Reads `--to-source` and `--to-destination`: `[address[-address]][:port[-port[/base]]]`. */
export function readRange(
  options: Options,
  name: string,
  context: DecodeContext,
  baseAllowed: boolean,
): NatRange | undefined {
  const text = options.text(name)!;
  const bracket = text.indexOf('[');
  let addressText = text;
  let portText: string | undefined;
  if (bracket >= 0) {
    const end = text.indexOf(']', bracket);
    if (end < 0 || context.family === 'ipv4')
      return options.badValue(name, 'brackets are for IPv6 addresses');
    addressText = text.slice(bracket + 1, end);
    const colon = text.indexOf(':', end);
    if (colon >= 0) portText = text.slice(colon + 1);
  } else if ((text.match(/:/g)?.length ?? 0) === 1) {
    const colon = text.indexOf(':');
    addressText = text.slice(0, colon);
    portText = text.slice(colon + 1);
  }
  const ports =
    portText === undefined ? undefined : parsePorts(portText, options, name, context, baseAllowed);
  if (portText !== undefined && ports === undefined) return undefined;
  if (portText !== undefined && addressText === '') return { ports: ports! };
  const dash = addressText.indexOf('-');
  const firstText = dash < 0 ? addressText : addressText.slice(0, dash);
  const first = parseAddress(firstText, context.family);
  const last = dash < 0 ? first : parseAddress(addressText.slice(dash + 1), context.family);
  if (first === undefined || last === undefined)
    return options.badValue(name, `expected an ${context.family} address or range, then perhaps \`:port\``);
  return { addresses: { first, last }, ...(ports === undefined ? {} : { ports }) };
}

function parsePorts(
  text: string,
  options: Options,
  name: string,
  context: DecodeContext,
  baseAllowed: boolean,
): NatRange['ports'] | undefined {
  if (!WITH_PORTS.includes(statedProtocol(context) ?? -1)) {
    return options.fail(
      options.get(name)!,
      'IPT0228',
      'ports can be translated for TCP, UDP, SCTP and DCCP only, and the rule is not limited to one of them',
      'add `-p tcp` or `-p udp`',
    );
  }
  const expected = 'expected `port`, `first-last`, both from 0 to 65535';
  const start = leadingInteger(text);
  if (start === undefined || start.value > UINT16_MAX) {
    const port = context.names.service(text);
    return port === undefined ? options.badValue(name, expected) : { first: port, last: port };
  }
  const first = Number(start.value);
  if (start.rest === '') return { first, last: first };
  if (!start.rest.startsWith('-')) return options.badValue(name, expected);
  const end = leadingInteger(start.rest.slice(1));
  if (end === undefined || end.value > UINT16_MAX || Number(end.value) < first)
    return options.badValue(name, 'the range must end at a port no lower than it begins');
  const last = Number(end.value);
  if (end.rest === '') return { first, last };
  const baseText = end.rest.slice(1);
  const base = leadingInteger(baseText);
  const baseNumber =
    base !== undefined && base.value >= 1n && base.value <= UINT16_MAX
      ? Number(base.value)
      : context.names.service(baseText);
  if (!end.rest.startsWith('/') || !baseAllowed || baseNumber === undefined)
    return options.badValue(name, baseAllowed ? 'expected `first-last/base`' : expected);
  return { first, last, base: baseNumber };
}

/** As iptables-save prints it: IPv6 addresses in brackets when ports follow. */
export function formatRange(range: NatRange): string {
  let text = '';
  if (range.addresses !== undefined) {
    const { first, last } = range.addresses;
    text = formatAddress(first) + (addressesEqual(first, last) ? '' : '-' + formatAddress(last));
    if (first.length === 4 && range.ports !== undefined) text = `[${text}]`;
  }
  return range.ports === undefined ? text : `${text}:${formatPorts(range.ports)}`;
}

export function formatPorts(ports: NonNullable<NatRange['ports']>): string {
  return (
    String(ports.first) +
    (ports.last === ports.first ? '' : `-${ports.last}`) +
    (ports.base === undefined ? '' : `/${ports.base}`)
  );
}
