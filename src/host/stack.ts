// SPDX-License-Identifier: Apache-2.0
// The IP stack around the hooks: what it drops, where it sends, what it answers. It knows nothing of rules:
// the `rules` runner calls its steps between the hooks, `vm` and `kernel` between the attach points.
// Kernel: net/ipv4/{ip_input,route,ip_forward,raw}.c, net/ipv6/{ip6_input,route,ip6_output,raw}.c.
// Not modelled: multicast routing, redirects, path MTU exceptions, sockets.
//
// Order for a received frame:   arrive -> [PREROUTING] -> routeInput -> local:   [INPUT]
//                                                                    -> forward: forward() -> [FORWARD] -> [POSTROUTING]
// for a packet of the host:     routeOutput -> [OUTPUT] -> [POSTROUTING] -> out, or looped: [PREROUTING on lo] -> [INPUT]
import type { AddressWords } from '../net/address.js';
import type { Family } from '../net/family.js';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, type PacketType } from '../packet/ethernet.js';
import { load16, load32, store16, store32 } from '../packet/bytes.js';
import { ipv4OptionsFault } from '../packet/ipv4-options.js';
import { ParsedPacket } from '../packet/parse.js';
import type { ReplayPacket } from '../packet/packet.js';
import { loopedIpv6Fault, receivePacket } from '../packet/receive.js';
import { AddressBook, isIpv4Loopback, isIpv4Multicast, isIpv6LinkLocal, isZero } from './addresses.js';
import type { Host } from './host.js';
import { Interfaces } from './interfaces.js';
import { type OutputRoute, OutputRouting } from './output-routing.js';
import { Routing, type Route, type RouteError } from './routing.js';
import { drop, type StackDrop } from './stack-drop.js';
import { interfaceSysctl, sysctl } from './sysctls.js';

export interface Arrived {
  readonly kind: 'arrived';
  readonly packet: ParsedPacket;
  /** The device whose hooks see the packet: upper device of a VLAN or bridge port. */
  readonly interface: string;
  readonly packetType: PacketType;
}

export interface NotIp {
  readonly kind: 'not-ip';
}

export type InputRoute =
  | { readonly kind: 'local'; readonly type: 'local' | 'broadcast' | 'multicast' | 'anycast' }
  | { readonly kind: 'forward'; readonly device: string; readonly gateway?: AddressWords }
  | StackDrop;

/** Sysctls of one interface that decide packets. */
interface InterfaceSettings {
  readonly rpFilter: number;
  readonly acceptLocal: number;
  readonly routeLocalnet: number;
  readonly sendRedirects: number;
}

const NOT_IP: NotIp = { kind: 'not-ip' };
const FORWARD_OK = undefined;

export class Stack {
  readonly interfaces: Interfaces;
  readonly addresses: AddressBook;
  private readonly ipv4: Routing;
  private readonly ipv6: Routing;
  private readonly output: OutputRouting;
  private readonly forwards: Readonly<Record<Family, boolean>>;
  private readonly broadcastsForwarded: boolean;
  private readonly settingsByName = new Map<string, InterfaceSettings>();

  constructor(readonly host: Host) {
    this.interfaces = new Interfaces(host);
    this.ipv4 = new Routing('ipv4', host);
    this.ipv6 = new Routing('ipv6', host);
    this.forwards = {
      ipv4: sysctl(host, 'ip_forward') !== 0,
      ipv6: sysctl(host, 'ipv6_forwarding') !== 0,
    };
    this.broadcastsForwarded = sysctl(host, 'bc_forwarding') !== 0;
    this.addresses = new AddressBook(host, this.ipv4, this.ipv6, this.forwards.ipv6);
    const routesLocalnet = (device: string): boolean => this.settings(device).routeLocalnet !== 0;
    this.output = new OutputRouting(this.ipv4, this.ipv6, this.addresses, routesLocalnet);
  }

  /**
   * Takes a frame from the wire up to the first hook. `verifyChecksum` false leaves the IPv4 header checksum
   * unchecked (`--checksums trust`, and frames cut by the capture).
   */
  arrive(frame: ReplayPacket, verifyChecksum: boolean): Arrived | NotIp | StackDrop {
    const link = this.interfaces.arrive(frame.frame, frame.interface);
    if (link === undefined) return NOT_IP;
    const { etherType, payloadOffset } = link.header;
    if (etherType !== ETHERTYPE_IPV4 && etherType !== ETHERTYPE_IPV6) return NOT_IP;
    // A tag that belongs to no interface: the frame is for another host, and no IP hook sees it.
    if (link.packetType === 'other-host') return NOT_IP;
    const packet = receivePacket(frame.frame, payloadOffset, etherType, {
      wireEnd: Math.max(frame.frame.length, frame.wireLength),
      verifyChecksum: verifyChecksum && frame.frame.length >= frame.wireLength,
    });
    if (typeof packet === 'string') return drop(packet);
    return { kind: 'arrived', packet, interface: link.interface, packetType: link.packetType };
  }

