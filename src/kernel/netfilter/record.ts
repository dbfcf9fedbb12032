// SPDX-License-Identifier: Apache-2.0
// From what was seen of one packet (events, trace) to its verdict record.
import { formatAddress } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import { ParsedPacket } from '../../packet/parse.js';
import type { RuleReference, Translated, VerdictRecord } from '../../replay/verdict.js';
import { EventKind, type Recorder } from './events.js';
import { SWALLOWED_PRIORITY } from './instrument.js';
import type { TraceLine } from './trace.js';

/** enum skb_drop_reason: the one reason that iptables gives. */
const NETFILTER_DROP = 12;

/** Chains of the hooks that a path is named after. */
const PATHS: Readonly<Record<string, 'input' | 'forward' | 'output'>> = {
  INPUT: 'input',
  FORWARD: 'forward',
  OUTPUT: 'output',
};
const BUILT_IN = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);
const PORT_PROTOCOLS = new Set([6, 17, 33, 132, 136]);

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export interface Observation {
  readonly index: number;
  readonly interface: string;
  /** The packet as it was given to the kernel: from its IP header on. */
  readonly given: Uint8Array;
  readonly family: Family;
  readonly recorder: Recorder;
  readonly trace: readonly TraceLine[];
  readonly interfaceName: (index: number) => string | undefined;
  /** Index of `lo`. */
  readonly loopback: number;
  /** Whether connections of this family are tracked in the namespace. */
  readonly tracking: boolean;
}

/** Event numbers of the packet itself; -1 where there was none. */
interface Course {
  readonly entered: boolean;
  /** The last hook that it got through. */
  readonly through: number;
  /** Why the packet was freed behind `through`; undefined when it wasn't. */
  readonly freedFor?: number;
  /** Passed everything: dropped by our own chain or handed to a device. */
  readonly swallowed: boolean;
}

export function makeRecord(seen: Observation): VerdictRecord {
  const course = followEvents(seen.recorder, seen.loopback);
  const { trace } = seen;
  const through = course.through < 0 ? {} : describeThrough(seen, course.through);
  const prefixes = trace.flatMap(({ rule }) => rule?.logPrefix ?? []);
  const common: Writable<Partial<VerdictRecord>> = {
    ...through,
    ...(prefixes.length === 0 ? {} : { log: prefixes }),
    ...(trace.length === 0 ? {} : { trace: trace.map((line) => line.text) }),
    ...answers(seen.recorder),
  };
  const head = { index: seen.index, interface: seen.interface };
  const last = trace.at(-1);
  if (course.swallowed || (course.through >= 0 && course.freedFor === undefined)) {
    return accepted(seen, course, head, common);
  }
  // On a second pass a NOTRACK may have come since.
  if (through.state === 'INVALID') delete common.state;
  const path = last === undefined ? undefined : pathOf(trace, seen.interface === 'local');
  const at = { ...(path === undefined ? {} : { path }) };
  if (course.freedFor === NETFILTER_DROP && last !== undefined && drops(last)) {
    const { rule } = last;
    // REJECT sends nothing to a RST, a bad checksum or a broadcast: then it is a plain drop.
    const rejectWith = wasAnswered(seen.recorder) ? rule?.rejectWith : undefined;
    return {
      ...head,
      verdict: rejectWith === undefined ? 'drop' : 'reject',
      ...(rejectWith === undefined ? {} : { rejectWith }),
      ...at,
      reason: rule === undefined ? 'policy' : 'rule',
      rule: reference(last, seen.family),
      ...common,
    };
  }
  if (course.freedFor === undefined && course.entered) return { ...head, verdict: 'held', ...common };
  const inConntrack = course.freedFor === NETFILTER_DROP && course.through >= 0;
  return { ...head, verdict: 'drop', ...at, reason: inConntrack ? 'conntrack' : 'stack', ...common };
}

function drops(line: TraceLine): boolean {
  if (line.rule === undefined) return line.policy === 'DROP';
  return line.rule.target === 'DROP' || line.rule.target === 'REJECT';
}

