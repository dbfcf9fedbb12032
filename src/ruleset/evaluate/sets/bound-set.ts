// SPDX-License-Identifier: Apache-2.0
// ipset lookups as rules make them: net/netfilter/ipset/ip_set_core.c ip_set_test and the `kadt` function of
// each type. Types without a lookup here leave packets undecided.
import { type AddressWords, parseAddress, prefixMask } from '../../../net/address.js';
import { PrefixTable } from '../../../net/prefix-table.js';
import type { Family } from '../../../net/family.js';
import { knowsNomatch, type IpSet, type SetElement, type SetElementPart } from '../../sets.js';
import type { Clock } from '../clock.js';
import type { Skb } from '../skb.js';
import { type SetPort, setPort } from './set-port.js';

export interface SetQuery {
  /** One per dimension. */
  readonly directions: readonly ('src' | 'dst')[];
  /** `--return-nomatch`: an entry marked `nomatch` counts as found, all others as not; where the type knows `nomatch`. */
  readonly returnNomatch: boolean;
}

export type SetAnswer = boolean | 'undecided';

export interface BoundSet {
  test(skb: Skb, query: SetQuery): SetAnswer;
}

/** A set whose members some rule we can't evaluate may have changed. */
export const UNKNOWN_SET: BoundSet = { test: () => 'undecided' };

/** A member as it is looked up; `expires` is a tick, Infinity for ever. */
interface Member {
  readonly port: SetPort | undefined;
  readonly second: AddressWords | undefined;
  /** bitmap:ip,mac: undefined until the first packet from the address binds it. */
  mac: string | undefined;
  readonly nomatch: boolean;
  readonly expires: number;
}

interface Found {
  /** Longest prefix first; undefined when no member fits. */
  readonly member: Member | undefined;
}

const NOT_FOUND: Found = { member: undefined };

/** Binds all sets. Members with a timeout live that long from `clock`'s first packet on. */
export function bindSets(sets: ReadonlyMap<string, IpSet>, clock: Clock): Map<string, BoundSet> {
  const bound = new Map<string, BoundSet>();
  for (const set of sets.values()) bound.set(set.name, bindSet(set, bound, clock));
  return bound;
}

function bindSet(set: IpSet, bound: ReadonlyMap<string, BoundSet>, clock: Clock): BoundSet {
  if (set.type === 'list:set') return new ListSet(set, bound, clock);
  if (set.type === 'bitmap:port') return new PortSet(set, clock);
  return SUPPORTED.has(set.type) ? new AddressSet(set, clock) : UNKNOWN_SET;
}

const SUPPORTED: ReadonlySet<string> = new Set([
  'hash:ip',
  'hash:net',
  'hash:ip,port',
  'hash:net,port',
  'hash:ip,port,ip',
  'bitmap:ip',
  'bitmap:ip,mac',
]);

/** The tick at which a member of the dump is gone: its seconds count from the first packet. */
class Lifetime {
  constructor(private readonly clock: Clock) {}

  expires(element: SetElement | undefined): number {
    const seconds = element?.timeout ?? 0;
    return seconds === 0 ? Infinity : this.clock.startJiffies + seconds * this.clock.hz;
  }

  isOver(expires: number): boolean {
    return this.clock.jiffies > expires;
  }
}

/** Sets whose first dimension is an address or a network. */
class AddressSet implements BoundSet {
  private members: PrefixTable<Member> | undefined;
  private readonly family: Family;
  private readonly lifetime: Lifetime;
  private readonly dimensions: number;
  private readonly mask: AddressWords | undefined;
  private readonly refusesZero: boolean;

  constructor(
    private readonly set: IpSet,
    clock: Clock,
  ) {
    this.family = set.family ?? 'ipv4';
    this.lifetime = new Lifetime(clock);
    this.dimensions = set.type.split(',').length;
    this.mask = addressMask(set, this.family);
    this.refusesZero = set.type === 'hash:ip' || set.type === 'hash:ip,port';
  }

  test(skb: Skb, query: SetQuery): SetAnswer {
    if (skb.family !== this.family || query.directions.length < this.dimensions) return false;
    if (this.set.unreadLines !== undefined) return 'undecided';
    const { member } = this.find(skb, query.directions);
    if (member === undefined) return false;
    return member.nomatch === (query.returnNomatch && knowsNomatch(this.set.type));
  }

