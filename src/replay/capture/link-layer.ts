// SPDX-License-Identifier: Apache-2.0
// From the link layer of a capture to the Ethernet frame the host's stack would see. Numbers and layouts:
// https://www.tcpdump.org/linktypes.html. Link layers without Ethernet addresses get made-up ones, which
// ingress.ts replaces (`addressed: false`).
import { readNflogPacket } from './nflog.js';
import type { CapturedPacket } from './captured-packet.js';

export type LinkResult =
  | {
      readonly kind: 'frame';
      readonly frame: Uint8Array;
      /** On the wire, had it been Ethernet. */
      readonly wireLength: number;
      /** False where the capture has no destination address: the frame then is for this host. */
      readonly addressed: boolean;
      readonly direction?: 'in' | 'out';
    }
  /** No IP hook sees it. */
  | { readonly kind: 'not-ip'; readonly reason: string }
  /** Holds or may hold IP, but can't be turned into a frame. */
  | { readonly kind: 'refused'; readonly reason: string };

const ETHERNET_HEADER_BYTES = 14;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;

/** Address families of BSD loopback headers: 2 is IPv4 everywhere, IPv6 differs by system. */
const LOOPBACK_FAMILIES: ReadonlyMap<number, number> = new Map([
  [2, IPV4],
  [10, IPV6],
  [24, IPV6],
  [28, IPV6],
  [30, IPV6],
]);

/** RFC 1661 protocol numbers. */
const PPP_PROTOCOLS: ReadonlyMap<number, number> = new Map([
  [0x0021, IPV4],
  [0x0057, IPV6],
]);

/** Packet types of a cooked header (include/uapi/linux/if_packet.h). */
const PACKET_BROADCAST = 1;
const PACKET_MULTICAST = 2;
const PACKET_OUTGOING = 4;

interface LinkLayer {
  readonly name: string;
  readonly convert: (packet: CapturedPacket) => LinkResult;
}

const LINK_LAYERS: ReadonlyMap<number, LinkLayer> = new Map<number, LinkLayer>([
  [0, { name: 'NULL', convert: fromLoopback }],
  [1, { name: 'ETHERNET', convert: fromEthernet }],
  [9, { name: 'PPP', convert: (packet) => fromPpp(packet, 0) }],
  [12, { name: 'RAW', convert: (packet) => fromRaw(packet) }],
  [14, { name: 'RAW', convert: (packet) => fromRaw(packet) }],
  [50, { name: 'PPP_HDLC', convert: (packet) => fromPpp(packet, 0) }],
  [101, { name: 'RAW', convert: (packet) => fromRaw(packet) }],
  [104, { name: 'C_HDLC', convert: fromCiscoHdlc }],
  [108, { name: 'LOOP', convert: fromLoopback }],
  [113, { name: 'LINUX_SLL', convert: fromSll }],
  [166, { name: 'PPP_PPPD', convert: fromPppd }],
  [228, { name: 'IPV4', convert: (packet) => fromRaw(packet, IPV4) }],
  [229, { name: 'IPV6', convert: (packet) => fromRaw(packet, IPV6) }],
  [239, { name: 'NFLOG', convert: fromNflog }],
  [276, { name: 'LINUX_SLL2', convert: fromSll2 }],
]);

/** `ETHERNET`, or `link type 147` for one that isn't read. */
export function linkTypeName(linkType: number): string {
  return LINK_LAYERS.get(linkType)?.name ?? `link type ${linkType}`;
}

/** The frame the stack would be given, or why there is none. */
export function toEthernetFrame(packet: CapturedPacket): LinkResult {
  const layer = LINK_LAYERS.get(packet.linkType);
  if (layer === undefined) {
    return { kind: 'refused', reason: `link type ${packet.linkType} of the capture isn't read` };
  }
  return layer.convert(packet);
}

function fromEthernet(packet: CapturedPacket): LinkResult {
  const { data, wireLength, direction } = packet;
  return { kind: 'frame', frame: data, wireLength, addressed: true, ...(direction && { direction }) };
}

/** By the version nibble, unless the link type says the family; the stack checks the rest. */
function fromRaw(packet: CapturedPacket, etherType?: number): LinkResult {
  const version = (packet.data[0] ?? 0) >>> 4;
  const type = etherType ?? (version === 4 ? IPV4 : version === 6 ? IPV6 : undefined);
  if (type === undefined) return { kind: 'not-ip', reason: `a raw IP packet of version ${version}` };
  return framed(packet, 0, type);
}

/** Four bytes of address family, in the byte order of the writer (NULL) or of the network (LOOP). */
function fromLoopback(packet: CapturedPacket): LinkResult {
  if (packet.data.length < 4) return tooShort('loopback', 4);
  const view = viewOf(packet.data);
  const family = view.getUint32(0, true);
  const swapped = view.getUint32(0, false);
  const type = LOOPBACK_FAMILIES.get(family) ?? LOOPBACK_FAMILIES.get(swapped);
  if (type === undefined) {
    return { kind: 'not-ip', reason: `loopback address family ${Math.min(family, swapped)}` };
  }
  return framed(packet, 4, type);
}

