// SPDX-License-Identifier: Apache-2.0
// The way out of the host's own packets, before OUTPUT and again where mangle changed the mark there:
// net/ipv4/route.c ip_route_output_key_hash_rcu, net/ipv6/route.c ip6_route_output_flags,
// net/ipv4/netfilter.c ip_route_me_harder, net/ipv6/netfilter.c ip6_route_me_harder.
import type { AddressWords } from '../net/address.js';
import type { Family } from '../net/family.js';
import { type AddressBook, isIpv4Loopback, isIpv4Multicast, isIpv6LinkLocal, isZero } from './addresses.js';
import type { Route, RouteResult, Routing } from './routing.js';
import { drop, type StackDrop } from './stack-drop.js';

export type OutputRoute =
  | {
      readonly kind: 'output';
      readonly device: string;
      readonly type: 'unicast' | 'local' | 'broadcast' | 'multicast' | 'anycast';
      readonly gateway?: AddressWords;
    }
  | StackDrop;

const LIMITED_BROADCAST = 0xffffffff;
const LOOPBACK = 0x7f000001;

export class OutputRouting {
  constructor(
    private readonly ipv4: Routing,
    private readonly ipv6: Routing,
    private readonly addresses: AddressBook,
    /** Whether loopback addresses may leave by a device. */
    private readonly routesLocalnet: (device: string) => boolean,
  ) {}

  /** By destination, and where policy rules ask for them, by source and mark. The source may be any. */
  route(family: Family, source: AddressWords, destination: AddressWords, mark: number): OutputRoute {
    return this.lookup(family, source, destination, mark);
  }

  /**
   * Of a packet that has its source already, and no longer leaves by where that source can't be: one with another
   * mark than it was routed by, or an answer. `device`: where IPv6 takes what is of the link alone; else any.
   */
  reroute(
    family: Family,
    source: AddressWords,
    destination: AddressWords,
    mark: number,
    device?: string,
  ): OutputRoute {
    if (family === 'ipv6') return this.rerouteIpv6(source, destination, mark, device);
    const type = this.addresses.ipv4Type(source, undefined);
    if (type !== 'local' && type !== 'unicast') return this.lookup(family, [0], destination, mark);
    const isBroadcast = destination[0] === LIMITED_BROADCAST;
    if (isBroadcast || isIpv4Multicast(destination[0]!)) {
      // Leaves by the device that has the source address.
      const own = this.ipv4.lookupLocal(source);
      if (own?.type !== 'local' || own.device === undefined) return drop('net-unreachable');
      return this.leave(source, output(own.device, isBroadcast ? 'broadcast' : 'multicast'));
    }
    return this.leave(source, this.lookup(family, source, destination, mark));
  }

  /** What was for `::`, and went to the host itself, now goes by the routes. */
  private rerouteIpv6(
    source: AddressWords,
    destination: AddressWords,
    mark: number,
    device: string | undefined,
  ): OutputRoute {
    const isOfLink = destination[0]! >>> 24 === 0xff || isIpv6LinkLocal(destination);
    const accepts = isOfLink && device !== undefined ? onDevice(device) : undefined;
    return this.outputBy(
      this.ipv6.lookup({ destination, source, mark, inInterface: 'lo' }, accepts),
      'ipv6',
      destination,
    );
  }

  /** The source address that a packet without gets (fib_result_prefsrc). */
  sourceFor(destination: AddressWords): AddressWords | undefined {
    const route = this.lookup('ipv4', destination, destination, 0);
    if (route.kind === 'drop') return undefined;
    if (route.device !== 'lo')
      return this.addresses.sourceFor('ipv4', route.device, route.gateway ?? destination);
    return this.addresses.isOwnIpv4(destination[0]!) ? destination : [LOOPBACK];
  }

  private leave(source: AddressWords, route: OutputRoute): OutputRoute {
    if (route.kind === 'drop' || route.device === 'lo' || !isIpv4Loopback(source[0]!)) return route;
    return this.routesLocalnet(route.device) ? route : drop('martian-source');
  }

  private lookup(family: Family, source: AddressWords, destination: AddressWords, mark: number): OutputRoute {
    if (isZero(destination)) return output('lo', 'local');
    const query = { destination, source, mark, inInterface: 'lo' };
    return this.outputBy((family === 'ipv4' ? this.ipv4 : this.ipv6).lookup(query), family, destination);
  }

  private outputBy(route: RouteResult, family: Family, destination: AddressWords): OutputRoute {
    if (typeof route === 'string') return drop(route);
    const { type, device } = route;
    if (type === 'local' || type === 'anycast') return output('lo', type);
    if (device === undefined) return drop('net-unreachable');
    if (family === 'ipv4' && (type === 'broadcast' || destination[0] === LIMITED_BROADCAST)) {
      return output(device, 'broadcast');
    }
    if (family === 'ipv4' ? isIpv4Multicast(destination[0]!) : destination[0]! >>> 24 === 0xff) {
      return output(device, 'multicast');
    }
    return output(device, 'unicast', route.gateway);
  }
}

function onDevice(device: string): (route: Route) => boolean {
  return (route) => route.device === undefined || route.device === device;
}

function output(
  device: string,
  type: 'unicast' | 'local' | 'broadcast' | 'multicast' | 'anycast',
  gateway?: AddressWords,
): OutputRoute {
  return gateway === undefined ? { kind: 'output', device, type } : { kind: 'output', device, type, gateway };
}