  private find(skb: Skb, directions: readonly ('src' | 'dst')[]): Found {
    let address = side(skb, directions[0]);
    const { mask } = this;
    if (mask !== undefined) address = address.map((word, i) => (word & mask[i]!) >>> 0);
    if (this.refusesZero && address.every((word) => word === 0)) return NOT_FOUND;
    const hasPort = this.set.type.includes(',port');
    const port = hasPort ? setPort(skb.packet, directions[1]!) : undefined;
    if (hasPort && port === undefined) return NOT_FOUND;
    const second = this.dimensions === 3 ? side(skb, directions[2]) : undefined;
    const mac = this.set.type === 'bitmap:ip,mac' ? frameMac(skb, directions[1]!) : undefined;
    if (this.set.type === 'bitmap:ip,mac' && mac === undefined) return NOT_FOUND;
    const member = (this.members ??= this.load()).lookup(
      address,
      (each) =>
        !this.lifetime.isOver(each.expires) &&
        (port === undefined || (each.port!.protocol === port.protocol && each.port!.port === port.port)) &&
        (second === undefined || each.second!.every((word, i) => word === second[i])) &&
        (mac === undefined || each.mac === undefined || each.mac === mac),
    );
    if (member !== undefined && mac !== undefined) member.mac = mac;
    return { member };
  }

  private load(): PrefixTable<Member> {
    const table = new PrefixTable<Member>(this.family);
    for (const element of this.set.elements) {
      const [first, ...rest] = element.parts;
      if (first === undefined || (first.kind !== 'address' && first.kind !== 'net')) continue;
      const bits = first.kind === 'net' ? first.prefix : this.family === 'ipv4' ? 32 : 128;
      const port = rest.find((part) => part.kind === 'port');
      const second = rest.find((part) => part.kind === 'address');
      const mac = rest.find((part) => part.kind === 'mac');
      table.insert(first.address, bits, {
        port: port && { protocol: port.protocol, port: port.port },
        second: second?.address,
        mac: mac?.mac.toLowerCase(),
        nomatch: element.nomatch,
        expires: this.lifetime.expires(element),
      });
    }
    return table;
  }
}

class PortSet implements BoundSet {
  private members: Map<number, number> | undefined;
  private readonly lifetime: Lifetime;

  constructor(
    private readonly set: IpSet,
    clock: Clock,
  ) {
    this.lifetime = new Lifetime(clock);
  }

  test({ packet }: Skb, { directions }: SetQuery): SetAnswer {
    if (this.set.unreadLines !== undefined) return 'undecided';
    const port = setPort(packet, directions[0]!);
    if (port === undefined || (port.protocol !== 6 && port.protocol !== 17)) return false;
    const expires = (this.members ??= this.load()).get(port.port);
    return expires !== undefined && !this.lifetime.isOver(expires);
  }

  private load(): Map<number, number> {
    const members = new Map<number, number>();
    for (const element of this.set.elements) {
      const part: SetElementPart | undefined = element.parts[0];
      if (part?.kind === 'port') members.set(part.port, this.lifetime.expires(element));
    }
    return members;
  }
}

/** Members are asked in order; one of another family or with more dimensions than asked never matches. */
class ListSet implements BoundSet {
  private readonly lifetime: Lifetime;

  constructor(
    private readonly set: IpSet,
    private readonly bound: ReadonlyMap<string, BoundSet>,
    clock: Clock,
  ) {
    this.lifetime = new Lifetime(clock);
  }

  test(skb: Skb, query: SetQuery): SetAnswer {
    if (this.set.unreadLines !== undefined) return 'undecided';
    for (const [i, name] of this.set.members.entries()) {
      if (this.lifetime.isOver(this.lifetime.expires(this.set.memberElements?.[i]))) continue;
      const answer = this.bound.get(name)?.test(skb, query) ?? 'undecided';
      if (answer !== false) return answer;
    }
    return false;
  }
}

function side(skb: Skb, direction: 'src' | 'dst' | undefined): AddressWords {
  return direction === 'src' ? skb.packet.source : skb.packet.destination;
}

/** Undefined where the packet has no Ethernet header, or an all-zero address. */
function frameMac(skb: Skb, direction: 'src' | 'dst'): string | undefined {
  if (skb.inInterface === '' || skb.inInterface === 'lo' || skb.packetType === 'loopback') return undefined;
  const { frame } = skb.packet;
  const octets = [...frame.subarray(direction === 'src' ? 6 : 0, direction === 'src' ? 12 : 6)];
  if (octets.every((octet) => octet === 0)) return undefined;
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join(':');
}

/** `netmask` (a prefix length) or `bitmask` (an address): what of an address is looked up. */
function addressMask(set: IpSet, family: Family): AddressWords | undefined {
  const { netmask, bitmask } = set.options;
  if (typeof bitmask === 'string') return parseAddress(bitmask, family);
  return typeof netmask === 'string' ? prefixMask(Number(netmask), family) : undefined;
}