  /**
   * A packet of the host itself, as a raw socket takes it: IPv4 gets its length, and where it has none its source,
   * from the kernel.
   */
  send(frame: ReplayPacket): ParsedPacket | NotIp | StackDrop {
    const link = this.interfaces.arrive(frame.frame, 'lo');
    const etherType = link?.header.etherType;
    if (link === undefined || (etherType !== ETHERTYPE_IPV4 && etherType !== ETHERTYPE_IPV6)) return NOT_IP;
    const offset = link.header.payloadOffset;
    const family = etherType === ETHERTYPE_IPV4 ? 'ipv4' : 'ipv6';
    if (frame.frame.length < offset + (family === 'ipv4' ? 20 : 40)) return drop('bad-packet');
    const isWhole = frame.wireLength <= frame.frame.length;
    if (family === 'ipv6') return new ParsedPacket(frame.frame, family, offset, frame.frame.length, isWhole);
    const headerLength = (frame.frame[offset]! & 0xf) << 2;
    const available = frame.frame.length - offset;
    const stated = load16(frame.frame, offset + 2);
    const length = stated === 0 ? available : Math.min(stated, available);
    if (headerLength < 20 || headerLength > length) return drop('bad-packet');
    const hasSource = load32(frame.frame, offset + 12) !== 0;
    if ((stated === length || !isWhole) && hasSource) {
      return new ParsedPacket(frame.frame, family, offset, frame.frame.length);
    }
    const repaired = frame.frame.slice();
    if (isWhole) store16(repaired, offset + 2, length);
    if (!hasSource) {
      const source = this.output.sourceFor([load32(repaired, offset + 16)]);
      if (source !== undefined) store32(repaired, offset + 12, source[0]!);
    }
    return new ParsedPacket(repaired, family, offset, repaired.length);
  }

  /** What a packet of the host's own is dropped for when it comes in again by `device`: `lo`, or a multicast's. */
  loopFault(packet: ParsedPacket, device: string): StackDrop | undefined {
    if (packet.family === 'ipv4') {
      if (packet.frame[packet.l3Offset]! >>> 4 !== 4) return drop('bad-version');
      const fault = packet.l4Offset === packet.l3Offset + 20 ? undefined : ipv4OptionsFault(packet);
      return fault === undefined ? undefined : drop(fault);
    }
    const fault = loopedIpv6Fault(packet, device === 'lo');
    return fault === undefined ? undefined : drop(fault);
  }

  /** The routing decision after PREROUTING. `mark` is the packet's mark then. */
  routeInput(packet: ParsedPacket, inInterface: string, mark: number): InputRoute {
    return packet.family === 'ipv4'
      ? this.routeInputIpv4(packet, inInterface, mark)
      : this.routeInputIpv6(packet, inInterface, mark);
  }

  /**
   * What forwarding refuses before the FORWARD hook, where the TTL is already one lower. `ttl` is the value
   * before; `length` the datagram's, after reassembly `largestFragment` is what must fit the way out.
   */
  forward(
    packet: ParsedPacket,
    type: PacketType,
    ttl: number,
    inInterface: string,
    device: string,
    largestFragment?: number,
  ): StackDrop | undefined {
    if (type !== 'host') return drop('not-unicast-frame');
    if (packet.family === 'ipv4') return this.forwardIpv4(packet, ttl, device, largestFragment);
    if (ttl <= 1) return drop('ttl-exceeded', { type: 3, code: 0, info: 0 });
    if (inInterface !== device) {
      if (isZero(packet.source)) return drop('martian-source');
      if (isIpv6LinkLocal(packet.source)) return drop('link-local-source', { type: 1, code: 2, info: 0 });
    }
    const mtu = Math.max(1280, this.interfaces.mtu(device));
    if ((largestFragment ?? packet.length) > mtu) return drop('too-big', { type: 2, code: 0, info: mtu });
    return FORWARD_OK;
  }

