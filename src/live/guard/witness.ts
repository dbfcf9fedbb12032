// SPDX-License-Identifier: Apache-2.0
// A packet out of a lost part of a guard's flow, with the packets before it that its connection's state takes, judged
// by the reference evaluator: only what that drops too is shown as a counterexample.
import type { Host } from '../../host/host.js';
import { CT_FIELD, fieldMaximum, type FieldName } from '../../model/fields.js';
import type { Model } from '../../model/model.js';
import { contains, type Ranges } from '../../model/ranges.js';
import { rangesOf } from '../../model/region.js';
import { formatAddress } from '../../net/address.js';
import { buildPacket } from '../../packet/build.js';
import { describeFrame } from '../../packet/describe.js';
import { TCP_FLAGS, type Layer, type TcpFlag } from '../../packet/layers.js';
import type { ReplayPacket } from '../../packet/packet.js';
import type { VerdictRecord } from '../../replay/verdict.js';
import { HostWalk } from '../../ruleset/evaluate/host-walk.js';
import { toRecord } from '../../ruleset/evaluate/index.js';
import type { Ruleset } from '../../ruleset/ruleset.js';
import type { FlowLoss } from './guard-walk.js';
import type { Guard } from './guard-text.js';

export interface Witness {
  readonly packet: ReplayPacket;
  /** The packet's headers in one line. */
  readonly text: string;
  readonly record: VerdictRecord;
  /** How many packets of the flow came before it. */
  readonly before: number;
}

export interface Judged {
  readonly ruleset: Ruleset;
  readonly host: Host;
  readonly model: Model;
}

/** Values of fields of one packet. */
type Values = ReadonlyMap<string, number>;

/** Choices tried in a part. */
const CHOICES = 8;
/** Packets of the same kind sent to use up a limit. */
const MOST_REPEATS = 2000;
const SOME_TIME_NS = 1_700_000_000_000_000_000n;
const MS_NS = 1_000_000n;
const SYN = 2;
const ACK = 16;

/** Undefined where no packet that was tried is dropped by the evaluator. */
export function findWitness(loss: FlowLoss, guard: Guard, judged: Judged): Witness | undefined {
  for (let choice = 0; choice < CHOICES; choice++) {
    const values = choose(loss, choice, judged);
    if (values === undefined) continue;
    const story = storyOf(loss, values, guard, judged);
    if (story === undefined) continue;
    const found = judge(story, judged);
    if (found !== undefined) return found;
  }
  const repeats = Math.min(MOST_REPEATS, mostBurst(judged.model) + 2);
  const values = choose(loss, 0, judged);
  const story = repeats > 2 && values !== undefined ? storyOf(loss, values, guard, judged) : undefined;
  return story && judge([...story, ...Array<ReplayPacket>(repeats).fill(story[story.length - 1]!)], judged);
}

/** The first packet that a rule does not let through. */
function judge(packets: readonly ReplayPacket[], { ruleset, host }: Judged): Witness | undefined {
  const walk = new HostWalk(ruleset, host, { verifyChecksums: true, trace: false });
  for (const [index, each] of packets.entries()) {
    const packet = { ...each, index, timestampNs: SOME_TIME_NS + BigInt(index) * MS_NS };
    const record = toRecord(packet, walk.decide(packet), walk);
    if (record.verdict === 'accept') continue;
    const isOfRules = record.reason === 'rule' || record.reason === 'policy';
    if (!isOfRules || (record.verdict !== 'drop' && record.verdict !== 'reject')) return undefined;
    return { packet, record, text: describeFrame(packet), before: index };
  }
  return undefined;
}

/** One value for each field: what is usual first, then others. Undefined where a mask forbids them all. */
function choose({ box, flow }: FlowLoss, choice: number, { host, model }: Judged): Values | undefined {
  const derived = model.families.find(({ family }) => family === flow.family)!.derived;
  const usual = new Map<string, number[]>([
    [flow.direction === 'requests' ? 'SPORT' : 'DPORT', [40_000]],
    ['TTL', [64]],
    [
      'IIF',
      host.interfaces.filter(({ name }) => name !== 'lo').map(({ name }) => model.interfaces[name] ?? 0),
    ],
  ]);
  const values = new Map<string, number>();
  for (const [at, { key, ranges }] of box.entries()) {
    if (derived[key] !== undefined) continue;
    const wanted = usual.get(key)?.filter((value) => contains(ranges, value)) ?? [];
    const isOfHost = key === 'IIF' && wanted.length > 0;
    values.set(
      key,
      isOfHost || (choice === 0 && wanted.length > 0)
        ? wanted[choice % wanted.length]!
        : valueOf(ranges, fieldMaximum(key as FieldName), choice * (at + 1)),
    );
  }
  for (const { key, ranges } of box) {
    const mask = derived[key];
    if (mask?.kind !== 'masked') continue;
    const value = values.get(mask.field) ?? ranges[0]!.first;
    values.set(mask.field, value);
    if (!contains(ranges, (value & mask.mask) >>> 0)) return undefined;
  }
  return values;
}

