// SPDX-License-Identifier: Apache-2.0
// A packet's way through the host, hook by hook, and what becomes of it. Whatever the host sends in answer
// (REJECT, ICMP errors) walks OUTPUT itself, since it moves connections and limits there.
// Left out: rate limits on answers.
import type { Answer, AnswerRoute } from '../../host/answers.js';
import { answerWithIcmp, answerWithReset, rejectChecksumValid } from '../../host/answers.js';
import type { Host } from '../../host/host.js';
import type { OutputRoute } from '../../host/output-routing.js';
import type { StackDrop, StackFault } from '../../host/stack-drop.js';
import { Stack } from '../../host/stack.js';
import type { Family } from '../../net/family.js';
import { optionsRewritten } from '../../packet/ipv4-options.js';
import type { ReplayPacket } from '../../packet/packet.js';
import type { Rule, Ruleset } from '../ruleset.js';
import type { RejectWith } from '../targets/reject.js';
import { Clock } from './clock.js';
import { Tracker } from './conntrack/tracker.js';
import { Hooks, type HookVerdict } from './hooks.js';
import { bindSets } from './sets/bound-set.js';
import { CT_UNTRACKED, type HookName, Skb } from './skb.js';
import { Uncertainty } from './uncertainty.js';
import type { walkTable, WalkObserver } from './walk-table.js';

export type Path = 'input' | 'forward' | 'output';

/** What became of a packet. */
export interface Outcome {
  readonly verdict: 'accept' | 'drop' | 'reject' | 'held' | 'undecided' | 'not-ip' | 'refused';
  /** Absent when no hook saw the packet. */
  readonly skb?: Skb;
  /** Whose hooks had the last word; absent for what PREROUTING decides. */
  readonly path?: Path;
  /** Device by which an accepted packet leaves. */
  readonly output?: string;
  /** Why the stack dropped it. */
  readonly fault?: StackFault | 'reassembly' | 'conntrack-full';
  readonly rejectWith?: RejectWith;
  /** Why the packet can't be judged at all. */
  readonly refusal?: string;
}

export interface HostWalkOptions {
  /** False: no checksum is looked at. */
  readonly verifyChecksums: boolean;
  /** True: every skb records the rules it passes. */
  readonly trace: boolean;
  /** Ids of rules that the user has waived. */
  readonly waived?: ReadonlySet<number>;
  /** Stands for the walk through a table's chain: another form of the same rules. */
  readonly walk?: typeof walkTable;
}

type SentRoute = Extract<OutputRoute, { readonly kind: 'output' }>;

const NOT_IP: Outcome = { verdict: 'not-ip' };
const NONE_WAIVED: ReadonlySet<number> = new Set();

export class HostWalk {
  readonly stack: Stack;
  readonly clock: Clock;
  private readonly tracker: Tracker;
  private readonly hooks: Readonly<Record<Family, Hooks>>;
  private readonly uncertainty: Uncertainty;

  constructor(
    ruleset: Ruleset,
    host: Host,
    private readonly options: HostWalkOptions,
  ) {
    this.stack = new Stack(host);
    this.clock = new Clock(host.hz ?? 250);
    this.tracker = new Tracker(host, this.clock);
    const sets = bindSets(ruleset.sets, this.clock);
    const environment = { stack: this.stack, clock: this.clock, sets };
    const hooksOf = (family: Family): Hooks =>
      new Hooks(family, ruleset[family], this.tracker, environment, host, this.clock, {
        waived: options.waived ?? NONE_WAIVED,
        ...(options.walk !== undefined && { walk: options.walk }),
      });
    this.hooks = { ipv4: hooksOf('ipv4'), ipv6: hooksOf('ipv6') };
    this.uncertainty = new Uncertainty([...this.hooks.ipv4.tables, ...this.hooks.ipv6.tables], sets);
  }

  /** True where the family tracks connections, so that states mean something. */
  tracks(family: Family): boolean {
    return this.hooks[family].tracks;
  }

  decide(packet: ReplayPacket, observer?: WalkObserver): Outcome {
    this.clock.advance(packet.timestampNs);
    return packet.interface === 'local' ? this.send(packet, observer) : this.receive(packet, observer);
  }

