// SPDX-License-Identifier: Apache-2.0
// The host as a source of aims: which interfaces and networks it has, what it calls its own, which way a packet
// would go, so that a rule about an interface or an address type gets packets that the host routes there.
import type { Host } from '../../host/host.js';
import { parsePrefix } from '../../host/prefix.js';
import { Routing, withLoopback } from '../../host/routing.js';
import { addressesEqual, parseAddress, prefixMask, type AddressWords } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import { matchesInterface, type InterfacePattern } from '../../net/interface-pattern.js';
import type { Negatable } from '../../ruleset/ruleset.js';
import { anyWithin } from './addresses.js';
import type { Condition } from './condition.js';
import { PROTOCOL, type Draft } from './draft.js';
import type { Random } from './random.js';

export const LOCAL = 'local';
export type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

interface Network {
  readonly device: string;
  readonly own: AddressWords;
  readonly bits: number;
}

/** Beyond the default route: documentation and benchmark networks (RFC 5737, RFC 2544, RFC 3849). */
const FAR: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ['198.51.100.7', '192.0.2.99', '198.18.0.1', '8.8.8.8'],
  ipv6: ['2001:db8:ffff::7', '2001:db8:eeee::1'],
};
const GROUPS: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ['224.0.0.1', '224.0.0.18', '239.1.2.3'],
  ipv6: ['ff02::1', 'ff02::2', 'ff05::1'],
};
const BROADCAST = '255.255.255.255';

export class Places {
  /** Interfaces that frames can come from. */
  readonly devices: readonly string[];
  private readonly macs: ReadonlyMap<string, string>;
  private readonly networks: Readonly<Record<Family, readonly Network[]>>;
  private readonly routing: Readonly<Record<Family, Routing>>;

  constructor(host: Host) {
    this.devices = host.interfaces.map(({ name }) => name).filter((name) => name !== 'lo');
    this.macs = new Map(host.interfaces.flatMap(({ name, mac }) => (mac === undefined ? [] : [[name, mac]])));
    const all = withLoopback(host).flatMap(({ name, addresses = [] }) =>
      addresses.flatMap((text) => {
        const prefix = parsePrefix(text);
        if (prefix === undefined) return [];
        return [{ family: prefix.family, device: name, own: prefix.address, bits: prefix.bits }];
      }),
    );
    this.networks = {
      ipv4: all.filter(({ family }) => family === 'ipv4'),
      ipv6: all.filter(({ family }) => family === 'ipv6'),
    };
    this.routing = { ipv4: new Routing('ipv4', host), ipv6: new Routing('ipv6', host) };
  }

  mac(device: string): string | undefined {
    return this.macs.get(device);
  }

  /** An ordinary packet that passes the hook, unless the host lacks the addresses for it. */
  packetFor(hook: Hook, family: Family, random: Random): Draft {
    const sent = hook === 'OUTPUT' || (hook === 'POSTROUTING' && random.chance(50));
    const inward = hook === 'INPUT' || (hook === 'PREROUTING' && random.chance(50));
    const from = sent || this.devices.length === 0 ? LOCAL : random.pick(this.devices);
    const there = random.chance(60) ? undefined : random.pick(this.devices);
    const draft: Draft = {
      family,
      interface: from,
      output: undefined,
      source: sent ? this.own(family, random, there) : this.peer(family, random, from),
      destination: inward ? this.own(family, random, from) : this.peer(family, random, there),
      protocol: random.pick([PROTOCOL.tcp, PROTOCOL.udp, family === 'ipv4' ? PROTOCOL.icmp : PROTOCOL.icmp6]),
      sourcePort: random.between(1024, 65535),
      destinationPort: random.pick([22, 53, 80, 123, 443, 8080, random.between(1, 65535)]),
      flags: 2,
      tcpOption: undefined,
      icmpType: family === 'ipv4' ? 8 : 128,
      icmpCode: 0,
      icmpRest: random.next(),
      ttl: 64,
      tos: 0,
      length: undefined,
      sourceMac: undefined,
      fragment: 'none',
      checksum: 'right',
      ipOptions: false,
      state: undefined,
      quote: undefined,
      demanded: new Set(),
    };
    return draft;
  }

  /** An address of the host, on `device` where it has one there. */
  private own(family: Family, random: Random, device?: string): AddressWords {
    const here = this.networks[family].filter((each) => each.device === device);
    const outer = this.networks[family].filter((each) => each.device !== 'lo');
    const choice =
      here.length > 0 && random.chance(80) ? here : outer.length > 0 ? outer : this.networks[family];
    return choice.length === 0 ? far(family, random) : random.pick(choice).own;
  }

