// SPDX-License-Identifier: Apache-2.0
// When the host answers a packet with an error, and with which: net/ipv4/icmp.c __icmp_send, net/ipv6/icmp.c
// icmp6_send, nf_reject_ipv4.c and nf_reject_ipv6.c nf_send_reset. Rate limits on answers are left out.
import type { PacketType } from '../packet/ethernet.js';
import { buildIcmpError, buildTcpReset, type IcmpErrorFields } from '../packet/answer.js';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, type ParsedPacket } from '../packet/parse.js';
import { transportChecksumValid, udpChecksumAbsent } from '../packet/transport-checksum.js';
import { isIpv6LinkLocal, isZero } from './addresses.js';
import type { OutputRoute } from './output-routing.js';
import type { Stack } from './stack.js';
import { sysctl } from './sysctls.js';

/** How the packet to answer was routed. */
export type AnswerRoute = 'local' | 'forward' | 'output' | 'broadcast' | 'multicast';

export interface Cause {
  readonly packet: ParsedPacket;
  readonly packetType: PacketType;
  readonly route: AnswerRoute;
  /** Where the packet came in, or shall go out: a link-local source is answered there or not at all. */
  readonly device: string;
}

export interface Answer {
  readonly packet: ParsedPacket;
  readonly route: Extract<OutputRoute, { readonly kind: 'output' }>;
}

const HIGHEST_ICMP_TYPE = 18;
const ICMP_ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);

const UNSPECIFIED = { ipv4: [0], ipv6: [0, 0, 0, 0] } as const;

/** The error that tells the packet's source; undefined where none may be sent. */
export function answerWithIcmp(stack: Stack, cause: Cause, error: IcmpErrorFields): Answer | undefined {
  const { packet } = cause;
  if (packet.family === 'ipv4' ? !mayAnswerIpv4(cause) : !mayAnswerIpv6(stack, cause, error.type))
    return undefined;
  // What the host sent to itself is answered from where it went, as what arrived is (RTCF_LOCAL).
  const isOwn = cause.route === 'local' || (cause.route === 'output' && isForHost(stack, packet));
  const from = isOwn && !isZero(packet.destination) ? packet.destination : undefined;
  const isOfLink = packet.family === 'ipv6' && isIpv6LinkLocal(packet.source);
  const device = isOfLink ? deviceOf(stack, cause) : undefined;
  const route = stack.routeAnswer(packet.family, from ?? UNSPECIFIED[packet.family], packet.source, device);
  if (route.kind !== 'output') return undefined;
  const source = from ?? stack.addresses.sourceFor(packet.family, route.device, packet.source);
  if (source === undefined) return undefined;
  const ttl = sysctl(stack.host, packet.family === 'ipv4' ? 'ip_default_ttl' : 'ipv6_hop_limit');
  return { packet: buildIcmpError(packet, error, source, ttl), route };
}

/** The RST of `--reject-with tcp-reset`; undefined for what gets none: a RST, a later fragment, a broadcast. */
export function answerWithReset(stack: Stack, cause: Cause): Answer | undefined {
  const { packet } = cause;
  if (packet.protocol !== IPPROTO_TCP || packet.fragmentOffset !== 0) return undefined;
  if (packet.l4Offset + 20 > packet.end || (packet.frame[packet.l4Offset + 13]! & 0x04) !== 0)
    return undefined;
  if (packet.family === 'ipv4') {
    if (cause.route === 'broadcast' || cause.route === 'multicast') return undefined;
  } else if (!isIpv6Unicast(packet.source) || !isIpv6Unicast(packet.destination)) {
    return undefined;
  }
  const route = stack.routeAnswer(packet.family, packet.destination, packet.source);
  if (route.kind !== 'output') return undefined;
  const ttl = sysctl(stack.host, packet.family === 'ipv4' ? 'ip_default_ttl' : 'ipv6_hop_limit');
  return { packet: buildTcpReset(packet, ttl), route };
}

/** Of what loops through `lo`, the device that has the address it is for (net/ipv6/icmp.c icmp6_dev). */
function deviceOf(stack: Stack, { packet, device }: Cause): string {
  return device === 'lo' ? (stack.addresses.deviceOfIpv6(packet.destination) ?? device) : device;
}

/** REJECT answers no packet whose upper-layer checksum is wrong (nf_reject_verify_csum). */
export function rejectChecksumValid(packet: ParsedPacket): boolean {
  const unread = packet.protocolUnreadable || packet.fragmentOffset !== 0;
  if (packet.family === 'ipv6' && (unread || packet.l4Offset >= packet.end)) return false;
  switch (packet.protocol) {
    case 17:
      return udpChecksumAbsent(packet) || transportChecksumValid(packet);
    case 47: // GRE
    case 50: // ESP
    case 51: // AH
    case 132: // SCTP
    case 136: // UDP-Lite
      return true;
    default:
      return transportChecksumValid(packet);
  }
}

function isForHost(stack: Stack, { family, source, destination }: ParsedPacket): boolean {
  const route = stack.routeOutput(family, source, destination, 0);
  return route.kind === 'output' && route.type === 'local';
}

function mayAnswerIpv4({ packet, packetType, route }: Cause): boolean {
  if (packetType !== 'host' || route === 'broadcast' || route === 'multicast') return false;
  if (packet.fragmentOffset !== 0) return false;
  if (packet.protocol !== IPPROTO_ICMP) return true;
  if (packet.l4Offset >= packet.end) return false;
  const type = packet.frame[packet.l4Offset]!;
  return type <= HIGHEST_ICMP_TYPE && !ICMP_ERRORS.has(type);
}

const PACKET_TOO_BIG = 2;

function mayAnswerIpv6(stack: Stack, { packet, packetType }: Cause, errorType: number): boolean {
  const isMulticast = packet.destination[0]! >>> 24 === 0xff;
  if ((isMulticast || packetType !== 'host') && errorType !== PACKET_TOO_BIG) return false;
  if (isZero(packet.source) || packet.source[0]! >>> 24 === 0xff) return false;
  if (stack.addresses.ipv6Lookup(packet.source, undefined).anycast) return false;
  if (packet.protocol !== IPPROTO_ICMPV6) return true;
  if (packet.l4Offset >= packet.end) return packet.isFragment;
  return (packet.frame[packet.l4Offset]! & 0x80) !== 0;
}

function isIpv6Unicast(address: readonly number[]): boolean {
  if (address[0]! >>> 24 === 0xff || isZero(address)) return false;
  return !(address[0] === 0 && address[1] === 0 && address[2] === 0xffff);
}
