// SPDX-License-Identifier: Apache-2.0
// Where foreign addresses go when a capture is moved into a host's networks: the host itself, beyond its default
// route, or one of its other networks. Deterministic: the same pair of addresses always gets the same places.
import type { Host } from '../host/host.js';
import { parsePrefix } from '../host/prefix.js';
import type { AddressWords } from '../net/address.js';
import { parseAddress } from '../net/address.js';
import type { Family } from '../net/family.js';

export const ZONES = ['own', 'outside', 'inside'] as const;
export type Zone = (typeof ZONES)[number];

/** Addresses to draw from, so that rules about known peers are met; benchmark networks (RFC 2544) without. */
export type Peers = Partial<Readonly<Record<Family, readonly AddressWords[]>>>;

interface Network {
  readonly device: string;
  readonly own: AddressWords;
  readonly bits: number;
}

/** Which two zones the ends of a conversation get; the first is the smaller address's. */
const PAIRS: readonly (readonly [Zone, Zone])[] = [
  ['outside', 'own'],
  ['own', 'outside'],
  ['outside', 'inside'],
  ['inside', 'outside'],
  ['inside', 'own'],
  ['own', 'inside'],
];

export class AddressZones {
  private readonly uplink: string;
  private readonly networks: Readonly<Record<Family, readonly Network[]>>;

  constructor(
    host: Host,
    private readonly peers: Peers = {},
  ) {
    const defaults = host.routes.find(({ destination }) =>
      /^(default|0\.0\.0\.0\/0|::\/0)$/.test(destination),
    );
    this.uplink = defaults?.device ?? host.interfaces.find(({ name }) => name !== 'lo')?.name ?? 'lo';
    const all = host.interfaces.flatMap(({ name, addresses = [] }) =>
      addresses.flatMap((text) => {
        const prefix = parsePrefix(text);
        if (prefix === undefined || name === 'lo' || isKept(prefix.address)) return [];
        return [{ family: prefix.family, device: name, own: prefix.address, bits: prefix.bits }];
      }),
    );
    this.networks = {
      ipv4: all.filter(({ family }) => family === 'ipv4'),
      ipv6: all.filter(({ family }) => family === 'ipv6'),
    };
  }

  /** The zones of two ends, by their addresses alone. */
  pair(a: AddressWords, b: AddressWords, family: Family): readonly [Zone, Zone] {
    const order = compare(a, b);
    // A packet to itself stays one: the host must not answer its own address.
    if (order === 0) return ['outside', 'outside'];
    const hasInside = this.networks[family].some(({ device }) => device !== this.uplink);
    const choice = PAIRS[(hash(a) + hash(b)) % (hasInside ? PAIRS.length : 2)]!;
    return order < 0 ? choice : [choice[1], choice[0]];
  }

  /** The interface that packets from a zone come in by. */
  device(zone: Zone, family: Family): string {
    if (zone === 'own') return 'local';
    if (zone === 'outside') return this.uplink;
    return this.networks[family].find(({ device }) => device !== this.uplink)?.device ?? this.uplink;
  }

  /** The address in the zone that stands for a foreign one. */
  place(address: AddressWords, zone: Zone, family: Family): AddressWords {
    const number = hash(address);
    if (zone === 'outside') return this.outside(number, family);
    const network =
      this.networks[family].find(({ device }) => (device === this.uplink) === (zone === 'own')) ??
      this.networks[family][0];
    if (network === undefined) return this.outside(number, family);
    if (zone === 'own') return network.own;
    return neighbour(network, number);
  }

  private outside(number: number, family: Family): AddressWords {
    const known = this.peers[family] ?? [];
    // Half of them, so that addresses no rule names are there too.
    if (known.length > 0 && (number & 1) === 0) return known[(number >>> 1) % known.length]!;
    if (family === 'ipv4') return [(0xc612_0000 | (number & 0x1ffff)) >>> 0];
    return [0x2001_0002, 0, 0, number];
  }
}

/** Another host of a network: not its own address, its number or its broadcast. */
function neighbour({ own, bits }: Network, number: number): AddressWords {
  const hostBits = Math.min(16, own.length * 32 - bits);
  if (hostBits < 2) return own;
  const last = own.length - 1;
  const size = 2 ** hostBits;
  const base = own[last]! - (own[last]! % size);
  let offset = 1 + (number % (size - 2));
  if (base + offset === own[last]) offset = offset === 1 ? 2 : offset - 1;
  return [...own.slice(0, last), (base + offset) >>> 0];
}

/** Addresses that mean the same on every host: multicast, broadcast, loopback, unspecified, link-local. */
export function isKept(address: AddressWords): boolean {
  const first = address[0]!;
  if (address.length === 1) {
    return first >>> 28 >= 0xe || first >>> 24 === 127 || first >>> 24 === 0 || first >>> 16 === 0xa9fe;
  }
  if (first >>> 24 === 0xff || first >>> 22 === 0xfe80 >>> 6) return true;
  return first === 0 && address[1] === 0 && address[2] === 0 && address[3]! <= 1;
}

/** FNV-1a over the words, finished so that low bits depend on all. */
function hash(address: AddressWords): number {
  let value = 0x811c9dc5;
  for (const word of address) {
    for (let shift = 24; shift >= 0; shift -= 8)
      value = Math.imul(value ^ ((word >>> shift) & 0xff), 0x01000193);
  }
  return (value ^ (value >>> 15)) >>> 0;
}

function compare(a: AddressWords, b: AddressWords): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return 0;
}

/** Addresses given as text; a text that is none throws. */
export function peerList(texts: readonly string[]): Peers {
  const peers: Record<Family, AddressWords[]> = { ipv4: [], ipv6: [] };
  for (const text of texts) {
    const family: Family = text.includes(':') ? 'ipv6' : 'ipv4';
    const address = parseAddress(text, family);
    if (address === undefined) throw new RangeError(`\`${text}\` is no address`);
    peers[family].push(address);
  }
  return peers;
}
