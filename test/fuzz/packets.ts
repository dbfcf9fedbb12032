// SPDX-License-Identifier: Apache-2.0
// Random packets aimed at the constants of random rules: single packets, whole conversations with answers and
// ICMP errors, fragments, damaged headers. Each comes from an interface, or from the host itself (`local`).
import type { Family } from '../../src/net/family.js';
import { buildPacket } from '../../src/packet/build.js';
import { fragmentFrame } from '../../src/packet/fragment.js';
import type { Ipv4Layer, Ipv6Layer, Layer, TcpFlag } from '../../src/packet/layers.js';
import {
  anyAddress,
  anyPort,
  INSIDE,
  LENGTHS,
  MACS,
  OUTSIDE,
  OWN,
  PROTOCOLS,
  SPECIAL,
  TTLS,
} from './constants.js';
import type { Random } from '../../src/replay/directed/random.js';

export interface SentPacket {
  readonly interface: string;
  readonly frame: Uint8Array;
}

type Ends = readonly [source: string, destination: string];

export function randomPackets(random: Random, families: readonly Family[], count: number): SentPacket[] {
  const packets: SentPacket[] = [];
  while (packets.length < count) {
    const family = random.pick(families);
    const maker = new PacketMaker(random, family);
    packets.push(
      ...random.choose([
        [10, () => [maker.single()]],
        [6, () => maker.tcpConversation()],
        [4, () => maker.udpConversation()],
        [3, () => maker.ping()],
        [3, () => maker.errorAbout(packets)],
        [3, () => maker.fragments()],
        [4, () => [maker.damaged()]],
        [1, () => [maker.spoofed()]],
        [1, () => [maker.otherTraffic()]],
      ]),
    );
  }
  return packets.slice(0, count);
}

class PacketMaker {
  constructor(
    private readonly random: Random,
    private readonly family: Family,
  ) {}

  /** Where packets between these two enter: `local` from the host itself, else by the side the source is on. */
  private from([source]: Ends): string {
    const { random, family } = this;
    if (OWN[family].includes(source)) return random.chance(95) ? 'local' : random.pick(['eth0', 'eth1']);
    const inside = INSIDE[family].includes(source);
    return inside === random.chance(97) ? 'eth1' : 'eth0';
  }

  private ends(): Ends {
    const { random, family } = this;
    const near = random.pick([OWN[family], INSIDE[family]]);
    const far = random.pick([OUTSIDE[family], OUTSIDE[family], INSIDE[family], OWN[family]]);
    const pair: Ends = [random.pick(far), random.pick(near)];
    return random.chance(30) ? [pair[1], pair[0]] : pair;
  }

  private ip([source, destination]: Ends, more: Partial<Ipv4Layer> & Partial<Ipv6Layer> = {}): Layer {
    const { random, family } = this;
    const hops = random.chance(20) ? random.pick(TTLS) : 64;
    const tos = random.chance(10) ? random.pick([8, 16, 32, 255]) : 0;
    return family === 'ipv4'
      ? { kind: 'ipv4', source, destination, ttl: hops, tos, id: random.between(1, 65535), ...more }
      : { kind: 'ipv6', source, destination, hopLimit: hops, trafficClass: tos, ...more };
  }

  private frame(...layers: Layer[]): Uint8Array {
    return buildPacket({ kind: 'ethernet', source: this.random.pick(MACS) }, ...layers);
  }

  /** Bytes that bring the IP packet to one of the lengths rules ask for, or a few. */
  private payload(headers: number): Layer {
    const wanted = this.random.chance(30) ? this.random.pick(LENGTHS) - headers : this.random.between(0, 12);
    return { kind: 'payload', data: new Uint8Array(Math.max(0, wanted)) };
  }

  private tcp(
    ports: readonly [number, number],
    flags: readonly TcpFlag[],
    sequence = 1,
    acknowledgement = 0,
  ): Layer {
    const options = flags.includes('syn')
      ? [2, 4, 5, 180]
      : this.random.chance(15)
        ? [8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1]
        : [];
    return {
      kind: 'tcp',
      sourcePort: ports[0],
      destinationPort: ports[1],
      flags,
      sequence,
      acknowledgement,
      window: 64000,
      options,
    };
  }

  private icmp(type4: number, type6: number, code: number, rest: number): Layer {
    return this.family === 'ipv4'
      ? { kind: 'icmp', type: type4, code, rest }
      : { kind: 'icmp6', type: type6, code, rest };
  }

  single(): SentPacket {
    const { random, family } = this;
    const ends: Ends = random.chance(60)
      ? this.ends()
      : [anyAddress(random, family), anyAddress(random, family)];
    return { interface: this.from(ends), frame: this.frame(this.ip(ends), ...this.transport()) };
  }

