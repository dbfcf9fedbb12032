// SPDX-License-Identifier: Apache-2.0
// Packets put together from layers, outermost first: lengths, next-header numbers and checksums are filled in
// unless given, so that a test can say `{ checksum: 'wrong' }` and get exactly that.
// RFC 791, 793, 768, 792, 8200, 4443; IEEE 802.1Q.
import { parseAddress } from '../net/address.js';
import type { Family } from '../net/family.js';
import { store16, store32 } from './bytes.js';
import { checksumOf, onesComplementSum } from './checksum.js';
import {
  TCP_FLAGS,
  type ChecksumChoice,
  type EthernetLayer,
  type ExtensionLayer,
  type Fragment6Layer,
  type IcmpLayer,
  type Ipv4Layer,
  type Ipv6Layer,
  type Layer,
  type TcpLayer,
  type UdpLayer,
} from './layers.js';

const PROTOCOL_NUMBERS: Partial<Readonly<Record<Layer['kind'], number>>> = {
  'hop-by-hop': 0,
  icmp: 1,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  icmp6: 58,
  'destination-options': 60,
};
const NO_NEXT_HEADER = 59;
/** Of IANA's "use for experimentation" (RFC 3692): what bytes without a protocol are. */
const EXPERIMENTAL = 253;

/** Addresses that the checksums of the layers above cover. */
interface PseudoHeader {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

/** The bytes of a packet, from the first layer given. Throws a RangeError on an address that is none. */
export function buildPacket(...layers: readonly Layer[]): Uint8Array {
  return buildFrom(layers, 0, undefined);
}

function buildFrom(layers: readonly Layer[], at: number, pseudo: PseudoHeader | undefined): Uint8Array {
  const layer = layers[at];
  if (layer === undefined) return new Uint8Array(0);
  const inner = buildFrom(layers, at + 1, pseudoHeader(layer, pseudo));
  const next = layers[at + 1];
  switch (layer.kind) {
    case 'ethernet':
      return ethernet(layer, next, inner);
    case 'vlan':
      return concat(words16(layer.id & 0xfff, layer.etherType ?? etherTypeOf(next)), inner);
    case 'ipv4':
      return ipv4(layer, next, inner);
    case 'ipv6':
      return ipv6(layer, next, inner);
    case 'hop-by-hop':
    case 'destination-options':
    case 'routing':
      return extension(layer, next, inner);
    case 'fragment':
      return fragment6(layer, next, inner);
    case 'tcp':
      return tcp(layer, inner, pseudo);
    case 'udp':
      return udp(layer, inner, pseudo);
    case 'icmp':
    case 'icmp6':
      return icmp(layer, inner, pseudo);
    case 'payload':
      return concat(layer.data, inner);
  }
}

function pseudoHeader(layer: Layer, outer: PseudoHeader | undefined): PseudoHeader | undefined {
  if (layer.kind !== 'ipv4' && layer.kind !== 'ipv6') return outer;
  return {
    source: addressBytes(layer.source, layer.kind),
    destination: addressBytes(layer.destination, layer.kind),
  };
}

function ethernet(layer: EthernetLayer, next: Layer | undefined, inner: Uint8Array): Uint8Array {
  const header = new Uint8Array(14);
  header.set(macBytes(layer.destination ?? '02:00:00:00:00:10'), 0);
  header.set(macBytes(layer.source ?? '02:00:00:00:00:01'), 6);
  store16(header, 12, layer.etherType ?? etherTypeOf(next));
  return concat(header, inner);
}

function etherTypeOf(layer: Layer | undefined): number {
  switch (layer?.kind) {
    case 'ipv4':
      return 0x0800;
    case 'ipv6':
      return 0x86dd;
    case 'vlan':
      return layer.tagType ?? 0x8100;
    default:
      // Local experimental EtherType 1 (IEEE 802).
      return 0x88b5;
  }
}

function protocolOf(layer: Layer | undefined, none: number): number {
  if (layer === undefined) return none;
  if (layer.kind === 'payload') return layer.protocol ?? EXPERIMENTAL;
  return PROTOCOL_NUMBERS[layer.kind] ?? EXPERIMENTAL;
}

function ipv4(layer: Ipv4Layer, next: Layer | undefined, inner: Uint8Array): Uint8Array {
  const options = padded(layer.options ?? [], 4);
  const header = new Uint8Array(20 + options.length);
  header[0] = ((layer.version ?? 4) << 4) | (layer.headerLength ?? header.length / 4);
  header[1] = layer.tos ?? 0;
  store16(header, 2, layer.totalLength ?? header.length + inner.length);
  store16(header, 4, layer.id ?? 0);
  const flags = (layer.dontFragment === true ? 0x4000 : 0) | (layer.moreFragments === true ? 0x2000 : 0);
  store16(header, 6, flags | ((layer.fragmentOffset ?? 0) >>> 3));
  header[8] = layer.ttl ?? 64;
  header[9] = layer.protocol ?? protocolOf(next, EXPERIMENTAL);
  header.set(addressBytes(layer.source, 'ipv4'), 12);
  header.set(addressBytes(layer.destination, 'ipv4'), 16);
  header.set(options, 20);
  store16(header, 10, chosen(layer.checksum, checksumOf(onesComplementSum(header, 0, header.length))));
  return concat(header, inner);
}

function ipv6(layer: Ipv6Layer, next: Layer | undefined, inner: Uint8Array): Uint8Array {
  const header = new Uint8Array(40);
  const trafficClass = layer.trafficClass ?? 0;
  store32(header, 0, ((layer.version ?? 6) << 28) | (trafficClass << 20) | (layer.flowLabel ?? 0));
  store16(header, 4, layer.payloadLength ?? inner.length);
  header[6] = layer.nextHeader ?? protocolOf(next, NO_NEXT_HEADER);
  header[7] = layer.hopLimit ?? 64;
  header.set(addressBytes(layer.source, 'ipv6'), 8);
  header.set(addressBytes(layer.destination, 'ipv6'), 24);
  return concat(header, inner);
}

function extension(layer: ExtensionLayer, next: Layer | undefined, inner: Uint8Array): Uint8Array {
  const data = Array.from(layer.data ?? []);
  const missing = (8 - ((data.length + 2) % 8)) % 8;
  const isOptions = layer.kind !== 'routing';
  if (isOptions && missing === 1) data.push(0);
  else if (isOptions && missing > 1) data.push(1, missing - 2, ...new Array<number>(missing - 2).fill(0));
  else data.push(...new Array<number>(missing).fill(0));
  const header = Uint8Array.from([
    layer.nextHeader ?? protocolOf(next, NO_NEXT_HEADER),
    layer.length ?? (data.length + 2) / 8 - 1,
    ...data,
  ]);
  return concat(header, inner);
}

function fragment6(layer: Fragment6Layer, next: Layer | undefined, inner: Uint8Array): Uint8Array {
  const header = new Uint8Array(8);
  header[0] = layer.nextHeader ?? protocolOf(next, NO_NEXT_HEADER);
  store16(header, 2, ((layer.offset ?? 0) & 0xfff8) | (layer.more === true ? 1 : 0));
  store32(header, 4, layer.id ?? 0);
  return concat(header, inner);
}

function tcp(layer: TcpLayer, inner: Uint8Array, pseudo: PseudoHeader | undefined): Uint8Array {
  const options = padded(layer.options ?? [], 4);
  const segment = concat(new Uint8Array(20), options, inner);
  store16(segment, 0, layer.sourcePort);
  store16(segment, 2, layer.destinationPort);
  store32(segment, 4, layer.sequence ?? 0);
  store32(segment, 8, layer.acknowledgement ?? 0);
  segment[12] = (layer.dataOffset ?? 5 + options.length / 4) << 4;
  segment[13] = (layer.flags ?? []).reduce((bits, flag) => bits | (1 << TCP_FLAGS.indexOf(flag)), 0);
  store16(segment, 14, layer.window ?? 65535);
  store16(segment, 16, chosen(layer.checksum, transportChecksum(segment, 6, pseudo)));
  return segment;
}

function udp(layer: UdpLayer, inner: Uint8Array, pseudo: PseudoHeader | undefined): Uint8Array {
  const datagram = concat(new Uint8Array(8), inner);
  store16(datagram, 0, layer.sourcePort);
  store16(datagram, 2, layer.destinationPort);
  store16(datagram, 4, layer.length ?? datagram.length);
  // A computed 0 is sent as ffff: 0 means "none" (RFC 768).
  store16(datagram, 6, chosen(layer.checksum, transportChecksum(datagram, 17, pseudo) || 0xffff));
  return datagram;
}

function icmp(layer: IcmpLayer, inner: Uint8Array, pseudo: PseudoHeader | undefined): Uint8Array {
  const message = concat(new Uint8Array(8), inner);
  message[0] = layer.type;
  message[1] = layer.code ?? 0;
  store32(message, 4, layer.rest ?? 0);
  const right =
    layer.kind === 'icmp6'
      ? transportChecksum(message, 58, pseudo)
      : checksumOf(onesComplementSum(message, 0, message.length));
  store16(message, 2, chosen(layer.checksum, right));
  return message;
}

/** Checksum over pseudo header and segment, whose checksum field is still zero. */
function transportChecksum(segment: Uint8Array, protocol: number, pseudo: PseudoHeader | undefined): number {
  if (pseudo === undefined) return 0;
  let sum = onesComplementSum(pseudo.source, 0, pseudo.source.length, protocol + segment.length);
  sum = onesComplementSum(pseudo.destination, 0, pseudo.destination.length, sum);
  return checksumOf(onesComplementSum(segment, 0, segment.length, sum));
}

function chosen(choice: ChecksumChoice | undefined, right: number): number {
  if (choice === undefined || choice === 'right') return right;
  return choice === 'wrong' ? right ^ 1 : choice;
}

/** Six bytes of `02:00:00:00:00:01`. */
export function macBytes(text: string): Uint8Array {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)) throw new RangeError(`\`${text}\` is no MAC address`);
  return Uint8Array.from(text.split(':'), (octet) => parseInt(octet, 16));
}

function addressBytes(text: string, family: Family): Uint8Array {
  const words = parseAddress(text, family);
  if (words === undefined) throw new RangeError(`\`${text}\` is no ${family} address`);
  const bytes = new Uint8Array(words.length * 4);
  for (const [i, word] of words.entries()) store32(bytes, i * 4, word);
  return bytes;
}

function padded(values: ArrayLike<number>, to: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(values.length / to) * to);
  bytes.set(Array.from(values));
  return bytes;
}

function words16(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 2);
  for (const [i, value] of values.entries()) store16(bytes, i * 2, value);
  return bytes;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