/** The lowest for 0, then, by number, of each range the ends and what lies between. */
function valueOf(ranges: Ranges, maximum: number, number: number): number {
  const { first, last } = ranges[number % ranges.length]!;
  const shares = [0, 1, 0.5, 0.25, 0.75];
  const share = shares[Math.floor(number / ranges.length) % shares.length]!;
  return Math.floor(first + (Math.min(last, maximum) - first) * share);
}

/** The packets that lead to the lost one, and it. Undefined where they cannot be written. */
function storyOf(
  { box, flow, state }: FlowLoss,
  values: Values,
  guard: Guard,
  { host, model }: Judged,
): ReplayPacket[] | undefined {
  const isRequest = flow.direction === 'requests';
  const arrival = interfaceOf(isRequest ? values.get('IIF')! : undefined, host, model, guard);
  if (arrival === undefined) return undefined;
  const words = flow.family === 'ipv4' ? [0] : [0, 1, 2, 3];
  const address = (side: 'SRC' | 'DST'): string =>
    formatAddress(words.map((word) => values.get(`${side}${String(word)}`) ?? 0));
  const [client, own] = isRequest ? [address('SRC'), address('DST')] : [address('DST'), address('SRC')];
  const isPing = guard.protocol === 'ping';
  const near = values.get('SPORT')!;
  const far = values.get('DPORT') ?? 40_000;
  const [clientPort, port] = isRequest ? [near, far] : [far, near];
  const frame = (fromClient: boolean, what: Part): ReplayPacket =>
    packetOf({
      fromClient,
      what,
      family: flow.family,
      protocol: guard.protocol,
      source: fromClient ? client : own,
      destination: fromClient ? own : client,
      // Of a ping both are the identifier.
      clientPort: isPing ? far : clientPort,
      port,
      arrival,
    });
  const lost: Part = {
    flags: values.get('TCPFLAGS') ?? 0,
    ttl: values.get('TTL') ?? 64,
    length: values.get('LENGTH') ?? 0,
    options: optionsOf(values.get('TCPOPT') ?? 0, model),
    mac: [values.get('MAC0'), values.get('MAC1')],
  };
  const plain = (flags: number): Part => ({
    flags,
    ttl: 64,
    length: 0,
    options: [],
    mac: [undefined, undefined],
  });
  const last = frame(isRequest, lost);
  const first = frame(true, plain(SYN));
  const answer = frame(false, plain(SYN | ACK));
  const isTcp = guard.protocol === 'tcp';
  const ct = rangesOf(box, 'CT') ?? [];
  const some = (bit: number): boolean =>
    ct.some(({ first: low, last: high }) => {
      for (let value = low; value <= high; value++) if ((value & bit) !== 0) return true;
      return false;
    });
  const isFirst = isTcp && (lost.flags & (SYN | ACK)) === SYN;
  if (state === undefined || state === 'UNTRACKED' || state === 'not tracked')
    return isRequest ? (isFirst || !isTcp ? [last] : [first, answer, last]) : [first, last];
  if (state === 'NEW')
    return ct.every(({ first: low }) => (low & CT_FIELD.CONFIRMED) !== 0) ? [last, last] : [last];
  if (!isTcp) return isRequest ? [first, answer, last] : [first, last];
  if (!isRequest && (lost.flags & SYN) !== 0) return [first, last];
  const open = [first, answer];
  return some(CT_FIELD.ASSURED) && !isFirst ? [...open, frame(true, plain(ACK)), last] : [...open, last];
}

interface Part {
  readonly flags: number;
  readonly ttl: number;
  /** Of the IP packet; 0: as short as it is. */
  readonly length: number;
  readonly options: readonly number[];
  /** Bytes 0-3 and 4-5 of the source MAC address. */
  readonly mac: readonly [number | undefined, number | undefined];
}

