// SPDX-License-Identifier: Apache-2.0
// `bpf_fib_lookup` over the host's routing tables, for programs in the VM (net/core/filter.c
// bpf_ipv4_fib_lookup, bpf_ipv6_fib_lookup, bpf_skb_fib_lookup). No neighbours are known here, as on a host
// that has just started: an answer with a next hop is NO_NEIGH, and MAC addresses stay as they were.
import type { Host } from '../host/host.js';
import { Interfaces } from '../host/interfaces.js';
import { Routing, type RouteError } from '../host/routing.js';
import { sysctl } from '../host/sysctls.js';
import type { AddressWords } from '../net/address.js';
import type { Family } from '../net/family.js';

/** Offsets in `struct bpf_fib_lookup` (include/uapi/linux/bpf.h). Addresses are in network order. */
const AT = { family: 0, totalLength: 6, ifindex: 8, source: 16, destination: 32, mark: 52 } as const;
const FAMILY_IPV4 = 2;
const FAMILY_IPV6 = 10;
const FLAG_OUTPUT = 2;
const FLAG_MARK = 1 << 5;
const EINVAL = 22;
const EAFNOSUPPORT = 97;

/** `BPF_FIB_LKUP_RET_*`. */
const ANSWER = {
  blackhole: 1,
  unreachable: 2,
  prohibit: 3,
  notForwarded: 4,
  forwardingDisabled: 5,
  noNeighbour: 7,
  fragmentationNeeded: 8,
} as const;

const REFUSALS: Readonly<Record<RouteError, number>> = {
  'net-unreachable': ANSWER.notForwarded,
  'host-unreachable': ANSWER.unreachable,
  prohibited: ANSWER.prohibit,
  blackhole: ANSWER.blackhole,
};

/** `names`: interface name by number. */
export function createFibLookup(
  host: Host,
  names: ReadonlyMap<number, string>,
): (parameters: DataView, flags: number) => number {
  const interfaces = new Interfaces(host);
  const numbers = new Map([...names].map(([number, name]) => [name, number]));
  const routing: Readonly<Record<Family, Routing>> = {
    ipv4: new Routing('ipv4', host),
    ipv6: new Routing('ipv6', host),
  };
  const forwards: Readonly<Record<Family, boolean>> = {
    ipv4: sysctl(host, 'ip_forward') !== 0,
    ipv6: sysctl(host, 'ipv6_forwarding') !== 0,
  };
  return (parameters, flags) => {
    const family = familyOf(parameters.getUint8(AT.family));
    if (family === undefined) return -EAFNOSUPPORT;
    const inInterface = names.get(parameters.getUint32(AT.ifindex, true));
    if ((flags & ~(FLAG_OUTPUT | FLAG_MARK)) !== 0 || inInterface === undefined) return -EINVAL;
    if (!forwards[family]) return ANSWER.forwardingDisabled;
    const words = family === 'ipv4' ? 1 : 4;
    const read = (at: number): AddressWords =>
      Array.from({ length: words }, (_, index) => parameters.getUint32(at + 4 * index, false));
    const route = routing[family].lookup({
      source: read(AT.source),
      destination: read(AT.destination),
      mark: (flags & FLAG_MARK) === 0 ? 0 : parameters.getUint32(AT.mark, true),
      ...((flags & FLAG_OUTPUT) === 0 ? { inInterface } : { outInterface: inInterface }),
    });
    if (typeof route === 'string') return REFUSALS[route];
    const output = route.device === undefined ? undefined : numbers.get(route.device);
    if (route.type !== 'unicast' || output === undefined) return ANSWER.notForwarded;
    const length = parameters.getUint16(AT.totalLength, true);
    const mtu = interfaces.mtu(route.device!);
    if (length > mtu) {
      parameters.setUint16(AT.totalLength, mtu, true);
      return ANSWER.fragmentationNeeded;
    }
    parameters.setUint32(AT.ifindex, output, true);
    route.gateway?.forEach((word, index) => {
      parameters.setUint32(AT.destination + 4 * index, word, false);
    });
    return ANSWER.noNeighbour;
  };
}

function familyOf(number: number): Family | undefined {
  if (number === FAMILY_IPV4) return 'ipv4';
  return number === FAMILY_IPV6 ? 'ipv6' : undefined;
}
