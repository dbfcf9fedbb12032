// SPDX-License-Identifier: Apache-2.0
// Packets aimed at a ruleset: for every rule ones that meet it and ones right beside, by every way that jumps
// lead there; then what belongs to them: handshakes, answers, ICMP errors that quote them, damaged headers,
// pieces. The same ruleset, host and seed give the same packets.
import type { Host } from '../../host/host.js';
import type { ReplayPacket } from '../../packet/packet.js';
import type { Ruleset } from '../../ruleset/ruleset.js';
import { aimsOf, type Aim } from './aims.js';
import type { Condition } from './condition.js';
import { conditionsOf } from './conditions.js';
import { frameOf, PROTOCOL, type Draft } from './draft.js';
import { LOCAL, Places } from './places.js';
import { Random } from './random.js';

export interface DirectedOptions {
  readonly seed: number;
  readonly packets: number;
  /** Of the first packet: nanoseconds since the epoch. */
  readonly startNs?: bigint;
  /** False: no pauses between packets, for a runner that does not go by capture time. */
  readonly pauses?: boolean;
}

/** Friday 1 December 2023, 00:00 UTC. */
const START_NS = 1_701_388_800_000_000_000n;
/** From a packet to the next; now and then longer, so that limits refill, and for once connections end. */
const STEP_NS = 10_000n;
const PAUSES_NS = [3_000_000n, 20_000_000n, 150_000_000n, 1_500_000_000n, 40_000_000_000n, 200_000_000_000n];

export function directedPackets(ruleset: Ruleset, host: Host, options: DirectedOptions): ReplayPacket[] {
  return new Director(ruleset, host, options).run();
}

/** How many past packets can still be answered. */
const REMEMBERED = 64;
const FIN_ACK = 0x11;
const SYN = 0x02;
const SYN_ACK = 0x12;
const ACK = 0x10;
const PSH_ACK = 0x18;
const RST = 0x04;

class Director {
  private readonly random: Random;
  private readonly places: Places;
  private readonly aims: readonly Aim[];
  private readonly conditions = new Map<Aim, readonly Condition[]>();
  private readonly packets: ReplayPacket[] = [];
  private readonly sent: Draft[] = [];
  private clockNs: bigint;

  constructor(
    private readonly ruleset: Ruleset,
    host: Host,
    private readonly options: DirectedOptions,
  ) {
    this.random = new Random(options.seed);
    this.places = new Places(host);
    this.aims = aimsOf(ruleset);
    this.clockNs = options.startNs ?? START_NS;
  }

  run(): ReplayPacket[] {
    const { aims, random, options } = this;
    if (aims.length === 0) return [];
    // Every aim has its turn before one has its second.
    for (let turn = 0; this.packets.length < options.packets; turn++) {
      this.aimAt(aims[turn % aims.length]!);
      if (options.pauses !== false && random.chance(2)) this.clockNs += random.pick(PAUSES_NS);
      if (this.sent.length > 0 && random.chance(25)) this.answer(random.pick(this.sent));
    }
    return this.packets.slice(0, options.packets);
  }

  private aimAt(aim: Aim): void {
    const { random } = this;
    let conditions = this.conditions.get(aim);
    if (conditions === undefined) {
      conditions = aim.rules.flatMap((rule) => conditionsOf(rule, this.ruleset, this.places));
      this.conditions.set(aim, conditions);
    }
    const draft = this.places.packetFor(aim.hook, aim.family, random);
    for (const condition of conditions) if (!condition.holds(draft)) condition.force(draft, random);
    const bordered = conditions.filter(({ near }) => near !== undefined);
    if (bordered.length > 0 && random.chance(30)) random.pick(bordered).near?.(draft, random);
    this.places.settle(draft, random);
    if (random.chance(8)) this.damage(draft);
    this.sendIn(draft);
  }

