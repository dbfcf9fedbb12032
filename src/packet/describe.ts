// SPDX-License-Identifier: Apache-2.0
// A packet's headers in one line, for reports: as much as can be read, whatever is cut or damaged.
import { formatAddress } from '../net/address.js';
import { protocolName } from '../net/protocols.js';
import { load16, load32 } from './bytes.js';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, parseEthernet } from './ethernet.js';
import { TCP_FLAGS } from './layers.js';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP, ParsedPacket } from './parse.js';

const IPPROTO_SCTP = 132;
const IPPROTO_DCCP = 33;
const IPPROTO_UDPLITE = 136;
/** ICMP and ICMPv6 errors quote the packet they are about, from the ninth byte on. */
const ICMP_ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);
const ICMPV6_FIRST_INFORMATIONAL = 128;

export interface DescribedFrame {
  readonly frame: Uint8Array;
  /** On the wire; larger than the frame where the capture cut it. */
  readonly wireLength?: number;
}

/** `192.0.2.1:4000 > 203.0.113.2:22 tcp syn seq 1 win 65535 ttl 64 len 60`. */
export function describeFrame({ frame, wireLength = frame.length }: DescribedFrame): string {
  const words = describeLink(frame);
  if (frame.length < wireLength) words.push(`(${frame.length} of ${wireLength} bytes captured)`);
  return words.join(' ');
}

function describeLink(frame: Uint8Array): string[] {
  const link = parseEthernet(frame);
  if (link === undefined) return [`frame of ${frame.length} bytes, cut inside its link header`];
  const tags = link.vlans.map((id) => `vlan ${id}`);
  if (link.etherType === ETHERTYPE_IPV4 || link.etherType === ETHERTYPE_IPV6) {
    return [...tags, ...describeIp(frame, link.payloadOffset, link.etherType)];
  }
  const type =
    link.etherType === 0x0806
      ? 'arp'
      : link.etherType < 0x600
        ? '802.3 frame'
        : `ethertype 0x${link.etherType.toString(16).padStart(4, '0')}`;
  return [...tags, `${mac(frame, 6)} > ${mac(frame, 0)}`, type, `len ${frame.length}`];
}

function describeIp(frame: Uint8Array, at: number, etherType: number): string[] {
  const name = etherType === ETHERTYPE_IPV4 ? 'ipv4' : 'ipv6';
  const headerBytes = name === 'ipv4' ? 20 : 40;
  if (at + headerBytes > frame.length) return [`${name} header cut after ${frame.length - at} bytes`];
  const version = frame[at]! >>> 4;
  if (version !== (name === 'ipv4' ? 4 : 6)) return [`${name} frame with version ${version}`];
  const packet = new ParsedPacket(frame, name, at, frame.length);
  if (name === 'ipv4' && packet.l4Offset < at + 20) {
    return [`ipv4 header length of ${packet.l4Offset - at} bytes`];
  }
  const notes = [`ttl ${packet.ttl}`];
  if (packet.tos !== 0) notes.push(`tos 0x${packet.tos.toString(16).padStart(2, '0')}`);
  notes.push(`len ${packet.length}`);
  if (packet.isFragment) {
    const id =
      packet.family === 'ipv4'
        ? load16(frame, at + 4)
        : packet.fragmentHeader + 8 <= frame.length
          ? load32(frame, packet.fragmentHeader + 4)
          : 0;
    notes.push(`fragment ${id}@${packet.fragmentOffset}${packet.moreFragments ? '+' : ''}`);
  }
  return [...describeTransport(packet), ...notes];
}

function describeTransport(packet: ParsedPacket): string[] {
  const { frame, l4Offset: at, protocol } = packet;
  const source = formatAddress(packet.source);
  const destination = formatAddress(packet.destination);
  const name = protocol < 0 ? 'unreadable headers' : (protocolName(protocol) ?? `protocol ${protocol}`);
  const there = packet.end - at;
  if (packet.fragmentOffset > 0) return [source, '>', destination, name];
  if (HAS_PORTS.has(protocol) && there >= 4) {
    const ports = [load16(frame, at), load16(frame, at + 2)] as const;
    return [
      endpoint(packet, source, ports[0]),
      '>',
      endpoint(packet, destination, ports[1]),
      name,
      ...(protocol === IPPROTO_TCP ? describeTcp(frame, at, there) : []),
    ];
  }
  const words = [source, '>', destination, name];
  if ((protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6) && there >= 4) {
    words.push(...describeIcmp(packet, there));
  } else if (HAS_PORTS.has(protocol)) {
    words.push(`header cut after ${Math.max(0, there)} bytes`);
  }
  return words;
}

const HAS_PORTS: ReadonlySet<number> = new Set([
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_SCTP,
  IPPROTO_DCCP,
  IPPROTO_UDPLITE,
]);

function describeTcp(frame: Uint8Array, at: number, there: number): string[] {
  if (there < 20) return [`header cut after ${there} bytes`];
  const bits = frame[at + 13]!;
  const flags = TCP_FLAGS.filter((_, i) => (bits & (1 << i)) !== 0).join(',');
  const acknowledgement = (bits & 0x10) === 0 ? [] : [`ack ${load32(frame, at + 8)}`];
  return [
    flags === '' ? 'no flags' : flags,
    `seq ${load32(frame, at + 4)}`,
    ...acknowledgement,
    `win ${load16(frame, at + 14)}`,
  ];
}

function describeIcmp(packet: ParsedPacket, there: number): string[] {
  const { frame, l4Offset: at, family, protocol } = packet;
  const type = frame[at]!;
  const words = [`type ${type} code ${frame[at + 1]!}`];
  const isError = protocol === IPPROTO_ICMP ? ICMP_ERRORS.has(type) : type < ICMPV6_FIRST_INFORMATIONAL;
  const quoted = at + 8;
  if (isError && family === (protocol === IPPROTO_ICMP ? 'ipv4' : 'ipv6') && there > 8) {
    const etherType = family === 'ipv4' ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
    words.push(`about (${describeIp(frame, quoted, etherType).join(' ')})`);
  }
  return words;
}

function endpoint(packet: ParsedPacket, address: string, port: number): string {
  return packet.family === 'ipv4' ? `${address}:${port}` : `[${address}]:${port}`;
}

function mac(frame: Uint8Array, at: number): string {
  return Array.from(frame.subarray(at, at + 6), (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