  /** The way out of a packet of the host itself. */
  routeOutput(family: Family, source: AddressWords, destination: AddressWords, mark: number): OutputRoute {
    return this.output.route(family, source, destination, mark);
  }

  /** The way out of a packet that was to leave by `device`, after mangle OUTPUT changed its mark. */
  rerouteOutput({ family, source, destination }: ParsedPacket, mark: number, device: string): OutputRoute {
    return this.output.reroute(family, source, destination, mark, device);
  }

  /**
   * The way out of an answer from `source`; the unspecified one where the kernel is to choose. `device`: where an
   * answer to an IPv6 source of the link alone has to leave.
   */
  routeAnswer(family: Family, source: AddressWords, destination: AddressWords, device?: string): OutputRoute {
    return this.output.reroute(family, source, destination, 0, device);
  }

  /** Routes a packet that the host sends whole; one too long for the way out is refused (EMSGSIZE, net/ipv4/raw.c). */
  routeSent(packet: ParsedPacket): OutputRoute {
    const route = this.routeOutput(packet.family, packet.source, packet.destination, 0);
    if (route.kind === 'drop') return route;
    return packet.end - packet.l3Offset > this.interfaces.mtu(route.device) ? drop('too-big') : route;
  }

  /** Whether a packet sent by `route` also comes back as a copy: broadcasts, and multicasts to a joined group. */
  comesBack({ family, destination }: ParsedPacket, route: OutputRoute): boolean {
    if (route.kind !== 'output' || route.device === 'lo') return false;
    if (route.type === 'broadcast') return true;
    if (route.type !== 'multicast') return false;
    return family === 'ipv4'
      ? this.addresses.joinedIpv4(destination[0]!)
      : this.addresses.joinedIpv6(destination, route.device);
  }

  /** False for what loops through `lo` to a group that nobody joined there. */
  takesLooped({ family, destination }: ParsedPacket, device: string): boolean {
    if (family === 'ipv6' || device !== 'lo' || !isIpv4Multicast(destination[0]!)) return true;
    return this.addresses.joinedIpv4(destination[0]!);
  }

  private settings(name: string): InterfaceSettings {
    let found = this.settingsByName.get(name);
    if (found === undefined) {
      found = {
        rpFilter: interfaceSysctl(this.host, name, 'rp_filter'),
        acceptLocal: interfaceSysctl(this.host, name, 'accept_local'),
        routeLocalnet: interfaceSysctl(this.host, name, 'route_localnet'),
        sendRedirects: interfaceSysctl(this.host, name, 'send_redirects'),
      };
      this.settingsByName.set(name, found);
    }
    return found;
  }

  private routeInputIpv4(packet: ParsedPacket, inInterface: string, mark: number): InputRoute {
    const route = this.findInputIpv4(packet, inInterface, mark);
    if (route.kind === 'drop' || packet.l4Offset === packet.l3Offset + 20) return route;
    const fault = ipv4OptionsFault(packet);
    if (fault === undefined) return route;
    return fault === 'bad-options' ? drop(fault, { type: 12, code: 0, info: 0 }) : drop(fault);
  }

  private findInputIpv4(packet: ParsedPacket, inInterface: string, mark: number): InputRoute {
    const source = packet.source[0]!;
    const destination = packet.destination[0]!;
    if (isIpv4Multicast(destination)) return this.routeMulticastIpv4(packet, inInterface);
    if (isIpv4Multicast(source) || source === 0xffffffff) return drop('martian-source');
    if (destination === 0xffffffff || (source === 0 && destination === 0)) {
      return this.acceptBroadcast(packet, inInterface);
    }
    if (source === 0) return drop('martian-source');
    if (destination === 0) return drop('martian-destination');
    if (isIpv4Loopback(destination) || isIpv4Loopback(source)) {
      if (this.settings(inInterface).routeLocalnet === 0) {
        return drop(isIpv4Loopback(destination) ? 'martian-destination' : 'martian-source');
      }
    }
    const route = this.ipv4.lookup({
      destination: packet.destination,
      source: packet.source,
      mark,
      inInterface,
    });
    if (typeof route === 'string') return this.unreachableIpv4(route);
    if (route.type === 'broadcast' && !this.broadcastsForwarded) {
      return this.acceptBroadcast(packet, inInterface);
    }
    if (route.type === 'local') {
      if (!this.sourceValid(packet, inInterface, undefined)) return drop('martian-source');
      return { kind: 'local', type: 'local' };
    }
    if (!this.forwards.ipv4) return drop('host-unreachable');
    if ((route.type !== 'unicast' && route.type !== 'broadcast') || route.device === undefined) {
      return drop('martian-destination');
    }
    if (!this.sourceValid(packet, inInterface, route.device)) return drop('martian-source');
    return forwardTo(route, route.device);
  }