  private receive(frame: ReplayPacket, observer: WalkObserver | undefined): Outcome {
    const arrived = this.stack.arrive(frame, this.options.verifyChecksums);
    if (arrived.kind === 'not-ip') return NOT_IP;
    if (arrived.kind === 'drop') return { verdict: 'drop', fault: arrived.fault };
    if (headersCut(arrived.packet, frame)) return { verdict: 'refused', refusal: CUT_SHORT };
    const skb = this.newSkb(arrived.packet, arrived.packetType, frame);
    skb.inInterface = arrived.interface;
    const early = this.pass('PREROUTING', skb, undefined, 'local', observer);
    if (early !== undefined) return early;
    const route = this.stack.routeInput(skb.packet, skb.inInterface, skb.mark);
    if (route.kind === 'drop') return this.refuseByStack(skb, route, 'forward');
    if (route.kind === 'local') {
      const { type } = route;
      return this.deliver(skb, type === 'broadcast' || type === 'multicast' ? type : 'local', observer);
    }
    return this.forward(skb, route.device, observer);
  }

  private forward(skb: Skb, device: string, observer: WalkObserver | undefined): Outcome {
    const { packet, packetType, ttl, inInterface, largestFragment } = skb;
    const refused = this.stack.forward(packet, packetType, ttl, inInterface, device, largestFragment);
    if (refused !== undefined) return this.refuseByStack(skb, refused, 'forward');
    skb.ttl--;
    skb.outInterface = device;
    return (
      this.pass('FORWARD', skb, 'forward', 'forward', observer) ??
      this.pass('POSTROUTING', skb, 'forward', 'forward', observer) ??
      this.accept(skb, 'forward', device)
    );
  }

  private deliver(skb: Skb, route: AnswerRoute, observer: WalkObserver | undefined): Outcome {
    // IPv4 joins pieces before INPUT even where nothing tracks connections; IPv6 only behind it.
    if (skb.family === 'ipv4') {
      const whole = this.hooks.ipv4.defragment(skb, 'INPUT');
      if (whole === 'held') return { verdict: 'held', skb };
      if (whole === 'stack-drop') return { verdict: 'drop', skb, fault: 'reassembly' };
    }
    return this.pass('INPUT', skb, 'input', route, observer) ?? this.accept(skb, 'input');
  }

  private send(frame: ReplayPacket, observer: WalkObserver | undefined): Outcome {
    const packet = this.stack.send(frame);
    if ('kind' in packet) return packet.kind === 'not-ip' ? NOT_IP : { verdict: 'drop', fault: packet.fault };
    if (headersCut(packet, frame)) return { verdict: 'refused', refusal: CUT_SHORT };
    const skb = this.newSkb(packet, 'host', frame);
    const route = this.stack.routeSent(packet);
    if (route.kind === 'drop') return { verdict: 'drop', fault: route.fault };
    return this.emit(skb, route, observer);
  }

  /** A packet of the host's own, from OUTPUT on. */
  private emit(skb: Skb, first: SentRoute, observer: WalkObserver | undefined): Outcome {
    skb.route = first;
    skb.outInterface = first.device;
    const kind = first.type === 'broadcast' || first.type === 'multicast' ? first.type : 'output';
    const stopped = this.pass('OUTPUT', skb, 'output', kind, observer);
    if (stopped !== undefined) return stopped;
    // Another one, where a mark has led it elsewhere.
    const route = (skb as Skb).route as SentRoute;
    skb.outInterface = route.device;
    const comesBack = this.stack.comesBack(skb.packet, route);
    // IPv4 makes the copy before the packet leaves, IPv6 after.
    if (comesBack && skb.family === 'ipv4') {
      const copied = this.comeBack(skb, route, observer);
      // With TTL 0 the copy is all there is: the packet stays within the host.
      if (route.type === 'multicast' && skb.ttl === 0) return copied;
    }
    const late = this.pass('POSTROUTING', skb, 'output', kind, observer);
    if (late !== undefined) return late;
    if (comesBack && skb.family === 'ipv6') this.comeBack(skb, route, observer);
    return route.device === 'lo' ? this.loop(skb, route, observer) : this.accept(skb, 'output', route.device);
  }

