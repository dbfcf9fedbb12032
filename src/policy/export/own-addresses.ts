// SPDX-License-Identifier: Apache-2.0
// What the host description says of addresses: those at which packets are delivered here, and the interface by
// which a destination is reached.
import { formatAddress, parseAddress, type AddressRange } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import { isIpv6LinkLocal } from '../../host/addresses.js';
import type { Host } from '../../host/host.js';
import { parsePrefix } from '../../host/prefix.js';
import { Routing } from '../../host/routing.js';
import { intersectAddresses } from './region.js';
import { complementAddresses, mergeAddresses, parseAddressWord } from '../words.js';

const LINK_LOCAL = 'fe80::/10';
const ALWAYS: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ['0.0.0.0', '127.0.0.0/8', '224.0.0.0/4', '255.255.255.255'],
  ipv6: ['::', '::1', LINK_LOCAL, 'ff00::/8'],
};

/** No packet for another address reaches INPUT; not all of these need to. */
export function deliveredAddresses(host: Host, family: Family): AddressRange[] {
  const own = host.interfaces.flatMap(({ addresses = [] }) =>
    addresses.flatMap((text) => {
      const [address = ''] = text.split('/');
      const parsed = parseAddress(address, family);
      const network = parsed && parseAddressWord(text, family);
      if (parsed === undefined || network === undefined) return [];
      const ends = [network.first, network.last].map((end) => ({ first: end, last: end }));
      return [{ first: parsed, last: parsed }, ...ends];
    }),
  );
  const routed = host.routes.flatMap(({ destination, type }) => {
    const isDelivered = type === 'local' || type === 'broadcast' || type === 'anycast';
    const range = isDelivered ? parseAddressWord(destination, family) : undefined;
    return range === undefined ? [] : [range];
  });
  return mergeAddresses([
    ...own,
    ...routed,
    ...ALWAYS[family].map((text) => parseAddressWord(text, family)!),
  ]);
}

/**
 * Destinations of packets from an interface that routes lead out by one of those for which `leaves` holds; undefined
 * where more than the destination decides (policy routing).
 */
export function destinationsBy(
  host: Host,
  family: Family,
  from: string,
  leaves: (device: string) => boolean,
): AddressRange[] | undefined {
  const routing = new Routing(family, host);
  if (routing.hasCustomRules) return undefined;
  const prefixes = [
    ...(family === 'ipv6' ? [parsePrefix(LINK_LOCAL)] : []),
    ...host.routes.map(({ destination, via }) => parsePrefix(destination, via)),
    ...host.interfaces.flatMap(({ addresses = [] }) => addresses.map((text) => parsePrefix(text))),
  ].flatMap((prefix) => {
    if (prefix?.family !== family) return [];
    const range = parseAddressWord(`${formatAddress(prefix.address)}/${prefix.bits}`, family);
    return range === undefined ? [] : [range];
  });
  // Between the ends of prefixes the answer does not change.
  let pieces: readonly AddressRange[] = complementAddresses([], family);
  for (const prefix of prefixes) {
    const outside = complementAddresses([prefix], family);
    pieces = pieces.flatMap((piece) => [
      ...intersectAddresses([piece], [prefix], family),
      ...intersectAddresses([piece], outside, family),
    ]);
  }
  return mergeAddresses(
    pieces.filter(({ first }) => {
      // A link-local address is one of the link it was asked for on.
      const isStrict = family === 'ipv6' && isIpv6LinkLocal(first);
      const route = routing.lookup(
        { destination: first, mark: 0, inInterface: from },
        isStrict ? ({ device }) => device === undefined || device === from : undefined,
      );
      return typeof route !== 'string' && route.device !== undefined && leaves(route.device);
    }),
  );
}