  private routeMulticastIpv4(packet: ParsedPacket, inInterface: string): InputRoute {
    const source = packet.source[0]!;
    if (!this.addresses.joinedIpv4(packet.destination[0]!)) return drop('multicast-not-joined');
    if (isIpv4Multicast(source) || source === 0xffffffff) return drop('martian-source');
    if (isIpv4Loopback(source) && this.settings(inInterface).routeLocalnet === 0) {
      return drop('martian-source');
    }
    if (source === 0) {
      const linkLocal = packet.destination[0]! >>> 8 === 0xe00000;
      if (!linkLocal && packet.protocol !== 2) return drop('martian-source');
    } else if (!this.sourceValid(packet, inInterface, undefined)) {
      return drop('martian-source');
    }
    return { kind: 'local', type: 'multicast' };
  }

  private acceptBroadcast(packet: ParsedPacket, inInterface: string): InputRoute {
    if (packet.source[0] !== 0 && !this.sourceValid(packet, inInterface, undefined)) {
      return drop('martian-source');
    }
    return { kind: 'local', type: 'broadcast' };
  }

  private unreachableIpv4(error: RouteError): StackDrop {
    if (!this.forwards.ipv4 || error === 'blackhole') return drop(error);
    const code = { 'net-unreachable': 0, 'host-unreachable': 1, prohibited: 13 }[error];
    return drop(error, { type: 3, code, info: 0 });
  }

  /** fib_validate_source: no own source address from the wire; the reverse path where rp_filter asks for it. */
  private sourceValid(packet: ParsedPacket, inInterface: string, device: string | undefined): boolean {
    const { rpFilter: filter, acceptLocal: acceptance, sendRedirects } = this.settings(inInterface);
    const acceptLocal = acceptance !== 0;
    const sameInterface = device === inInterface && sendRedirects !== 0;
    if (filter === 0 && !sameInterface) {
      if (acceptLocal) return true;
      if (!this.ipv4.hasCustomRules) return !this.addresses.isOwnIpv4(packet.source[0]!);
    }
    const route = this.ipv4.lookup({
      destination: packet.source,
      source: packet.destination,
      mark: 0,
      inInterface: device ?? 'lo',
    });
    if (typeof route === 'string') return filter === 0;
    if (route.type !== 'unicast' && (route.type !== 'local' || !acceptLocal)) return false;
    return route.device === inInterface || filter !== 1;
  }

  private forwardIpv4(
    packet: ParsedPacket,
    ttl: number,
    device: string,
    largestFragment: number | undefined,
  ): StackDrop | undefined {
    if (ttl <= 1) return drop('ttl-exceeded', { type: 11, code: 0, info: 0 });
    const mtu = this.interfaces.mtu(device);
    const dontFragment = (packet.frame[packet.l3Offset + 6]! & 0x40) !== 0;
    if (dontFragment && (largestFragment ?? packet.length) > mtu) {
      return drop('too-big', { type: 3, code: 4, info: mtu });
    }
    return FORWARD_OK;
  }

  private routeInputIpv6(packet: ParsedPacket, inInterface: string, mark: number): InputRoute {
    const { destination, source } = packet;
    if (destination[0]! >>> 24 === 0xff) {
      return this.addresses.joinedIpv6(destination, inInterface)
        ? { kind: 'local', type: 'multicast' }
        : drop('multicast-not-joined');
    }
    const strict = isIpv6LinkLocal(destination);
    const route = this.ipv6.lookup(
      { destination, source, mark, inInterface },
      strict ? (each) => each.device === undefined || each.device === inInterface : undefined,
    );
    if (typeof route === 'string') {
      if (route === 'blackhole') return drop(route);
      return drop(route, { type: 1, code: route === 'prohibited' ? 1 : 0, info: 0 });
    }
    if (route.type === 'local' || route.type === 'anycast') return { kind: 'local', type: route.type };
    if (!this.forwards.ipv6) return drop('forwarding-off');
    if (route.device === undefined) return drop('net-unreachable', { type: 1, code: 0, info: 0 });
    return forwardTo(route, route.device);
  }
}

function forwardTo(route: Route, device: string): InputRoute {
  return route.gateway === undefined
    ? { kind: 'forward', device }
    : { kind: 'forward', device, gateway: route.gateway };
}