  /** A packet with what must go before it so that its connection is in the state asked for. */
  private sendIn(draft: Draft): void {
    const { random } = this;
    switch (draft.state) {
      case 'ESTABLISHED': {
        const back = this.reversed(draft);
        if (back === undefined) break;
        // A piece opens no connection that all runners know of: programs see it, the hooks only the datagram.
        const opener: Draft = { ...(random.chance(50) ? back : draft), flags: SYN, fragment: 'none' };
        this.emit(opener);
        const answered = this.reversed(opener);
        if (answered !== undefined) this.emit({ ...answered, flags: SYN_ACK });
        if (draft.flags === SYN) draft.flags = random.pick([ACK, PSH_ACK, FIN_ACK, SYN_ACK]);
        break;
      }
      case 'RELATED': {
        const opener = this.reversed(draft);
        if (opener === undefined) break;
        if (opener.protocol === PROTOCOL.icmp || opener.protocol === PROTOCOL.icmp6)
          opener.protocol = random.pick([PROTOCOL.tcp, PROTOCOL.udp]);
        opener.fragment = 'none';
        this.emit({ ...opener, flags: SYN });
        this.emit(this.errorAbout(opener, draft));
        return;
      }
      case 'INVALID':
        if (random.chance(50)) draft.checksum = 'wrong';
        else draft.flags = random.pick([0, FIN_ACK | SYN, 0x29, RST | SYN]);
        break;
      default:
        break;
    }
    this.emit(draft);
    if (draft.state !== 'INVALID') this.remember(draft);
  }

  /** What the other end sends, or what its own end sends next. */
  private answer(draft: Draft): void {
    const { random } = this;
    const back = this.reversed(draft);
    if (back === undefined) return;
    if (draft.protocol !== PROTOCOL.tcp) {
      if (random.chance(30)) this.emit(this.errorAbout(draft, back));
      else this.emit(back);
      if (random.chance(50)) this.emit(draft);
      return;
    }
    this.emit({ ...back, flags: random.chance(80) ? SYN_ACK : random.pick([RST | ACK, ACK, FIN_ACK]) });
    if (random.chance(70)) this.emit({ ...draft, flags: ACK });
    if (random.chance(40)) this.emit({ ...back, flags: PSH_ACK });
    if (random.chance(20)) this.emit(this.errorAbout(draft, back));
    if (random.chance(30))
      this.emit({ ...(random.chance(50) ? draft : back), flags: random.pick([FIN_ACK, RST]) });
  }

  /** The packet's opposite, from where it would come; undefined where the host has no way for it. */
  private reversed(draft: Draft): Draft | undefined {
    const from = this.places.farEnd(draft);
    if (from === undefined) return undefined;
    const { source, destination, sourcePort, destinationPort, icmpType } = draft;
    return {
      ...draft,
      interface: from,
      source: destination,
      destination: source,
      sourcePort: destinationPort,
      destinationPort: sourcePort,
      icmpType: ECHOES.get(icmpType) ?? icmpType,
      sourceMac: undefined,
      demanded: new Set(),
    };
  }

  /** An ICMP error about a packet, with the addresses of `from`: its other end, or now and then a router. */
  private errorAbout(about: Draft, from: Draft): Draft {
    const { random } = this;
    const isIpv4 = about.family === 'ipv4';
    const quote = frameOf(about, undefined).slice(14, 14 + (isIpv4 ? 28 : 56));
    return {
      ...from,
      protocol: isIpv4 ? PROTOCOL.icmp : PROTOCOL.icmp6,
      icmpType: isIpv4 ? random.pick([3, 3, 11, 12]) : random.pick([1, 1, 2, 3, 4]),
      icmpCode: random.between(0, 3),
      icmpRest: 0,
      length: undefined,
      fragment: 'none',
      quote,
      state: undefined,
    };
  }

  private damage(draft: Draft): void {
    const { random } = this;
    const harm = random.choose<Partial<Draft>>([
      [2, () => ({ checksum: 'wrong' })],
      [2, () => ({ ipOptions: true })],
      [1, () => ({ fragment: random.pick(['first', 'later']) })],
      [2, () => ({ flags: random.next() & 0xff })],
      [1, () => ({ ttl: random.pick([0, 1, 2, 255]) })],
      [1, () => ({ tos: random.next() & 0xff })],
      [1, () => ({ protocol: random.pick([2, 47, 50, 89, 132, 255]) })],
    ]);
    Object.assign(draft, harm);
  }

  private remember(draft: Draft): void {
    if (draft.fragment !== 'none' || draft.checksum !== 'right') return;
    if (this.sent.length < REMEMBERED) this.sent.push(draft);
    else this.sent[this.random.next() % REMEMBERED] = draft;
  }

  private emit(draft: Draft): void {
    const mac = draft.interface === LOCAL ? undefined : this.places.mac(draft.interface);
    const frame = frameOf(draft, mac);
    const index = this.packets.length;
    this.packets.push({
      index,
      interface: draft.interface,
      frame,
      timestampNs: this.clockNs,
      wireLength: frame.length,
    });
    this.clockNs += STEP_NS;
  }
}

/** Echo, timestamp and information requests with their replies. */
const ECHOES: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [0, 8],
  [13, 14],
  [128, 129],
  [129, 128],
]);