  /** The host's own copy of a broadcast or multicast: out and in again by the same device. */
  private comeBack(skb: Skb, route: SentRoute, observer: WalkObserver | undefined): Outcome {
    const copy = skb.copy('loopback');
    const type = route.type === 'broadcast' ? 'broadcast' : 'multicast';
    let outcome = this.pass('POSTROUTING', copy, 'output', type, observer);
    if (outcome === undefined) {
      copy.inInterface = route.device;
      copy.outInterface = '';
      outcome = this.arriveAgain(copy, type, observer);
    }
    skb.log = copy.log;
    // The last table that filters has the say in the record, whichever of the two passed it.
    if (copy.decision?.table === 'filter') skb.decision = copy.decision;
    return outcome;
  }

  /** Back in through `lo`, with its connection, its mark, and the route it was sent by. */
  private loop(skb: Skb, { type }: SentRoute, observer: WalkObserver | undefined): Outcome {
    skb.inInterface = 'lo';
    skb.outInterface = '';
    skb.loopedMark = skb.mark;
    return this.arriveAgain(skb, type === 'broadcast' || type === 'multicast' ? type : 'local', observer);
  }

  /** In at `skb.inInterface` what has just gone out, without another routing decision. */
  private arriveAgain(skb: Skb, route: AnswerRoute, observer: WalkObserver | undefined): Outcome {
    const fault = this.stack.loopFault(skb.packet, skb.inInterface);
    // The header is looked at before the hook, IPv4 options behind it.
    if (fault !== undefined && (skb.family === 'ipv6' || fault.fault === 'bad-version'))
      return { verdict: 'drop', skb, fault: fault.fault };
    const early = this.pass('PREROUTING', skb, 'output', route, observer);
    if (early !== undefined) return early;
    if (fault !== undefined) return { verdict: 'drop', skb, fault: fault.fault };
    return this.stack.takesLooped(skb.packet, skb.inInterface)
      ? this.deliver(skb, route, observer)
      : { verdict: 'drop', skb, fault: 'multicast-not-joined' };
  }

  /** Runs a hook; undefined when the packet goes on. */
  private pass(
    hook: HookName,
    skb: Skb,
    path: Path | undefined,
    route: AnswerRoute,
    observer: WalkObserver | undefined,
  ): Outcome | undefined {
    const hooks = this.hooks[skb.family];
    const verdict: HookVerdict = hooks.run(hook, skb, observer);
    if (verdict === 'accept') return undefined;
    const where = path === undefined ? { skb } : { skb, path };
    switch (verdict) {
      case 'held':
        return { verdict, skb };
      case 'stack-drop':
        return { verdict: 'drop', skb, fault: 'reassembly' };
      case 'unroutable':
        return { ...where, verdict: 'drop', fault: faultOf(skb.route) };
      case 'table-full':
        return { verdict: 'drop', skb, fault: 'conntrack-full' };
      case 'drop':
        return { ...where, verdict };
      case 'undecided':
        this.leaveUndecided(skb);
        return { ...where, verdict };
      case 'reject': {
        // A packet that gets no answer is merely dropped.
        const rejectWith = this.reject(skb, skb.decision!.rule!, route);
        return rejectWith === undefined ? { ...where, verdict: 'drop' } : { ...where, verdict, rejectWith };
      }
    }
  }

  private accept(skb: Skb, path: Path, output?: string): Outcome {
    const markUnknown = skb.ctUnknown
      ? this.uncertainty.marksConnections
      : skb.connection?.markUnknown === true;
    // What the connection's mark is belongs to the record, and an earlier packet left it open.
    if (markUnknown) return { verdict: 'undecided', skb, path };
    return output === undefined ? { verdict: 'accept', skb, path } : { verdict: 'accept', skb, path, output };
  }

  private leaveUndecided(skb: Skb): void {
    if (this.hooks[skb.family].tracks) {
      const { decision } = skb;
      if (decision?.table === 'raw') this.tracker.trackUncertain(skb);
      this.tracker.confirmUncertain(skb);
      if (this.uncertainty.translates) this.tracker.context.translationsUnknown = true;
    }
    this.uncertainty.spread(skb);
  }

  private refuseByStack(skb: Skb, { fault, error }: StackDrop, route: AnswerRoute): Outcome {
    if (error !== undefined) {
      const { packet, packetType } = skb;
      const answer = answerWithIcmp(this.stack, { packet, packetType, route, device: deviceOf(skb) }, error);
      if (answer !== undefined) this.emitAnswer(answer, skb);
    }
    return { verdict: 'drop', skb, fault };
  }

