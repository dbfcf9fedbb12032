// SPDX-License-Identifier: Apache-2.0
// The runners on the compiled object, `vm` and `kernel`: they differ in the executor only. A program judges
// frames at one attach point; around it stands the stack module: which device a frame belongs to, which way
// the host sends its own packets, what is forwarded where, what the stack drops and answers.
import type { Host } from '../host/host.js';
import { answerWithIcmp } from '../host/answers.js';
import type { OutputRoute } from '../host/output-routing.js';
import type { StackDrop } from '../host/stack-drop.js';
import { Stack, type Arrived } from '../host/stack.js';
import { sysctl } from '../host/sysctls.js';
import type { Model } from '../model/model.js';
import type { PacketType } from '../packet/ethernet.js';
import type { ReplayPacket } from '../packet/packet.js';
import type { ParsedPacket } from '../packet/parse.js';
import { encodeStruct } from '../program/layout-codec.js';
import { CONFIG, MODE } from '../program/layout.js';
import { CUT_SHORT, headersCut } from '../ruleset/evaluate/host-walk.js';
import type { Ruleset } from '../ruleset/ruleset.js';
import { VmFault } from '../vm/fault.js';
import {
  isRefusal,
  type AttachPoint,
  type Executor,
  type ExecutorInput,
  type ExecutorOutput,
} from './executor.js';
import { receivedFrame, sentFrame } from './program-frame.js';
import { ProgramResult } from './program-result.js';
import type { Runner } from './runner.js';
import type { RuleReference, VerdictRecord } from './verdict.js';

export interface ProgramRunnerOptions {
  /** `trust`: no checksum is looked at. */
  readonly checksums: 'verify' | 'trust';
  /** True: records list the rules met. */
  readonly trace?: boolean;
  /** The program at XDP alone: what it passes on is `deferred`. Else that runs, where there is one, before TC. */
  readonly only?: 'xdp';
}

/** What the object was made from: names for its rule ids and interface ids. */
export interface ProgramSource {
  readonly model: Model;
  readonly ruleset: Ruleset;
}

/** Stands for the MAC address of each interface (bpf/lib/xdp.h): locally administered, in no capture. */
const STATION = Uint8Array.of(0x02, 0x1b, 0xf7, 0, 0, 1);

/** The program gave its frame to `bpf_redirect`. */
const TC_ACT_REDIRECT = 7;

/** bpf/lib/tc.h: how a program is told of an ICMP error of the stack's own. */
const PRIORITY_ERROR = 0xa15d0000;

/** bpf/lib/tc.h: how a test-run, which can't set the packet's type, is told of a looped copy. */
const PRIORITY_LOOPED = 0xa15f0000;

/** bpf/lib/reject.h: bit of the priority of an answer that is in another host's name. */
const ANSWER_ASTRAY = 0x100;

type SentRoute = Extract<OutputRoute, { readonly kind: 'output' }>;

/** Prepares the object's maps for a replay. Close the runner to close the executor. */
export function openProgramRunner(
  executor: Executor,
  source: ProgramSource,
  host: Host,
  options: ProgramRunnerOptions,
): Runner {
  const replay = new ProgramReplay(executor, source, host, options);
  return {
    name: executor.name,
    run: (batch) => Promise.resolve(batch.map((packet) => replay.decide(packet))),
    close: () => {
      executor.close();
      return Promise.resolve();
    },
  };
}

class ProgramReplay {
  private readonly stack: Stack;
  private readonly result: ProgramResult;
  private readonly names = new Map<number, string>();
  private readonly hz: number;
  /** Time of the packet being judged: nanoseconds since the epoch, never less than of one before. */
  private clockNs = 0n;
  private verifiesChecksums: boolean | undefined;
  private last: ExecutorOutput = { action: 0, frame: new Uint8Array(0), mark: 0, priority: 0 };

  constructor(
    private readonly executor: Executor,
    { model, ruleset }: ProgramSource,
    private readonly host: Host,
    private readonly options: ProgramRunnerOptions,
  ) {
    this.stack = new Stack(host);
    this.hz = model.hz;
    for (const [name, id] of Object.entries(model.interfaces)) {
      const number = executor.interfaceIndex(name);
      if (number === undefined) continue;
      this.names.set(number, name);
      executor.update('interfaces', u32(number), u32(id));
      if (executor.has('xdp') && name !== 'lo') {
        executor.update('stations', u32(number), Uint8Array.of(...STATION, 0, 0));
      }
    }
    this.configure(options.checksums === 'verify');
    this.result = new ProgramResult(executor.value('results'), model, ruleset);
  }

