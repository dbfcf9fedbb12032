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
import type { VmEnvironment } from '../vm/vm.js';

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
export function createFibLookup(host: Host, names: ReadonlyMap<number, string>): VmEnvironment['fibLookup'] {
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
  return (memory, at, flags) => {
    const family = familyOf(memory.getUint8(at + AT.family));
    if (family === undefined) return -EAFNOSUPPORT;
    const device = names.get(memory.getUint32(at + AT.ifindex, true));
    if ((flags & ~(FLAG_OUTPUT | FLAG_MARK)) !== 0 || device === undefined) return -EINVAL;
    if (!forwards[family]) return ANSWER.forwardingDisabled;
    const source = readAddress(memory, at + AT.source, family);
    const destination = readAddress(memory, at + AT.destination, family);
    if (family === 'ipv6' && (isStrict(source) || isStrict(destination))) return ANSWER.notForwarded;
    const mark = (flags & FLAG_MARK) === 0 ? 0 : memory.getUint32(at + AT.mark, true);
    const route = routing[family].lookup(
      (flags & FLAG_OUTPUT) === 0
        ? { source, destination, mark, inInterface: device }
        : { source, destination, mark, outInterface: device },
    );
    if (typeof route === 'string') return REFUSALS[route];
    const output = route.device === undefined ? undefined : numbers.get(route.device);
    if (route.type !== 'unicast' || output === undefined) return ANSWER.notForwarded;
    const mtu = interfaces.mtu(route.device!);
    if (memory.getUint16(at + AT.totalLength, true) > mtu) {
      memory.setUint16(at + AT.totalLength, mtu, true);
      return ANSWER.fragmentationNeeded;
    }
    memory.setUint32(at + AT.ifindex, output, true);
    const { gateway } = route;
    if (gateway !== undefined) {
      for (let word = 0; word < gateway.length; word++) {
        memory.setUint32(at + AT.destination + 4 * word, gateway[word]!, false);
      }
    }
    return ANSWER.noNeighbour;
  };
}

function familyOf(number: number): Family | undefined {
  if (number === FAMILY_IPV4) return 'ipv4';
  return number === FAMILY_IPV6 ? 'ipv6' : undefined;
}

/** Addresses that mean something on one link only (rt6_need_strict): multicast, link-local, ::1. */
function isStrict(address: AddressWords): boolean {
  const first = address[0]!;
  if (first >>> 24 === 0xff || first >>> 22 === 0x3fa) return true;
  return first === 0 && address[1] === 0 && address[2] === 0 && address[3] === 1;
}

function readAddress(memory: DataView, at: number, family: Family): AddressWords {
  const first = memory.getUint32(at, false);
  if (family === 'ipv4') return [first];
  return [
    first,
    memory.getUint32(at + 4, false),
    memory.getUint32(at + 8, false),
    memory.getUint32(at + 12, false),
  ];
}