/**
 * A packet that left by a device was accepted, whatever became of the copy that came back to the host
 * (multicasts, broadcasts); else its last pass counts.
 */
function followEvents(recorder: Recorder, loopback: number): Course {
  let entered = false;
  let through = -1;
  let wire = -1;
  let freedFor: number | undefined;
  let swallowed = false;
  for (let i = 0; i < recorder.count; i++) {
    if (recorder.isAnswer(i)) continue;
    const kind = recorder.kind(i);
    if (kind === EventKind.ENTERED || kind === EventKind.BORN) {
      entered = true;
      swallowed = false;
    } else if (kind === EventKind.FREED) {
      if (recorder.priority(i) === SWALLOWED_PRIORITY) swallowed = true;
      else freedFor ??= recorder.reason(i);
    } else {
      through = i;
      freedFor = undefined;
      const leaves = kind === EventKind.SENT && recorder.outputIndex(i) !== loopback;
      if (leaves && !entersAgain(recorder, i)) wire = i;
    }
  }
  if (wire < 0) return { entered, through, swallowed, ...(freedFor === undefined ? {} : { freedFor }) };
  return diedBehind(recorder, wire)
    ? { entered, through: wire, swallowed: false, freedFor: NETFILTER_DROP }
    : { entered, through: wire, swallowed: true };
}

/** Dropped by netfilter behind our last look at it, and not by our own chain: by conntrack's confirm. */
function diedBehind(recorder: Recorder, event: number): boolean {
  const buffer = recorder.buffer(event);
  for (let i = event + 1; i < recorder.count; i++) {
    if (recorder.kind(i) !== EventKind.FREED || recorder.buffer(i) !== buffer) continue;
    return recorder.reason(i) === NETFILTER_DROP && recorder.priority(i) !== SWALLOWED_PRIORITY;
  }
  return false;
}

/** Sent, but to enter again: the host's own copy of a multicast or broadcast, which never leaves. */
function entersAgain(recorder: Recorder, event: number): boolean {
  const buffer = recorder.buffer(event);
  for (let i = event + 1; i < recorder.count; i++) {
    if (recorder.buffer(i) !== buffer || recorder.isAnswer(i)) continue;
    return recorder.kind(i) === EventKind.ENTERED;
  }
  return false;
}

function accepted(
  seen: Observation,
  course: Course,
  head: { index: number; interface: string },
  common: Partial<VerdictRecord>,
): VerdictRecord {
  const { recorder } = seen;
  const delivered = recorder.kind(course.through) === EventKind.DELIVERED;
  const output = delivered ? undefined : seen.interfaceName(recorder.outputIndex(course.through));
  const deciding = seen.trace.findLast((line) => line.table === 'filter') ?? seen.trace.at(-1);
  return {
    ...head,
    verdict: 'accept',
    path: delivered ? 'input' : seen.interface === 'local' ? 'output' : 'forward',
    ...(output === undefined ? {} : { output }),
    ...(deciding === undefined ? {} : { rule: reference(deciding, seen.family) }),
    ...common,
  };
}

function reference(line: TraceLine, family: Family): RuleReference {
  const { table, chain } = line;
  const where = { family, table, chain };
  if (line.rule === undefined) return { ...where, policy: true };
  return { ...where, number: line.number, line: line.rule.line };
}

/** The hook whose chain was walked last; PREROUTING belongs to no path. */
function pathOf(trace: readonly TraceLine[], local: boolean): 'input' | 'forward' | 'output' | undefined {
  const hook = trace.findLast((line) => BUILT_IN.has(line.chain))?.chain ?? '';
  if (hook === 'POSTROUTING') return local ? 'output' : 'forward';
  return PATHS[hook];
}

const STATES = ['ESTABLISHED', 'RELATED', 'NEW', 'ESTABLISHED', 'RELATED'] as const;
const FIRST_REPLY = 3;
const UNTRACKED = 7;