/** RFC 1662: `ff 03` may be left out, a protocol below 256 may be one byte (its low bit is set). */
function fromPpp(packet: CapturedPacket, start: number): LinkResult {
  const { data } = packet;
  let at = start;
  if (data[at] === 0xff && data[at + 1] === 0x03) at += 2;
  const first = data[at];
  const second = data[at + 1];
  if (first === undefined || ((first & 1) === 0 && second === undefined)) return tooShort('PPP', at + 2);
  const oneByte = (first & 1) === 1;
  const protocol = oneByte ? first : first * 256 + second!;
  const type = PPP_PROTOCOLS.get(protocol);
  if (type === undefined) {
    return { kind: 'not-ip', reason: `PPP protocol 0x${protocol.toString(16).padStart(4, '0')}` };
  }
  return framed(packet, at + (oneByte ? 1 : 2), type);
}

/** pppd's log: a direction byte (0 received, 1 sent) stands before the PPP header. */
function fromPppd(packet: CapturedPacket): LinkResult {
  const result = fromPpp(packet, 1);
  if (result.kind !== 'frame') return result;
  return { ...result, direction: packet.data[0] === 0 ? 'in' : 'out' };
}

/** Address, control, Ethernet type (RFC 1547 section 4.3.1). */
function fromCiscoHdlc(packet: CapturedPacket): LinkResult {
  if (packet.data.length < 4) return tooShort('Cisco HDLC', 4);
  return framed(packet, 4, viewOf(packet.data).getUint16(2));
}

/** Linux cooked capture: what a capture on `any` has. */
function fromSll(packet: CapturedPacket): LinkResult {
  if (packet.data.length < 16) return tooShort('cooked', 16);
  const view = viewOf(packet.data);
  return cooked(packet, 16, {
    packetType: view.getUint16(0),
    addressLength: view.getUint16(4),
    addressAt: 6,
    protocol: view.getUint16(14),
  });
}

function fromSll2(packet: CapturedPacket): LinkResult {
  if (packet.data.length < 20) return tooShort('cooked', 20);
  const view = viewOf(packet.data);
  return cooked(packet, 20, {
    packetType: packet.data[10]!,
    addressLength: packet.data[11]!,
    addressAt: 12,
    protocol: view.getUint16(0),
  });
}

interface CookedHeader {
  readonly packetType: number;
  readonly addressLength: number;
  readonly addressAt: number;
  /** Ethernet type; below 1536 a Linux ETH_P_ number of something that is no Ethernet II frame. */
  readonly protocol: number;
}

function cooked(packet: CapturedPacket, headerBytes: number, header: CookedHeader): LinkResult {
  if (header.protocol < 0x600) {
    return { kind: 'not-ip', reason: `cooked protocol 0x${header.protocol.toString(16).padStart(4, '0')}` };
  }
  const result = framed(packet, headerBytes, header.protocol);
  if (result.kind !== 'frame') return result;
  if (header.addressLength === 6) {
    result.frame.set(packet.data.subarray(header.addressAt, header.addressAt + 6), 6);
  }
  if (header.packetType === PACKET_BROADCAST) result.frame.fill(0xff, 0, 6);
  if (header.packetType === PACKET_MULTICAST) result.frame.set(MULTICAST_MAC, 0);
  return {
    ...result,
    addressed: header.packetType === PACKET_BROADCAST || header.packetType === PACKET_MULTICAST,
    direction: header.packetType === PACKET_OUTGOING ? 'out' : 'in',
  };
}

function fromNflog(packet: CapturedPacket): LinkResult {
  const logged = readNflogPacket(packet.data, packet.littleEndian);
  if (typeof logged === 'string') return { kind: 'refused', reason: logged };
  if (logged.family !== 2 && logged.family !== 10) {
    return { kind: 'not-ip', reason: `NFLOG address family ${logged.family}` };
  }
  const result = framed(packet, logged.payloadAt, logged.family === 2 ? IPV4 : IPV6);
  if (result.kind !== 'frame') return result;
  // A log's payload is the packet as far as it was copied: the network header says how long it was.
  const frame = result.frame.slice(0, ETHERNET_HEADER_BYTES + logged.payloadLength);
  return { ...result, frame, wireLength: frame.length };
}

/** Some multicast address: which one a cooked header doesn't say, and no rule asks for it. */
const MULTICAST_MAC = [0x01, 0x00, 0x5e, 0x00, 0x00, 0x00];

/** The source of frames whose link layer has none: locally administered. */
const NO_SOURCE_MAC = [0x02, 0x00, 0x00, 0xff, 0xff, 0xfe];

/** The bytes from `at` on behind an Ethernet header whose destination is left zero. */
function framed(packet: CapturedPacket, at: number, etherType: number): LinkResult {
  const payload = packet.data.subarray(at);
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + payload.length);
  frame.set(NO_SOURCE_MAC, 6);
  frame[12] = etherType >>> 8;
  frame[13] = etherType & 0xff;
  frame.set(payload, ETHERNET_HEADER_BYTES);
  return {
    kind: 'frame',
    frame,
    wireLength: packet.wireLength - at + ETHERNET_HEADER_BYTES,
    addressed: false,
    ...(packet.direction && { direction: packet.direction }),
  };
}

function tooShort(what: string, bytes: number): LinkResult {
  return { kind: 'refused', reason: `shorter than its ${what} header of ${bytes} bytes` };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