  /** Sends the answer; undefined when the packet may get none. */
  private reject(skb: Skb, rule: Rule, route: AnswerRoute): RejectWith | undefined {
    if (rule.target.kind !== 'REJECT')
      throw new Error('a packet was rejected by a rule that does not reject');
    const { with: kind } = rule.target;
    const { packet, packetType } = skb;
    if (skb.checksumKnown && !skb.checksumValid && !rejectChecksumValid(packet)) return undefined;
    // The stack fills in options on arrival, and what it has written there spoils the sum that REJECT checks,
    // unless connection tracking has summed the packet before.
    const summed = this.tracks(packet.family) && skb.ctInfo !== CT_UNTRACKED;
    const spoilt = route !== 'output' && packet.family === 'ipv4' && !summed && optionsRewritten(packet);
    if (spoilt && skb.checksumKnown && (kind === 'tcp-reset' || !skb.checksumValid)) return undefined;
    const cause = { packet, packetType, route, device: deviceOf(skb) };
    let answer: Answer | undefined;
    if (kind === 'tcp-reset') {
      answer = answerWithReset(this.stack, cause);
    } else {
      const [type, code] = UNREACHABLE_CODES[kind];
      answer = answerWithIcmp(this.stack, cause, { type, code, info: 0 });
    }
    if (answer === undefined) return undefined;
    if (kind === 'tcp-reset' && skb.connection !== undefined) this.tracker.closeByReset(skb.connection);
    this.emitAnswer(answer, skb);
    return kind;
  }

  private emitAnswer(answer: Answer, cause: Skb): void {
    const skb = new Skb(answer.packet, 'host', true);
    this.tracker.attach(skb, cause);
    this.emit(skb, answer.route, undefined);
  }

  private newSkb(packet: Skb['packet'], type: Skb['packetType'], frame: ReplayPacket): Skb {
    const known = this.options.verifyChecksums && frame.frame.length >= frame.wireLength;
    const skb = new Skb(packet, type, known);
    if (this.options.trace) skb.trace = [];
    return skb;
  }
}

function faultOf(route: OutputRoute | undefined): StackFault {
  return route?.kind === 'drop' ? route.fault : 'net-unreachable';
}

export const CUT_SHORT = 'the capture cut the packet inside its headers';

/** Bytes of an upper-layer header that matches and conntrack read. */
const HEADER_BYTES: Readonly<Record<number, number>> = { 1: 8, 6: 20, 17: 8, 58: 8, 132: 12 };
const TCP = 6;

/** True when bytes that were on the wire, but not in the capture, would be read. */
export function headersCut(packet: Skb['packet'], frame: ReplayPacket): boolean {
  if (frame.wireLength <= frame.frame.length) return false;
  let header = HEADER_BYTES[packet.protocol] ?? 0;
  // TCP with the options its data offset claims.
  if (packet.protocol === TCP && packet.l4Offset + header <= packet.end) {
    header = Math.max(header, (packet.frame[packet.l4Offset + 12]! >>> 4) * 4);
  }
  const wanted = packet.l4Offset + header;
  return Math.min(wanted, packet.l3Offset + packet.length) > packet.end;
}

/** ICMP or ICMPv6 type and code of each `--reject-with` but tcp-reset. */
const UNREACHABLE_CODES: Readonly<Record<Exclude<RejectWith, 'tcp-reset'>, readonly [number, number]>> = {
  'icmp-net-unreachable': [3, 0],
  'icmp-host-unreachable': [3, 1],
  'icmp-proto-unreachable': [3, 2],
  'icmp-port-unreachable': [3, 3],
  'icmp-net-prohibited': [3, 9],
  'icmp-host-prohibited': [3, 10],
  'icmp-admin-prohibited': [3, 13],
  'icmp6-no-route': [1, 0],
  'icmp6-adm-prohibited': [1, 1],
  'icmp6-addr-unreachable': [1, 3],
  'icmp6-port-unreachable': [1, 4],
  'icmp6-policy-fail': [1, 5],
  'icmp6-reject-route': [1, 6],
};

/** Where a packet came in; of the host's own, where it shall go out. */
function deviceOf({ inInterface, outInterface }: Skb): string {
  return inInterface === '' ? outInterface : inInterface;
}