  private transport(): Layer[] {
    const { random } = this;
    const ports = [anyPort(random), anyPort(random)] as const;
    const flags: (readonly TcpFlag[])[] = [
      ['syn'],
      ['ack'],
      ['syn', 'ack'],
      ['rst'],
      ['fin', 'ack'],
      ['fin', 'psh', 'urg'],
      [],
      ['psh', 'ack'],
    ];
    return random.choose<Layer[]>([
      [5, () => [this.tcp(ports, random.pick(flags), random.next(), random.next()), this.payload(40)]],
      [5, () => [{ kind: 'udp', sourcePort: ports[0], destinationPort: ports[1] }, this.payload(28)]],
      [
        3,
        () => [
          this.icmp(
            random.pick([0, 8, 8, 13, 3, 11]),
            random.pick([128, 128, 129, 1, 3, 200]),
            random.between(0, 4),
            random.next(),
          ),
          this.payload(28),
        ],
      ],
      [1, () => [{ kind: 'payload', data: new Uint8Array(20), protocol: random.pick(PROTOCOLS) }]],
    ]);
  }

  tcpConversation(): SentPacket[] {
    const { random } = this;
    const there = this.ends();
    const back: Ends = [there[1], there[0]];
    const ports = [random.between(1024, 65535), anyPort(random)] as const;
    const answer = [ports[1], ports[0]] as const;
    const [ours, theirs] = [random.next() >>> 1, random.next() >>> 1];
    const send = (ends: Ends, layer: Layer, bytes = 0): SentPacket => ({
      interface: this.from(ends),
      frame: this.frame(this.ip(ends), layer, { kind: 'payload', data: new Uint8Array(bytes) }),
    });
    const steps = [
      send(there, this.tcp(ports, ['syn'], ours)),
      send(back, this.tcp(answer, ['syn', 'ack'], theirs, ours + 1)),
      send(there, this.tcp(ports, ['ack'], ours + 1, theirs + 1)),
      send(there, this.tcp(ports, ['psh', 'ack'], ours + 1, theirs + 1), 100),
      send(back, this.tcp(answer, ['psh', 'ack'], theirs + 1, ours + 101), 200),
      send(there, this.tcp(ports, ['fin', 'ack'], ours + 101, theirs + 201)),
      send(
        back,
        this.tcp(answer, random.chance(70) ? ['fin', 'ack'] : ['rst', 'ack'], theirs + 201, ours + 102),
      ),
      send(there, this.tcp(ports, ['ack'], ours + 102, theirs + 202)),
    ];
    const last = random.chance(60) ? steps.length : random.between(1, steps.length);
    // Now and then a step is lost on the way.
    return steps.slice(0, last).filter(() => !random.chance(6));
  }

  udpConversation(): SentPacket[] {
    const { random } = this;
    const there = this.ends();
    const ports = [anyPort(random), anyPort(random)] as const;
    const one = (ends: Ends, [source, destination]: readonly [number, number]): SentPacket => ({
      interface: this.from(ends),
      frame: this.frame(
        this.ip(ends),
        { kind: 'udp', sourcePort: source, destinationPort: destination },
        this.payload(28),
      ),
    });
    const there1 = one(there, ports);
    const back = one([there[1], there[0]], [ports[1], ports[0]]);
    return random.pick([
      [there1, back],
      [there1, back, there1],
      [there1, there1, back, back],
    ]);
  }

  ping(): SentPacket[] {
    const there = this.ends();
    const rest = this.random.next();
    const one = (ends: Ends, type4: number, type6: number): SentPacket => ({
      interface: this.from(ends),
      frame: this.frame(this.ip(ends), this.icmp(type4, type6, 0, rest), {
        kind: 'payload',
        data: new Uint8Array(8),
      }),
    });
    return [one(there, 8, 128), one([there[1], there[0]], 0, 129), one(there, 8, 128)];
  }

  /** An ICMP error that quotes a packet sent before: RELATED where that packet has a connection. */
  errorAbout(before: readonly SentPacket[]): SentPacket[] {
    const { random, family } = this;
    const version = family === 'ipv4' ? 4 : 6;
    const candidates = before.filter(({ frame }) => frame.length > 14 && frame[14]! >> 4 === version);
    if (candidates.length === 0) return [];
    const quoted = random.pick(candidates.slice(-12)).frame.subarray(14);
    const [from, to] = family === 'ipv4' ? [12, 16] : [8, 24];
    const text = (at: number): string =>
      family === 'ipv4'
        ? quoted.subarray(at, at + 4).join('.')
        : Array.from({ length: 8 }, (_, i) =>
            ((quoted[at + 2 * i]! << 8) | quoted[at + 2 * i + 1]!).toString(16),
          ).join(':');
    if (quoted.length < (family === 'ipv4' ? 28 : 48)) return [];
    // From the packet's destination or a router before it, back to its source.
    const ends: Ends = [random.chance(70) ? text(to) : random.pick(OUTSIDE[family]), text(from)];
    const error = this.icmp(
      random.pick([3, 3, 11, 12]),
      random.pick([1, 1, 2, 3, 4]),
      random.between(0, 3),
      0,
    );
    return [
      {
        interface: this.from(ends),
        frame: this.frame(this.ip(ends), error, {
          kind: 'payload',
          data: quoted.slice(0, family === 'ipv4' ? 28 : 56),
        }),
      },
    ];
  }