  decide(packet: ReplayPacket): VerdictRecord {
    if (packet.timestampNs > this.clockNs) this.clockNs = packet.timestampNs;
    try {
      return packet.interface === 'local' ? this.send(packet) : this.receive(packet);
    } catch (error) {
      if (!(error instanceof VmFault)) throw error;
      // A bug of ours, in the generated program or the VM: all that helps to find it.
      const last = error.lastRule === undefined ? 'none' : this.result.nameOf(error.lastRule);
      throw new Error(`packet ${String(packet.index)}: ${error.message}\n  last rule met: ${last}`, {
        cause: error,
      });
    }
  }

  private receive(packet: ReplayPacket): VerdictRecord {
    const { index, interface: name } = packet;
    const whole = packet.frame.length >= packet.wireLength;
    this.configure(this.options.checksums === 'verify' && whole);
    const arrived = this.stack.arrive(packet, this.options.checksums === 'verify');
    if (arrived.kind === 'not-ip') return { index, interface: name, verdict: 'not-ip' };
    if (arrived.kind === 'arrived' && headersCut(arrived.packet, packet)) return refused(packet, CUT_SHORT);
    const device = arrived.kind === 'arrived' ? arrived.interface : name;
    const packetType = arrived.kind === 'arrived' ? arrived.packetType : 'host';
    const l3 = arrived.kind === 'arrived' ? arrived.packet.l3Offset : 14;
    const frame = receivedFrame(packet.frame, l3, packet.wireLength);
    // A tagged frame is nothing to XDP, and on lo it is not attached.
    if (this.executor.has('xdp') && l3 === 14 && device === name && device !== 'lo') {
      const early = { frame: addressed(frame, packetType), device, ingressDevice: device, packetType };
      const trouble = this.run('xdp', { ...early, mark: 0, priority: 0, timestampNs: this.clockNs });
      if (trouble !== undefined) return refused(packet, trouble);
      if (this.result.verdict() === 'drop') return this.refusedByRule(packet);
    }
    if (this.options.only === 'xdp') return deferred(packet);
    const refusal = this.run('tc/ingress', {
      frame,
      device,
      ingressDevice: device,
      packetType,
      mark: 0,
      priority: 0,
      timestampNs: this.clockNs,
    });
    if (refusal !== undefined) return refused(packet, refusal);
    // The program ran all the same: what it counts and remembers, it does before the stack looks.
    if (arrived.kind === 'drop') return droppedByStack(packet);
    return this.received(packet, arrived);
  }

  /** The record of a frame that the stack lets in, after its program ran. */
  private received(packet: ReplayPacket, arrived: Arrived): VerdictRecord {
    const { result, stack } = this;
    const { index, interface: name } = packet;
    switch (result.verdict()) {
      case 'pass':
        return { index, interface: name, verdict: 'not-ip' };
      case 'drop':
        return this.refusedByRule(packet);
      case 'reject': {
        const record = this.refusedByRule(packet);
        this.sendAnswer();
        return record;
      }
      case 'stack':
      case 'accept': {
        const facts = this.facts();
        const route = stack.routeInput(arrived.packet, arrived.interface, result.mark);
        if (route.kind === 'drop') return this.droppedByStack(packet, arrived, route, facts);
        if (result.verdict() === 'stack' && route.kind === 'local') {
          return droppedByStack(packet, facts);
        }
        const { packet: parsed, packetType } = arrived;
        if (route.kind === 'local') return this.accepted(packet, 'input', facts);
        const fault = stack.forward(parsed, packetType, parsed.ttl, arrived.interface, route.device);
        if (fault !== undefined) return this.droppedByStack(packet, arrived, fault, facts);
        if (result.verdict() === 'stack') return droppedByStack(packet, facts);
        // At egress the program drops what leaves by another interface than it predicted.
        const predicted = this.names.get(result.output);
        if (predicted !== undefined && predicted !== route.device) {
          return droppedByStack(packet, facts);
        }
        return this.accepted(packet, 'forward', facts, { output: route.device, ttl: parsed.ttl - 1 });
      }
    }
  }

  private send(packet: ReplayPacket): VerdictRecord {
    const { index, interface: name } = packet;
    this.configure(this.options.checksums === 'verify' && packet.frame.length >= packet.wireLength);
    if (this.options.only === 'xdp') return deferred(packet);
    const parsed = this.stack.send(packet);
    if ('kind' in parsed) {
      return parsed.kind === 'not-ip'
        ? { index, interface: name, verdict: 'not-ip' }
        : droppedByStack(packet);
    }
    if (headersCut(parsed, packet)) return refused(packet, CUT_SHORT);
    const route = this.stack.routeSent(parsed);
    if (route.kind === 'drop') return droppedByStack(packet);
    return this.emit(packet, parsed, route);
  }