interface Written {
  readonly fromClient: boolean;
  readonly what: Part;
  readonly family: 'ipv4' | 'ipv6';
  readonly protocol: Guard['protocol'];
  readonly source: string;
  readonly destination: string;
  readonly clientPort: number;
  readonly port: number;
  readonly arrival: { readonly name: string; readonly mac: string | undefined };
}

const CLIENT_SEQUENCE = 1000;
const OWN_SEQUENCE = 5000;

function packetOf(written: Written): ReplayPacket {
  const { what, family, source, destination, fromClient, arrival } = written;
  const link: Layer = {
    kind: 'ethernet',
    ...(arrival.mac !== undefined && fromClient && { destination: arrival.mac }),
    ...(fromClient && macOf(what.mac)),
  };
  const ip: Layer =
    family === 'ipv4'
      ? { kind: 'ipv4', source, destination, ttl: what.ttl, dontFragment: true }
      : { kind: 'ipv6', source, destination, hopLimit: what.ttl };
  const upper = transport(written);
  const short = buildPacket(link, ip, upper);
  const missing = what.length - (short.length - 14);
  const frame =
    missing > 0 ? buildPacket(link, ip, upper, { kind: 'payload', data: new Uint8Array(missing) }) : short;
  return {
    index: 0,
    interface: fromClient ? arrival.name : 'local',
    frame,
    timestampNs: 0n,
    wireLength: frame.length,
  };
}

function transport({ protocol, family, fromClient, clientPort, port, what }: Written): Layer {
  const ports = fromClient
    ? { sourcePort: clientPort, destinationPort: port }
    : { sourcePort: port, destinationPort: clientPort };
  if (protocol === 'udp') return { kind: 'udp', ...ports };
  if (protocol === 'ping') {
    const [asks, answers] = family === 'ipv4' ? [8, 0] : [128, 129];
    const type = fromClient ? asks! : answers!;
    return { kind: family === 'ipv4' ? 'icmp' : 'icmp6', type, rest: (clientPort << 16) >>> 0 };
  }
  const isOpening = (what.flags & SYN) !== 0;
  return {
    kind: 'tcp',
    ...ports,
    flags: TCP_FLAGS.filter((_, bit) => (what.flags & (1 << bit)) !== 0) as TcpFlag[],
    sequence: (fromClient ? CLIENT_SEQUENCE : OWN_SEQUENCE) + (isOpening ? 0 : 1),
    acknowledgement: (what.flags & ACK) === 0 ? 0 : (fromClient ? OWN_SEQUENCE : CLIENT_SEQUENCE) + 1,
    ...(what.options.length > 0 && { options: what.options }),
  };
}

/** Options of the kinds that the bits stand for, each two bytes long but for those that are one. */
function optionsOf(bits: number, { tcpOptions }: Model): number[] {
  return tcpOptions.flatMap((kind, bit) => ((bits & (1 << bit)) === 0 ? [] : kind < 2 ? [kind] : [kind, 2]));
}

function macOf([high, low]: Part['mac']): { readonly source?: string } {
  if (high === undefined && low === undefined) return {};
  const bytes = Buffer.alloc(6);
  bytes.writeUInt32BE(high ?? 0x02000000, 0);
  bytes.writeUInt16BE((low ?? 1) & 0xffff, 4);
  return { source: [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':') };
}

/** By number; any of the guard's for answers. Undefined for one that the migrated host lacks. */
function interfaceOf(
  id: number | undefined,
  host: Host,
  model: Model,
  guard: Guard,
): { readonly name: string; readonly mac: string | undefined } | undefined {
  const others = host.interfaces.filter(({ name }) => name !== 'lo');
  const found =
    id === undefined
      ? (others.find(({ name }) => guard.interfaces?.includes(name)) ?? others[0])
      : others.find(({ name }) => model.interfaces[name] === id);
  return found && { name: found.name, mac: found.mac };
}

/** Packets that the widest limit lets through at once. */
function mostBurst({ families }: Model): number {
  let most = 0;
  for (const { chains } of families)
    for (const { entries } of Object.values(chains))
      for (const { tests } of entries)
        for (const test of tests) if (test.kind === 'limit') most = Math.max(most, test.burst);
  return most;
}
