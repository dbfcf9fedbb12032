// SPDX-License-Identifier: Apache-2.0
// iprange match. iptables-extensions(8) iprange; net/netfilter/xt_iprange.c.
import { type AddressWords, compareAddresses } from '../../net/address.js';
import type { Skb } from '../evaluate/skb.js';
import { formatAddress, parseAddress } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import type { Options } from '../options.js';
import { not, numericIpv4 } from '../values.js';
import { matchCodec, needsOneOf } from './codec.js';
import type { AddressRange } from '../../net/address.js';
import type { Negatable } from '../ruleset.js';
import { and, type Boxes, EVERYTHING, negateIf } from '../../model/box.js';
import { addressRangeBoxes } from '../../model/address-boxes.js';
import type { Test } from '../../model/model.js';

export interface IprangeMatch {
  readonly kind: 'iprange';
  readonly source?: Negatable<AddressRange>;
  readonly destination?: Negatable<AddressRange>;
}

export const iprangeCodec = matchCodec<IprangeMatch>({
  name: 'iprange',
  read(options, { family }) {
    needsOneOf(options, '--src-range', '--dst-range');
    const source = addressRange(options, '--src-range', family);
    const destination = addressRange(options, '--dst-range', family);
    return { kind: 'iprange', ...(source && { source }), ...(destination && { destination }) };
  },
  print: (match) => rangeOption('--src-range', match.source) + rangeOption('--dst-range', match.destination),
});

/** `first-last` or one address; a range whose end lies before its start is taken and never matches. */
function addressRange(options: Options, name: string, family: Family): Negatable<AddressRange> | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const dash = text.indexOf('-');
  const ends = dash < 0 ? [text, text] : [text.slice(0, dash), text.slice(dash + 1)];
  const [first, last] = ends.map((end) => (family === 'ipv4' ? numericIpv4(end) : parseAddress(end, family)));
  if (first === undefined || last === undefined)
    return options.badValue(name, `expected \`first-last\`, two ${family} addresses`);
  return { value: { first, last }, negated: options.negated(name) };
}

function rangeOption(name: string, range: Negatable<AddressRange> | undefined): string {
  if (range === undefined) return '';
  return `${not(range.negated)} ${name} ${formatAddress(range.value.first)}-${formatAddress(range.value.last)}`;
}

export function evaluateIprange(match: IprangeMatch, { packet }: Skb): boolean {
  const { source, destination } = match;
  if (source !== undefined && within(packet.source, source.value) === source.negated) return false;
  return destination === undefined || within(packet.destination, destination.value) !== destination.negated;
}

function within(address: AddressWords, { first, last }: AddressRange): boolean {
  return compareAddresses(address, first) >= 0 && compareAddresses(address, last) <= 0;
}

export function lowerIprange(match: IprangeMatch): Test {
  const side = (which: 'SRC' | 'DST', option: IprangeMatch['source']): Boxes =>
    option === undefined ? EVERYTHING : negateIf(option.negated, addressRangeBoxes(which, option.value));
  return {
    kind: 'fields',
    match: and(side('SRC', match.source), side('DST', match.destination)),
    hotdrop: [],
  };
}