  /** A packet of the host itself: out through its device, and back in where that is `lo`. */
  private emit(packet: ReplayPacket, parsed: ParsedPacket, route: SentRoute, priority = 0): VerdictRecord {
    const { result } = this;
    const { device } = route;
    const frame = sentFrame(parsed, packet.wireLength);
    const packetType: PacketType = 'host';
    const common = { frame, device, packetType, priority: 0, timestampNs: this.clockNs };
    const out = this.run('tc/egress', { ...common, ingressDevice: '', mark: 0, priority });
    if (out !== undefined) return refused(packet, out);
    if (result.verdict() === 'drop' || result.verdict() === 'reject') {
      const record = this.refusedByRule(packet);
      this.sendAnswer();
      return record;
    }
    const before = this.facts();
    const mark = result.verdict() === 'accept' ? result.mark : 0;
    if (device !== 'lo') {
      if (!this.stack.comesBack(parsed, route))
        return this.accepted(packet, 'output', before, { output: device });
      const copy = {
        ...common,
        ingressDevice: device,
        packetType: 'loopback',
        priority: PRIORITY_LOOPED,
        mark,
      } as const;
      // With TTL 0 the copy is all there is: the packet stays within the host.
      const stays = parsed.family === 'ipv4' && route.type === 'multicast' && parsed.ttl === 0;
      return stays ? this.arriveAgain(copy, packet, before) : this.sendBack(copy, packet, before);
    }
    return this.arriveAgain({ ...common, ingressDevice: 'lo', mark }, packet, before);
  }

  /** What has left comes in again, and that decides. */
  private arriveAgain(input: ExecutorInput, packet: ReplayPacket, before: Facts): VerdictRecord {
    const { result } = this;
    const refusal = this.run('tc/ingress', input);
    if (refusal !== undefined) return refused(packet, refusal);
    if (result.verdict() === 'stack') {
      // It keeps what it had got on its way out.
      const { state, isReply } = before;
      return droppedByStack(packet, { ...this.facts(before), state, isReply }, input.mark);
    }
    if (result.verdict() === 'drop') return this.refusedByRule(packet, before, input.mark);
    if (result.verdict() === 'reject') {
      const record = this.refusedByRule(packet, before, input.mark);
      this.sendAnswer();
      return record;
    }
    return this.accepted(packet, 'input', this.facts(before));
  }

  /**
   * The host's own copy of a broadcast or multicast is judged like what arrives. What becomes of it is not what
   * becomes of the packet, but the last table that filters has the say in the record, as it has in the kernel's.
   */
  private sendBack(input: ExecutorInput, packet: ReplayPacket, before: Facts): VerdictRecord {
    const { device } = input;
    const sentBy = this.result.rule;
    const refusal = this.run('tc/ingress', input);
    if (refusal !== undefined) return refused(packet, refusal);
    const { state, isReply } = before;
    const after = { ...this.facts(before), state, isReply };
    const judged = this.result.rule;
    const rule = judged?.table === 'filter' ? judged : sentBy;
    return this.accepted(packet, 'output', after, { output: device }, { rule, mark: input.mark });
  }

  private accepted(
    packet: ReplayPacket,
    path: 'input' | 'forward' | 'output',
    facts: Facts,
    where?: { readonly output: string; readonly ttl?: number },
    { rule, mark }: { readonly rule: RuleReference | undefined; readonly mark: number } = this.result,
  ): VerdictRecord {
    const { index, interface: name } = packet;
    const record: Writable<VerdictRecord> = { index, interface: name, path, verdict: 'accept' };
    if (rule !== undefined) record.rule = rule;
    if (where !== undefined) record.output = where.output;
    if (where?.ttl !== undefined) record.ttl = where.ttl;
    if (mark !== 0) record.mark = mark;
    return addFacts(record, facts);
  }

  /**
   * DROP and REJECT; a rejected packet that gets no answer is merely dropped. `markBefore`: the mark with which a
   * looped packet had left the host.
   */
  private refusedByRule(packet: ReplayPacket, before?: Facts, markBefore = 0): VerdictRecord {
    const { path, rule, reason, rejectWith } = this.result;
    const { index, interface: name } = packet;
    const rejected = rejectWith !== undefined && this.result.verdict() === 'reject';
    const record: Writable<VerdictRecord> = { index, interface: name, verdict: rejected ? 'reject' : 'drop' };
    if (path !== undefined) record.path = path;
    if (reason !== undefined) record.reason = reason;
    if (rule !== undefined) record.rule = rule;
    if (rejected) record.rejectWith = rejectWith;
    if (markBefore !== 0) record.mark = markBefore;
    return addFacts(record, this.facts(before));
  }

