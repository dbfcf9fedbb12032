// SPDX-License-Identifier: Apache-2.0
// Moves any capture into a host's networks: addresses of both ends, quoted headers of ICMP errors, and MAC
// addresses. Checksums are updated for what changed (RFC 1624), so a right one stays right, a wrong one wrong,
// and packets cut by the capture need no payload. Tunnels are moved by their outer header only.
import type { Host } from '../host/host.js';
import type { AddressWords } from '../net/address.js';
import type { Family } from '../net/family.js';
import { AddressZones, isKept, type Peers, type Zone } from './address-zones.js';
import { macBytes } from './build.js';
import { load16, store16, store32 } from './bytes.js';
import { onesComplementSum, updatedChecksum } from './checksum.js';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, parseEthernet } from './ethernet.js';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP, ParsedPacket } from './parse.js';

export interface RewrittenFrame {
  /** A copy. */
  readonly frame: Uint8Array;
  /** Where it now comes from: an interface of the host, or `local`. */
  readonly interface: string;
}

/** Protocols whose checksum covers the addresses, and where in their header it is. */
const CHECKSUM_OFFSETS: ReadonlyMap<number, number> = new Map([
  [IPPROTO_TCP, 16],
  [IPPROTO_UDP, 6],
  [33, 6], // DCCP
  [136, 6], // UDP-Lite
  [IPPROTO_ICMPV6, 2],
]);
const ROUTING_HEADER = 43;
const ICMP_ERROR_TYPES: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);

/** What the two addresses of a header become. */
interface Placement {
  readonly source: AddressWords;
  readonly destination: AddressWords;
  readonly from: Zone;
  readonly to: Zone;
}

export class Rewriter {
  private readonly zones: AddressZones;
  private readonly macs: ReadonlyMap<string, Uint8Array>;
  private readonly uplink: string;

  constructor(host: Host, peers?: Peers) {
    this.zones = new AddressZones(host, peers);
    this.macs = new Map(
      host.interfaces.flatMap(({ name, mac }) => (mac === undefined ? [] : [[name, macBytes(mac)]])),
    );
    this.uplink = this.zones.device('outside', 'ipv4');
  }

  rewrite(original: Uint8Array): RewrittenFrame {
    const frame = original.slice();
    const link = parseEthernet(frame);
    const family =
      link?.etherType === ETHERTYPE_IPV4 ? 'ipv4' : link?.etherType === ETHERTYPE_IPV6 ? 'ipv6' : undefined;
    const packet =
      family === undefined ? undefined : readPacket(frame, link!.payloadOffset, frame.length, family);
    const ingress = packet === undefined ? this.uplink : this.rewritePacket(frame, packet);
    const mac = this.macs.get(ingress);
    if (mac !== undefined && frame.length >= 6 && (frame[0]! & 1) === 0) frame.set(mac, 0);
    return { frame, interface: ingress };
  }

  /** The name of the interface it now comes from. */
  private rewritePacket(frame: Uint8Array, packet: ParsedPacket): string {
    const { family } = packet;
    const quoted = quotedPacket(frame, packet);
    const inner = quoted && this.place(quoted);
    const placed = (inner && this.placeError(packet, quoted, inner)) ?? this.place(packet);
    const icmpEnd = packet.end;
    const before = onesComplementSum(frame, packet.l4Offset, icmpEnd);
    if (inner !== undefined) writeAddresses(frame, quoted!, inner);
    const after = onesComplementSum(frame, packet.l4Offset, icmpEnd);
    if (before !== after) updateAt(frame, packet.l4Offset + 2, before, after);
    writeAddresses(frame, packet, placed);
    return this.zones.device(placed.from, family);
  }

  private place({ source, destination, family }: ParsedPacket): Placement {
    const [from, to] = this.zones.pair(source, destination, family);
    return {
      source: isKept(source) ? source : this.zones.place(source, from, family),
      destination: isKept(destination) ? destination : this.zones.place(destination, to, family),
      // Whoever sends without an address of his own is a neighbour on the uplink.
      from: isKept(source) ? 'outside' : from,
      to,
    };
  }

