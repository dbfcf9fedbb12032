// SPDX-License-Identifier: Apache-2.0
// Where a received packet goes after PREROUTING, as far as the host's own addresses say it: delivered here,
// or dropped by the stack as a martian. The rest is for the routing table. net/ipv4/route.c
// ip_route_input_slow, ip_route_input_mc, ip_mkroute_input; net/ipv6/ip6_input.c ip6_mc_input.
import { isIpv6LinkLocal } from '../host/addresses.js';
import { interfaceSysctl, sysctl } from '../host/sysctls.js';
import type { Stack } from '../host/stack.js';
import type { AddressWords } from '../net/address.js';
import { addressesWhere, addressRangeBoxes } from './address-boxes.js';
import type { AddressSide } from './address-boxes.js';
import { and, EVERYTHING, not, or, range, where } from './box.js';
import type { Boxes } from './box.js';
import type { FamilyModel, InterfaceIds } from './model.js';

type Route = FamilyModel['route'];

const IGMP = 2;
const MULTICAST_FIRST = 0xe0000000;
const MULTICAST_LAST = 0xefffffff;
const ALL_ONES = 0xffffffff;

export function routeBoxes(family: 'ipv4' | 'ipv6', stack: Stack, interfaces: InterfaceIds): Route {
  return family === 'ipv4' ? ipv4Route(stack, interfaces) : ipv6Route(stack, interfaces);
}

/** Packets from interfaces where an ipv4.conf switch is off; interfaces of no id count as off. */
function interfacesWithout(
  name: 'route_localnet' | 'accept_local',
  stack: Stack,
  interfaces: InterfaceIds,
): Boxes {
  const on = Object.entries(interfaces).filter(([device]) => interfaceSysctl(stack.host, device, name) !== 0);
  if (on.length === 0) return EVERYTHING;
  return not(
    where(
      'IIF',
      on.map(([, id]) => ({ first: id, last: id })),
    ),
  );
}

function ipv4OfType(stack: Stack, type: 'local' | 'broadcast'): Boxes {
  return addressesWhere(
    'DST',
    'ipv4',
    stack.host,
    (address) => stack.addresses.ipv4Type(address, undefined) === type,
  );
}

/**
 * Packets that no ICMP error answers: to a broadcast address in IPv4 (net/ipv4/icmp.c __icmp_send); in IPv6 from an
 * anycast address, or from a link-local one that has no route by the interface it came in by (net/ipv6/icmp.c
 * icmp6_send, icmpv6_route_lookup). To 0.0.0.0 the host can write to itself: what comes from nowhere to 0.0.0.0 is
 * the old broadcast.
 */
export function unansweredBoxes(family: 'ipv4' | 'ipv6', stack: Stack, interfaces: InterfaceIds): Boxes {
  if (family === 'ipv4') {
    const nowhere = and(range('DST0', 0), not(range('SRC0', 0)));
    return and(ipv4OfType(stack, 'broadcast'), not(nowhere));
  }
  const anycast = addressesWhere(
    'SRC',
    'ipv6',
    stack.host,
    (address) => stack.addresses.ipv6Lookup(address, undefined).anycast,
  );
  return or(anycast, ...linkLocalAstray('SRC', stack, interfaces));
}

const UNSPECIFIED: AddressWords = [0, 0, 0, 0];

/** Link-local addresses that no route leads to by the interface the packet came in by. */
function linkLocalAstray(side: AddressSide, stack: Stack, interfaces: InterfaceIds): Boxes[] {
  return Object.entries(interfaces).map(([device, id]) =>
    and(
      range('IIF', id),
      addressesWhere(
        side,
        'ipv6',
        stack.host,
        (address) =>
          isIpv6LinkLocal(address) &&
          stack.routeAnswer('ipv6', UNSPECIFIED, address, device).kind !== 'output',
      ),
    ),
  );
}

function ipv4Route(stack: Stack, interfaces: InterfaceIds): Route {
  const zero = (side: AddressSide): Boxes => range(`${side}0`, 0);
  const multicast = (side: AddressSide): Boxes => range(`${side}0`, MULTICAST_FIRST, MULTICAST_LAST);
  const ownSource = and(
    addressesWhere('SRC', 'ipv4', stack.host, ([word]) => stack.addresses.isOwnIpv4(word!)),
    interfacesWithout('accept_local', stack, interfaces),
  );
  const loopback = (side: AddressSide): Boxes =>
    and(range(`${side}0`, 0x7f000000, 0x7fffffff), interfacesWithout('route_localnet', stack, interfaces));
  const impossibleSource = or(multicast('SRC'), range('SRC0', ALL_ONES));
  const limited = range('DST0', ALL_ONES);
  const unspecified = and(range('SRC0', 0), range('DST0', 0));
  const joined = addressesWhere('DST', 'ipv4', stack.host, ([word]) => stack.addresses.joinedIpv4(word!));
  const toGroup = and(multicast('DST'), joined);
  const linkLocalGroup = range('DST0', 0xe0000000, 0xe00000ff);
  return [
    { boxes: and(toGroup, or(impossibleSource, loopback('SRC'))), to: 'drop' },
    { boxes: and(toGroup, zero('SRC'), or(linkLocalGroup, range('PROTO', IGMP))), to: 'local' },
    { boxes: and(toGroup, or(zero('SRC'), ownSource)), to: 'drop' },
    { boxes: toGroup, to: 'local' },
    { boxes: or(multicast('DST'), impossibleSource), to: 'drop' },
    { boxes: and(limited, not(zero('SRC')), ownSource), to: 'drop' },
    { boxes: or(limited, unspecified), to: 'local' },
    { boxes: or(zero('SRC'), zero('DST'), loopback('SRC'), loopback('DST'), ownSource), to: 'drop' },
    {
      boxes: or(
        ipv4OfType(stack, 'local'),
        sysctl(stack.host, 'bc_forwarding') === 0 ? ipv4OfType(stack, 'broadcast') : [],
      ),
      to: 'local',
    },
  ];
}

function ipv6Route(stack: Stack, interfaces: InterfaceIds): Route {
  const local = addressesWhere('DST', 'ipv6', stack.host, (address) => {
    const found = stack.addresses.ipv6Lookup(address, undefined);
    return address[0]! >>> 24 !== 0xff && (found.local || found.anycast);
  });
  const joined = Object.entries(interfaces).map(([device, id]) =>
    and(range('IIF', id), or(...joinedGroups(stack, device).map(oneAddress))),
  );
  return [
    { boxes: or(...joined), to: 'local' },
    { boxes: range('DST0', 0xff000000, ALL_ONES), to: 'drop' },
    { boxes: local, to: 'local' },
    // net/ipv6/route.c rt6_need_strict: to such an address a packet leaves by the link it came by, or not at all.
    { boxes: or(...linkLocalAstray('DST', stack, interfaces)), to: 'drop' },
  ];
}

function oneAddress(address: AddressWords): Boxes {
  return addressRangeBoxes('DST', { first: address, last: address });
}

/** Groups a device may be in: all nodes, all routers, and those of the host's own addresses. */
function joinedGroups(stack: Stack, device: string): AddressWords[] {
  const candidates: AddressWords[] = [1, 2].flatMap((last) =>
    [0xff010000, 0xff020000, 0xff050000].map((first) => [first, 0, 0, last]),
  );
  for (const address of stack.addresses.ownIpv6()) {
    candidates.push([0xff020000, 0, 1, (0xff000000 | (address[3]! & 0xffffff)) >>> 0]);
  }
  return candidates.filter((group) => stack.addresses.joinedIpv6(group, device));
}
