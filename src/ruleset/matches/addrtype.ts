// SPDX-License-Identifier: Apache-2.0
// addrtype match, revision 1. iptables-extensions(8) addrtype; net/netfilter/xt_addrtype.c.
import type { AddressWords } from '../../net/address.js';
import type { Stack } from '../../host/stack.js';
import type { Skb } from '../evaluate/skb.js';
import type { DecodeContext } from '../extension.js';
import type { Options } from '../options.js';
import { byPrefix, nameList, not } from '../values.js';
import { exclusive, matchCodec, needsOneOf } from './codec.js';
import type { Negatable } from '../ruleset.js';
import { and, type Boxes, EVERYTHING, negateIf, or, range } from '../../model/box.js';
import { addressesWhere } from '../../model/address-boxes.js';
import type { LowerContext } from '../../model/lower-context.js';
import type { Test } from '../../model/model.js';

export type AddressTypeName =
  | 'UNSPEC'
  | 'UNICAST'
  | 'LOCAL'
  | 'BROADCAST'
  | 'ANYCAST'
  | 'MULTICAST'
  | 'BLACKHOLE'
  | 'UNREACHABLE'
  | 'PROHIBIT'
  | 'THROW'
  | 'NAT'
  | 'XRESOLVE';

export interface AddrtypeMatch {
  readonly kind: 'addrtype';
  readonly source?: Negatable<readonly AddressTypeName[]>;
  readonly destination?: Negatable<readonly AddressTypeName[]>;
  readonly limitInterface?: 'in' | 'out';
}

/** In bit order, which is the order they are printed in. */
const TYPES: readonly AddressTypeName[] = [
  'UNSPEC',
  'UNICAST',
  'LOCAL',
  'BROADCAST',
  'ANYCAST',
  'MULTICAST',
  'BLACKHOLE',
  'UNREACHABLE',
  'PROHIBIT',
  'THROW',
  'NAT',
  'XRESOLVE',
];

/** What the kernel does not tell apart in IPv6. */
const NOT_IPV6: readonly AddressTypeName[] = [
  'BROADCAST',
  'BLACKHOLE',
  'PROHIBIT',
  'THROW',
  'NAT',
  'XRESOLVE',
];

export const addrtypeCodec = matchCodec<AddrtypeMatch>({
  name: 'addrtype',
  checks: exclusive('--limit-iface-in', '--limit-iface-out'),
  read(options, context) {
    needsOneOf(options, '--src-type', '--dst-type');
    const source = types(options, '--src-type', context);
    const destination = types(options, '--dst-type', context);
    const limitInterface = options.has('--limit-iface-in')
      ? 'in'
      : options.has('--limit-iface-out')
        ? 'out'
        : undefined;
    return {
      kind: 'addrtype',
      ...(source && { source }),
      ...(destination && { destination }),
      ...(limitInterface && { limitInterface }),
    };
  },
  print(match) {
    const list = (name: string, one: AddrtypeMatch['source']): string =>
      one === undefined ? '' : `${not(one.negated)} ${name} ${one.value.join(',')}`;
    const limit = match.limitInterface === undefined ? '' : ` --limit-iface-${match.limitInterface}`;
    return list('--src-type', match.source) + list('--dst-type', match.destination) + limit;
  },
  used: (match) => (match.limitInterface === undefined ? [] : [`--limit-iface-${match.limitInterface}`]),
});

function types(
  options: Options,
  name: string,
  context: DecodeContext,
): Negatable<readonly AddressTypeName[]> | undefined {
  const given = nameList(
    options,
    name,
    (item) => byPrefix(TYPES, item),
    `expected address types with commas: ${TYPES.join(', ')}`,
  );
  if (given === undefined) return undefined;
  const unknown = context.family === 'ipv6' && given.find((type) => NOT_IPV6.includes(type));
  if (unknown !== false && unknown !== undefined)
    return options.badValue(name, `the kernel knows no ${unknown} addresses in IPv6`);
  return { value: TYPES.filter((type) => given.includes(type)), negated: options.negated(name) };
}

export function evaluateAddrtype(match: AddrtypeMatch, skb: Skb, stack: Stack): boolean {
  const device =
    match.limitInterface === undefined
      ? undefined
      : match.limitInterface === 'in'
        ? skb.inInterface
        : skb.outInterface;
  const { source, destination } = match;
  const { packet } = skb;
  if (source !== undefined && addressIsOneOf(stack, packet.source, source.value, device) === source.negated)
    return false;
  return (
    destination === undefined ||
    addressIsOneOf(stack, packet.destination, destination.value, device) !== destination.negated
  );
}

/** One word is an IPv4 address, four are IPv6. */
function addressIsOneOf(
  stack: Stack,
  address: AddressWords,
  types: readonly AddressTypeName[],
  device: string | undefined,
): boolean {
  return (address.length === 1 ? ipv4IsOneOf : ipv6IsOneOf)(stack, address, types, device);
}

function ipv4IsOneOf(
  stack: Stack,
  address: AddressWords,
  types: readonly AddressTypeName[],
  device: string | undefined,
): boolean {
  return types.includes(stack.addresses.ipv4Type(address, device).toUpperCase() as AddressTypeName);
}

/** For IPv6 the kinds of address must all hold, those that routing tells one of them. */
function ipv6IsOneOf(
  stack: Stack,
  address: AddressWords,
  types: readonly AddressTypeName[],
  device: string | undefined,
): boolean {
  const isMulticast = address[0]! >>> 24 === 0xff;
  const isAny = address.every((word) => word === 0);
  const isMapped = address[0] === 0 && address[1] === 0 && address[2] === 0xffff;
  if (types.includes('MULTICAST') && !isMulticast) return false;
  if (types.includes('UNICAST') && (isMulticast || isAny || isMapped)) return false;
  if (types.includes('UNSPEC') && !isAny) return false;
  const routed = types.filter((type) => type === 'LOCAL' || type === 'ANYCAST' || type === 'UNREACHABLE');
  if (routed.length === 0) return true;
  const found = stack.addresses.ipv6Lookup(address, device);
  return (
    (found.local && routed.includes('LOCAL')) ||
    (found.anycast && routed.includes('ANYCAST')) ||
    (found.unreachable && routed.includes('UNREACHABLE'))
  );
}

/** The host's addresses and routes as they are in the snapshot, as ranges of addresses. */
export function lowerAddrtype(match: AddrtypeMatch, context: LowerContext): Test {
  const { family, stack } = context;
  const side = (which: 'SRC' | 'DST', option: AddrtypeMatch['source'], device: string | undefined): Boxes =>
    option === undefined
      ? EVERYTHING
      : negateIf(
          option.negated,
          addressesWhere(which, family, stack.host, (address) =>
            addressIsOneOf(stack, address, option.value, device),
          ),
        );
  const both = (device: string | undefined): Boxes =>
    and(side('SRC', match.source, device), side('DST', match.destination, device));
  if (match.limitInterface === undefined) return { kind: 'fields', match: both(undefined), hotdrop: [] };
  const key = match.limitInterface === 'in' ? 'IIF' : 'OIF';
  const byDevice = [...context.interfaceNames()].map(([name, id]) => and(range(key, id), both(name)));
  return { kind: 'fields', match: or(...byDevice), hotdrop: [] };
}