/** What of the packet differs from what was sent, and its marks and state, as the last hook saw it. */
function describeThrough(seen: Observation, event: number): Partial<VerdictRecord> {
  const { recorder, family } = seen;
  const sent = asSent(seen);
  const header = recorder.header(event);
  const ttlAt = family === 'ipv4' ? 8 : 7;
  const translated = translation(sent, header, family);
  const tos = trafficClass(header, family);
  const mark = recorder.mark(event);
  const connectionMark = recorder.connectionMark(event);
  return {
    ...(translated === undefined ? {} : { translated }),
    ...(mark === 0 ? {} : { mark }),
    ...(connectionMark === 0 ? {} : { connectionMark }),
    ...connectionState(recorder, event, seen.tracking),
    ...(header[ttlAt] === sent[ttlAt] ? {} : { ttl: header[ttlAt]! }),
    ...(tos === trafficClass(sent, family) ? {} : { tos }),
  };
}

/** A local packet gets its source address from the kernel where it has none: what OUTPUT saw counts. */
function asSent({ recorder, given, interface: from }: Observation): Uint8Array {
  if (from !== 'local') return given;
  for (let i = 0; i < recorder.count; i++) {
    if (recorder.kind(i) === EventKind.BORN && !recorder.isAnswer(i)) return recorder.header(i);
  }
  return given;
}

function trafficClass(packet: Uint8Array, family: Family): number {
  return family === 'ipv4' ? packet[1]! : ((packet[0]! & 0xf) << 4) | (packet[1]! >> 4);
}

function connectionState(recorder: Recorder, event: number, tracking: boolean): Partial<VerdictRecord> {
  const info = recorder.connectionInfo(event);
  if (info === UNTRACKED) return { state: 'UNTRACKED' };
  if (!recorder.hasConnection(event)) return tracking ? { state: 'INVALID' } : {};
  const state = STATES[info];
  if (state === undefined) return {};
  return { state, ...(info >= FIRST_REPLY ? { direction: 'reply' } : {}) };
}

/** Addresses and ports that differ; ports only where this very packet carries them. */
function translation(before: Uint8Array, after: Uint8Array, family: Family): Translated | undefined {
  const was = new ParsedPacket(before, family, 0, before.length);
  const is = new ParsedPacket(after, family, 0, after.length);
  const addressesDiffer = (a: readonly number[], b: readonly number[]): boolean =>
    a.some((w, i) => w !== b[i]);
  const ports = portsOf(was);
  const newPorts = portsOf(is);
  const moved = ports === undefined || newPorts === undefined ? undefined : { ports, newPorts };
  const translated: Translated = {
    ...(addressesDiffer(was.source, is.source) ? { source: formatAddress(is.source) } : {}),
    ...(addressesDiffer(was.destination, is.destination)
      ? { destination: formatAddress(is.destination) }
      : {}),
    ...(moved !== undefined && moved.ports.source !== moved.newPorts.source
      ? { sourcePort: moved.newPorts.source }
      : {}),
    ...(moved !== undefined && moved.ports.destination !== moved.newPorts.destination
      ? { destinationPort: moved.newPorts.destination }
      : {}),
  };
  return Object.keys(translated).length === 0 ? undefined : translated;
}

function portsOf(packet: ParsedPacket): { source: number; destination: number } | undefined {
  const { frame, l4Offset, end } = packet;
  if (!PORT_PROTOCOLS.has(packet.protocol) || packet.fragmentOffset !== 0 || end < l4Offset + 4)
    return undefined;
  return {
    source: (frame[l4Offset]! << 8) | frame[l4Offset + 1]!,
    destination: (frame[l4Offset + 2]! << 8) | frame[l4Offset + 3]!,
  };
}

function wasAnswered(recorder: Recorder): boolean {
  for (let i = 0; i < recorder.count; i++) {
    if (recorder.kind(i) === EventKind.BORN && recorder.isAnswer(i)) return true;
  }
  return false;
}

/** Answers as they left, or as they went back to the host itself. */
function answers(recorder: Recorder): Partial<VerdictRecord> {
  const replies: string[] = [];
  for (let i = 0; i < recorder.count; i++) {
    if (recorder.kind(i) === EventKind.SENT && recorder.isAnswer(i))
      replies.push(recorder.header(i).toString('hex'));
  }
  return replies.length === 0 ? {} : { replies };
}