  /** Another machine: in a network of the device, or beyond the routers. */
  private peer(family: Family, random: Random, device?: string): AddressWords {
    const here = this.networks[family].filter(
      (each) => each.device === device && each.bits < each.own.length * 32 - 1,
    );
    if (here.length === 0 || random.chance(20)) return far(family, random);
    const { own, bits } = random.pick(here);
    const mask = prefixMask(bits, family);
    const address = own.map((word, i) => (word & mask[i]!) >>> 0);
    return anyWithin({ address, mask }, random);
  }

  /** `-i`. A packet that comes in by `lo` is one the host sends to itself. */
  arrives({ value, negated }: Negatable<InterfacePattern>, family: Family): Condition {
    const fits = (name: string): boolean => matchesInterface(name, value) !== negated;
    const choice = this.devices.filter(fits);
    return {
      holds: (draft) => draft.interface !== LOCAL && fits(draft.interface),
      force: (draft, random) => {
        if (choice.length > 0 && !(fits('lo') && random.chance(5))) {
          draft.interface = random.pick(choice);
          if (!draft.demanded.has('source')) draft.source = this.peer(family, random, draft.interface);
        } else if (fits('lo')) {
          draft.interface = LOCAL;
          draft.destination = this.own(family, random, 'lo');
          draft.source = draft.destination;
        }
      },
    };
  }

  /** `-o`: the destination decides, once all conditions are known (`settle`). */
  leaves({ value, negated }: Negatable<InterfacePattern>): Condition {
    const choice = [...this.devices, 'lo'].filter((name) => matchesInterface(name, value) !== negated);
    return {
      holds: (draft) => draft.output !== undefined && choice.includes(draft.output),
      force: (draft, random) => {
        if (choice.length > 0) draft.output = random.pick(choice);
      },
    };
  }

  /** Sends the packet where a rule wants it to leave, unless a rule wants a destination, too. */
  settle(draft: Draft, random: Random): void {
    if (draft.output === undefined || draft.demanded.has('destination')) return;
    const { family } = draft;
    if (draft.output === 'lo') {
      draft.interface = LOCAL;
      draft.destination = this.own(family, random);
    } else draft.destination = this.peer(family, random, draft.output);
  }

  ofType(
    field: 'source' | 'destination',
    types: readonly string[],
    negated: boolean,
    family: Family,
  ): Condition {
    const all = ['LOCAL', 'UNICAST', 'MULTICAST', ...(family === 'ipv4' ? ['BROADCAST'] : [])];
    const wanted = all.filter((type) => types.includes(type) !== negated);
    const put = (draft: Draft, random: Random, type: string): void => {
      const device = draft.interface === LOCAL ? undefined : draft.interface;
      draft[field] = this.addressOfType(type, family, random, device);
      draft.demanded.add(field);
    };
    return {
      holds: (draft) => wanted.includes(this.typeOf(draft[field], family)),
      force: (draft, random) => {
        if (wanted.length > 0) put(draft, random, random.pick(wanted));
      },
      near: (draft, random) => {
        put(draft, random, random.pick(all));
      },
    };
  }

  private typeOf(address: AddressWords, family: Family): string {
    const top = address[0]!;
    if (family === 'ipv4' && top === 0xffffffff) return 'BROADCAST';
    if (family === 'ipv4' ? top >>> 28 === 0xe : top >>> 24 === 0xff) return 'MULTICAST';
    return this.isOwn(address, family) ? 'LOCAL' : 'UNICAST';
  }

  private addressOfType(type: string, family: Family, random: Random, device?: string): AddressWords {
    switch (type) {
      case 'LOCAL':
        return this.own(family, random, device);
      case 'MULTICAST':
        return parseAddress(random.pick(GROUPS[family]), family)!;
      case 'BROADCAST': {
        const network = this.networks.ipv4.find((each) => each.device === device && each.bits < 31);
        if (network === undefined || random.chance(40)) return parseAddress(BROADCAST, 'ipv4')!;
        const mask = prefixMask(network.bits, 'ipv4');
        return network.own.map((word, i) => (word | ~mask[i]!) >>> 0);
      }
      default:
        return this.peer(family, random, device);
    }
  }

  isOwn(address: AddressWords, family: Family): boolean {
    return this.networks[family].some(({ own }) => addressesEqual(own, address));
  }

  /** Where an answer to the packet comes from: the device the packet leaves by, or the host itself. */
  farEnd({ family, destination, source }: Draft): string | undefined {
    if (this.isOwn(destination, family)) return LOCAL;
    const route = this.routing[family].lookup({ destination, source, mark: 0 });
    return typeof route === 'string' || route.device === 'lo' ? undefined : route.device;
  }
}

function far(family: Family, random: Random): AddressWords {
  return parseAddress(random.pick(FAR[family]), family)!;
}