  fragments(): SentPacket[] {
    const { random, family } = this;
    // The host cuts its own datagrams anew after tracking them: what it sends itself then comes back in pieces.
    const drawn = this.ends();
    const toItself = OWN[family].includes(drawn[0]) && OWN[family].includes(drawn[1]);
    const ends: Ends = toItself ? [drawn[0], random.pick(OUTSIDE[family])] : drawn;
    const ports = [anyPort(random), anyPort(random)] as const;
    const whole = this.frame(
      this.ip(ends),
      random.chance(75)
        ? { kind: 'udp', sourcePort: ports[0], destinationPort: ports[1] }
        : this.tcp(ports, ['psh', 'ack'], random.next(), random.next()),
      { kind: 'payload', data: new Uint8Array(random.pick([60, 200, 1000])) },
    );
    const from = this.from(ends);
    const pieces = fragmentFrame(whole, random.pick([24, 64, 512]), random.next()).map((frame) => ({
      interface: from,
      frame,
    }));
    return random.choose([
      [4, () => pieces],
      [2, () => pieces.reverse()],
      [2, () => pieces.filter(() => !random.chance(30))],
      [1, () => pieces.flatMap((piece) => (random.chance(30) ? [piece, piece] : [piece]))],
    ]);
  }

  damaged(): SentPacket {
    const { random, family } = this;
    const ends = this.ends();
    const ports = [anyPort(random), anyPort(random)] as const;
    const udp: Layer = { kind: 'udp', sourcePort: ports[0], destinationPort: ports[1] };
    const whole = (...layers: Layer[]): Uint8Array =>
      this.frame(...layers, { kind: 'payload', data: new Uint8Array(8) });
    const frame = random.choose<Uint8Array>([
      [3, () => whole(this.ip(ends), { ...udp, checksum: 'wrong' })],
      [
        3,
        () =>
          whole(this.ip(ends), {
            kind: 'tcp',
            sourcePort: ports[0],
            destinationPort: ports[1],
            flags: ['syn'],
            checksum: 'wrong',
          }),
      ],
      [
        1,
        () =>
          whole(this.ip(ends), {
            kind: 'tcp',
            sourcePort: ports[0],
            destinationPort: ports[1],
            flags: ['syn'],
            dataOffset: random.pick([0, 4, 15]),
          }),
      ],
      [2, () => whole(this.ip(ends), { ...this.icmp(8, 128, 0, 1), checksum: 'wrong' } as Layer)],
      [
        3,
        () =>
          this.frame(this.ip(ends), {
            kind: 'payload',
            data: new Uint8Array(random.between(0, 19)),
            protocol: random.pick([1, 6, 17, 58]),
          }),
      ],
      [2, () => whole(this.ip(ends), { ...udp, length: random.pick([0, 7, 9, 100]) })],
      [2, () => whole(this.ip(ends, family === 'ipv4' ? { checksum: 'wrong' } : { payloadLength: 9 }), udp)],
      [2, () => whole(...this.withOptions(ends), udp)],
      [
        1,
        () =>
          whole(
            this.ip(
              ends,
              family === 'ipv4' ? { totalLength: random.pick([19, 24, 1000]) } : { payloadLength: 1000 },
            ),
            udp,
          ),
      ],
      [1, () => whole(this.ip(ends, { version: random.pick([0, 5, 6, 15]) }), udp)],
    ]);
    return { interface: this.from(ends), frame };
  }

  /** From an address that no packet on the wire may come from. */
  spoofed(): SentPacket {
    const { random, family } = this;
    const ends: Ends = [random.pick(SPECIAL[family]), this.ends()[1]];
    const udp: Layer = { kind: 'udp', sourcePort: anyPort(random), destinationPort: anyPort(random) };
    return { interface: random.pick(['eth0', 'eth1']), frame: this.frame(this.ip(ends), udp) };
  }

  /** IPv4 options (NOPs and router alert), or IPv6 extension headers. */
  private withOptions(ends: Ends): Layer[] {
    if (this.family === 'ipv4')
      return [
        this.ip(ends, {
          options: this.random.pick([
            [1, 1, 1, 1],
            [148, 4, 0, 0],
          ]),
        }),
      ];
    const kind = this.random.pick(['hop-by-hop', 'destination-options'] as const);
    return [this.ip(ends), { kind, data: [] }];
  }

  /** What no IP hook judges, and protocols without ports. */
  otherTraffic(): SentPacket {
    const { random } = this;
    const ends = this.ends();
    const udp: Layer = { kind: 'udp', sourcePort: 1, destinationPort: anyPort(random) };
    const frame = random.choose<Uint8Array>([
      [1, () => this.frame({ kind: 'vlan', id: 5 }, this.ip(ends), udp)],
      [
        1,
        () =>
          buildPacket({ kind: 'ethernet', etherType: 0x0806 }, { kind: 'payload', data: new Uint8Array(46) }),
      ],
      [
        2,
        () =>
          this.frame(this.ip(ends), {
            kind: 'payload',
            data: new Uint8Array(24),
            protocol: random.pick(PROTOCOLS),
          }),
      ],
    ]);
    return { interface: random.pick(['eth0', 'eth1']), frame };
  }
}