  /** An error goes back to the sender of what it quotes, from the side that packet went to. */
  private placeError(error: ParsedPacket, quoted: ParsedPacket, inner: Placement): Placement | undefined {
    if (!sameAddress(error.destination, quoted.source)) return undefined;
    const isEnd = sameAddress(error.source, quoted.destination);
    return {
      source:
        isEnd || isKept(error.source)
          ? isEnd
            ? inner.destination
            : error.source
          : this.zones.place(error.source, inner.to, error.family),
      destination: inner.source,
      from: inner.to,
      to: inner.from,
    };
  }
}

/** Undefined where not even the fixed header is there, or the version is another. */
function readPacket(frame: Uint8Array, at: number, end: number, family: Family): ParsedPacket | undefined {
  const [version, bytes] = family === 'ipv4' ? [4, 20] : [6, 40];
  if (at + bytes > end || frame[at]! >>> 4 !== version) return undefined;
  return new ParsedPacket(frame, family, at, end);
}

/** The packet that an ICMP error is about. */
function quotedPacket(frame: Uint8Array, packet: ParsedPacket): ParsedPacket | undefined {
  const { l4Offset: at, protocol, fragmentOffset, family } = packet;
  if (fragmentOffset > 0 || at + 8 > packet.end) return undefined;
  const isError =
    family === 'ipv4'
      ? protocol === IPPROTO_ICMP && ICMP_ERROR_TYPES.has(frame[at]!)
      : protocol === IPPROTO_ICMPV6 && frame[at]! < 128;
  return isError ? readPacket(frame, at + 8, packet.end, family) : undefined;
}

function writeAddresses(frame: Uint8Array, packet: ParsedPacket, placed: Placement): void {
  const { l3Offset: at, family, l4Offset, protocol, fragmentOffset } = packet;
  const [sourceAt, destinationAt, end] =
    family === 'ipv4' ? [at + 12, at + 16, at + 20] : [at + 8, at + 24, at + 40];
  const covered = destinationInChecksum(frame, packet) ? end : destinationAt;
  const before = {
    all: onesComplementSum(frame, sourceAt, end),
    covered: onesComplementSum(frame, sourceAt, covered),
  };
  for (const [i, word] of placed.source.entries()) store32(frame, sourceAt + 4 * i, word);
  for (const [i, word] of placed.destination.entries()) store32(frame, destinationAt + 4 * i, word);
  if (family === 'ipv4') updateAt(frame, at + 10, before.all, onesComplementSum(frame, sourceAt, end));
  const offset = CHECKSUM_OFFSETS.get(protocol);
  if (offset === undefined || fragmentOffset > 0 || l4Offset + offset + 2 > packet.end) return;
  const isUdp = protocol === IPPROTO_UDP;
  // Left out by the sender (RFC 768).
  if (isUdp && load16(frame, l4Offset + offset) === 0) return;
  updateAt(frame, l4Offset + offset, before.covered, onesComplementSum(frame, sourceAt, covered));
  if (isUdp && load16(frame, l4Offset + offset) === 0) store16(frame, l4Offset + offset, 0xffff);
}

/** Under a routing header with segments left the checksum covers the last hop's address instead (RFC 8200 section 8.1). */
function destinationInChecksum(frame: Uint8Array, { family, l3Offset, l4Offset }: ParsedPacket): boolean {
  if (family === 'ipv4') return true;
  let next = frame[l3Offset + 6]!;
  for (let at = l3Offset + 40; at + 8 <= l4Offset;) {
    if (next === ROUTING_HEADER) return frame[at + 3] === 0;
    next = frame[at]!;
    at += (frame[at + 1]! + 1) * 8;
  }
  return true;
}

function updateAt(frame: Uint8Array, at: number, before: number, after: number): void {
  store16(frame, at, updatedChecksum(load16(frame, at), before, after));
}

function sameAddress(a: AddressWords, b: AddressWords): boolean {
  return a.every((word, i) => word === b[i]);
}
