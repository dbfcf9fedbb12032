// SPDX-License-Identifier: Apache-2.0
// The host's own addresses and multicast groups, and address types as `addrtype` asks for them:
// net/ipv4/fib_frontend.c __inet_dev_addr_type, net/ipv6/addrconf_core.c, net/netfilter/xt_addrtype.c.
import type { AddressWords } from '../net/address.js';
import type { Family } from '../net/family.js';
import type { Host } from './host.js';
import { parsePrefix } from './prefix.js';
import { Routing, withLoopback, type RouteType } from './routing.js';

export function isIpv4Multicast(word: number): boolean {
  return word >>> 28 === 0xe;
}

export function isIpv4Loopback(word: number): boolean {
  return word >>> 24 === 127;
}

export function isIpv6LinkLocal(words: AddressWords): boolean {
  return words[0]! >>> 22 === 0xfe80 >>> 6;
}

export function isZero(words: AddressWords): boolean {
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  return true;
}

interface OwnAddress {
  readonly device: string;
  readonly address: AddressWords;
  readonly bits: number;
}

export class AddressBook {
  private readonly own: Readonly<Record<Family, OwnAddress[]>> = { ipv4: [], ipv6: [] };
  private readonly ownIpv4 = new Set<number>();

  constructor(
    host: Host,
    private readonly ipv4: Routing,
    private readonly ipv6: Routing,
    private readonly isIpv6Router: boolean,
  ) {
    for (const { name, addresses = [] } of withLoopback(host)) {
      for (const text of addresses) {
        const prefix = parsePrefix(text);
        if (prefix === undefined) continue;
        this.own[prefix.family].push({ device: name, address: prefix.address, bits: prefix.bits });
        if (prefix.family === 'ipv4') this.ownIpv4.add(prefix.address[0]!);
      }
    }
  }

  /** Assigned to an interface (not merely covered by a local route such as 127.0.0.0/8). */
  isOwnIpv4(word: number): boolean {
    return this.ownIpv4.has(word);
  }

  /** IPv6 addresses assigned to any interface. */
  ownIpv6(): readonly AddressWords[] {
    return this.own.ipv6.map((each) => each.address);
  }

  /** The interface that an IPv6 address is assigned to. */
  deviceOfIpv6(address: AddressWords): string | undefined {
    return this.own.ipv6.find((each) => sharesPrefix(each.address, address, 128))?.device;
  }

  /** Every multicast interface is in 224.0.0.1 (net/ipv4/igmp.c ip_mc_up); no socket joins others here. */
  joinedIpv4(group: number): boolean {
    return group === 0xe0000001;
  }

  /** All nodes, all routers where the host forwards, and the solicited-node group of each address on the device. */
  joinedIpv6(group: AddressWords, device: string): boolean {
    const [first, second, third, last] = group as [number, number, number, number];
    if (second === 0 && third === 0) {
      if (last === 1) return first === 0xff010000 || first === 0xff020000;
      return last === 2 && this.isIpv6Router && [0xff010000, 0xff020000, 0xff050000].includes(first);
    }
    if (first !== 0xff020000 || second !== 0 || third !== 1 || last >>> 24 !== 0xff) return false;
    return this.own.ipv6.some(
      (each) => each.device === device && (each.address[3]! & 0xffffff) === (last & 0xffffff),
    );
  }

  /**
   * The source address the stack gives a packet of its own on `device` towards `destination`: the first one
   * of the same network, else the first of the device, else the first of any (inet_select_addr).
   */
  sourceFor(family: Family, device: string, destination: AddressWords): AddressWords | undefined {
    if (device === 'lo') return destination;
    const candidates = this.own[family].filter((each) => each.device === device);
    const near = candidates.find((each) => sharesPrefix(each.address, destination, each.bits));
    const other = this.own[family].find((each) => each.device !== 'lo');
    return (near ?? candidates[0] ?? other)?.address;
  }

  /** The type of an IPv4 address, with `device` only what that device makes of it. */
  ipv4Type(address: AddressWords, device: string | undefined): RouteType {
    const word = address[0]!;
    // Of network 0 the first address alone is special (since Linux 5.3).
    if (word === 0 || word === 0xffffffff) return 'broadcast';
    if (isIpv4Multicast(word)) return 'multicast';
    const route = this.ipv4.lookupLocal(address);
    if (route === undefined) return 'unicast';
    return device === undefined || route.device === device ? route.type : 'unicast';
  }

  /** For IPv6 `addrtype`: what the routing tables say about an address (match_lookup_rt6). */
  ipv6Lookup(
    address: AddressWords,
    device: string | undefined,
  ): { readonly local: boolean; readonly anycast: boolean; readonly unreachable: boolean } {
    const ownOnDevice =
      device !== undefined &&
      this.own.ipv6.some((each) => each.device === device && sharesPrefix(each.address, address, 128));
    const route = this.ipv6.lookup(
      { destination: address, mark: 0, ...(device === undefined ? {} : { outInterface: device }) },
      device === undefined ? undefined : (each) => each.device === undefined || each.device === device,
    );
    if (typeof route === 'string') return { local: false, anycast: false, unreachable: true };
    const local = device === undefined ? route.type === 'local' : ownOnDevice;
    // The subnet's own number counts as anycast even where the host does not answer to it.
    const subnetNumber =
      route.bits < 127 && route.gateway === undefined && sharesPrefix(route.address, address, 128);
    return { local, anycast: route.type === 'anycast' || subnetNumber, unreachable: false };
  }
}

function sharesPrefix(a: AddressWords, b: AddressWords, bits: number): boolean {
  for (let i = 0; i < a.length; i++) {
    const inWord = Math.min(32, bits - 32 * i);
    if (inWord <= 0) return true;
    if ((a[i]! ^ b[i]!) >>> (32 - inWord) !== 0) return false;
  }
  return true;
}