  /** The stack's own error goes out like any packet of the host: through OUTPUT, where it moves state. */
  private droppedByStack(
    packet: ReplayPacket,
    arrived: Arrived,
    { error }: StackDrop,
    facts: Facts,
  ): VerdictRecord {
    const record = droppedByStack(packet, facts);
    if (error === undefined) return record;
    const { packet: parsed, packetType } = arrived;
    const answer = answerWithIcmp(
      this.stack,
      { packet: parsed, packetType, route: 'forward', device: arrived.interface },
      error,
    );
    if (answer !== undefined) {
      const { frame } = answer.packet;
      const { timestampNs, index } = packet;
      const sent = { index, interface: 'local', frame, timestampNs, wireLength: frame.length };
      this.emit(sent, answer.packet, answer.route, PRIORITY_ERROR);
    }
    return record;
  }

  /** State, logs and trace of the last run, behind those of the way out of a packet that comes back in. */
  private facts(before?: Facts): Facts {
    const { state, isReply, log } = this.result;
    const trace = this.options.trace === true ? this.result.trace : NOTHING;
    if (before === undefined) return { state, isReply, log, trace };
    return { state, isReply, log: [...before.log, ...log], trace: [...before.trace, ...trace] };
  }

  /**
   * The answer to a rejected packet leaves by the interface the program says, and passes OUTPUT there, where it may
   * be rejected and answered in turn; by `lo` it comes back in.
   */
  private sendAnswer(): void {
    if (this.last.action !== TC_ACT_REDIRECT) return;
    const device = this.names.get(this.result.output);
    if (device === undefined) return;
    const { frame, mark, priority } = this.last;
    const timestampNs = this.clockNs;
    const input = { device, ingressDevice: device, packetType: 'host', mark, priority, timestampNs } as const;
    const sent = { ...input, frame: frame.slice() };
    if (this.run('tc/egress', sent) !== undefined) return;
    if (this.result.verdict() === 'reject') this.sendAnswer();
    if (device !== 'lo' || this.result.verdict() !== 'accept') return;
    const isAstray = (priority & ANSWER_ASTRAY) !== 0;
    const back = { ...sent, mark: this.result.mark, priority: isAstray ? (priority & ~0xff) >>> 0 : 0 };
    if (this.run('tc/ingress', back) === undefined && this.result.verdict() === 'reject') this.sendAnswer();
  }

  /** Undefined: the program ran and recorded. Else why it couldn't. */
  private run(point: AttachPoint, input: ExecutorInput): string | undefined {
    const before = this.result.sequence;
    const answer = this.executor.run(point, input);
    if (isRefusal(answer)) return answer.refused;
    this.last = answer;
    if (this.result.sequence === before) throw new Error(`the program at ${point} recorded nothing`);
    return undefined;
  }

  private configure(verifiesChecksums: boolean): void {
    if (verifiesChecksums === this.verifiesChecksums) return;
    this.verifiesChecksums = verifiesChecksums;
    const { host, executor } = this;
    const config = encodeStruct(CONFIG, {
      mode: MODE.values.ENFORCE,
      record: 1,
      unlimited: 1,
      hz: this.hz,
      loopback: executor.interfaceIndex('lo') ?? 0,
      checksum: verifiesChecksums ? sysctl(host, 'nf_conntrack_checksum') : 0,
      tcp_loose: sysctl(host, 'nf_conntrack_tcp_loose'),
      forward4: sysctl(host, 'ip_forward'),
      forward6: sysctl(host, 'ipv6_forwarding'),
    });
    executor.update('config', u32(0), config);
  }
}

/** What a run tells beside the verdict. */
interface Facts {
  readonly state: VerdictRecord['state'] | undefined;
  readonly isReply: boolean;
  readonly log: readonly string[];
  readonly trace: readonly string[];
}

const NOTHING: readonly string[] = [];

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function addFacts(record: Writable<VerdictRecord>, { state, isReply, log, trace }: Facts): VerdictRecord {
  if (state !== undefined) {
    record.state = state;
    if (isReply) record.direction = 'reply';
  }
  if (log.length > 0) record.log = log;
  if (trace.length > 0) record.trace = trace;
  return record;
}

function droppedByStack({ index, interface: name }: ReplayPacket, facts?: Facts, mark = 0): VerdictRecord {
  const record: Writable<VerdictRecord> = { index, interface: name, verdict: 'drop', reason: 'stack' };
  if (mark !== 0) record.mark = mark;
  return facts === undefined ? record : addFacts(record, facts);
}

/** As XDP meets it: a frame for the host bears its interface's address. */
function addressed(frame: Uint8Array, packetType: PacketType): Uint8Array {
  if (packetType !== 'host' || frame.length < STATION.length) return frame;
  const out = frame.slice();
  out.set(STATION);
  return out;
}

function deferred({ index, interface: name }: ReplayPacket): VerdictRecord {
  return { index, interface: name, verdict: 'deferred' };
}

function refused({ index, interface: name }: ReplayPacket, reason: string): VerdictRecord {
  return { index, interface: name, verdict: 'refused', reason };
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
