// SPDX-License-Identifier: Apache-2.0
// Runs one case on all runners and finds the first packet that two of them judge differently.
// `netfilter-bpf`, where asked for, is held against netfilter alone.
// Two rounds: netfilter against rules on every packet; rules against the programs on the packets without
// fragments, which programs meet in pieces (a documented approximation, ARCHITECTURE.md).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../src/diagnostics/input-error.js';
import { loadInput } from '../../src/input/load.js';
import {
  openRunner,
  preparePrograms,
  type OpenRunnerOptions,
  type PreparedPrograms,
} from '../../src/replay/open-runner.js';
import type { Runner, RunnerName } from '../../src/replay/runner.js';
import type { VerdictRecord } from '../../src/replay/verdict.js';
import { replayOf, writeCase, type FuzzCase } from './case.js';
import type { SentPacket } from './packets.js';

export interface Difference {
  readonly left: RunnerName;
  readonly right: RunnerName;
  /** Position among the packets of the round. */
  readonly index: number;
  readonly field: string;
  readonly leftRecord: VerdictRecord;
  readonly rightRecord: VerdictRecord;
}

export interface Judgement {
  readonly difference?: Difference;
  /** Packets compared, by pair. */
  readonly compared: ReadonlyMap<string, number>;
  /** Records that were not compared, by `runner verdict`. */
  readonly setAside: ReadonlyMap<string, number>;
  /** Why there is no program, where there is none. */
  readonly noProgram?: string;
}

const FIELDS = ['verdict', 'rejectWith', 'translated', 'mark', 'connectionMark', 'tos', 'ttl'] as const;
const ROUTED = ['path', 'output'] as const;
const ALWAYS = ['log'] as const;
/** What the netfilter runner tells only of packets that got through, and not where nothing is tracked. */
const STATE = ['state', 'direction'] as const;
const ASIDE = new Set(['undecided', 'refused']);

export async function judge(fuzzCase: FuzzCase, runners: ReadonlySet<RunnerName>): Promise<Judgement> {
  if (runners.has('netfilter-bpf') && runners.has('netfilter')) {
    const others = [...runners].filter((name) => name !== 'netfilter-bpf');
    const hooks = await judgeHooks(fuzzCase);
    if (hooks.difference !== undefined || others.length < 2) return hooks;
    return joined(hooks, await judge(fuzzCase, new Set(others)));
  }
  const compared = new Map<string, number>();
  const setAside = new Map<string, number>();
  return inFolder(fuzzCase, async (folder) => {
    const input = await loadInput([folder]);
    const whole = fuzzCase.packets.filter(({ frame }) => !isFragment(frame));
    const compare = async (
      [left, leftRecords]: readonly [RunnerName, readonly VerdictRecord[]],
      right: RunnerName,
      open: () => Promise<Runner>,
      packets: readonly SentPacket[],
    ): Promise<Difference | undefined> => {
      const rightRecords = await run(open, packets);
      const pair = `${left} = ${right}`;
      compared.set(pair, packets.length);
      return firstDifference(left, right, leftRecords, rightRecords, setAside);
    };
    const rules = (): Promise<Runner> => openRunner('rules', input, OPTIONS);
    if (runners.has('netfilter') && runners.has('rules')) {
      const netfilter = await run(() => openRunner('netfilter', input, OPTIONS), fuzzCase.packets);
      const difference = await compare(['netfilter', netfilter], 'rules', rules, fuzzCase.packets);
      if (difference !== undefined) return { difference, compared, setAside };
    }
    const names = (['vm', 'kernel'] as const).filter((name) => runners.has(name));
    if (names.length === 0 || !runners.has('rules')) return { compared, setAside };
    let programs: PreparedPrograms;
    try {
      programs = await preparePrograms(input, OPTIONS);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return { compared, setAside, noProgram: error.diagnostics.map(({ message }) => message).join('; ') };
    }
    const reference = await run(rules, whole);
    for (const name of names) {
      const difference = await compare(['rules', reference], name, () => programs.open(name), whole);
      if (difference !== undefined) return { difference, compared, setAside };
    }
    return { compared, setAside };
  });
}

/**
 * The real iptables against netfilter programs in its place, fragments and all. Such a program can only drop what
 * is rejected, so both sides get DROP for REJECT.
 */
function judgeHooks(fuzzCase: FuzzCase): Promise<Judgement> {
  const { ipv4, ipv6 } = fuzzCase;
  const withDrops = {
    ...fuzzCase,
    ...(ipv4 !== undefined && { ipv4: dropForReject(ipv4) }),
    ...(ipv6 !== undefined && { ipv6: dropForReject(ipv6) }),
  };
  return inFolder(withDrops, async (folder) => {
    const input = await loadInput([folder]);
    const compared = new Map<string, number>();
    const setAside = new Map<string, number>();
    let programs: Runner;
    try {
      programs = await openRunner('netfilter-bpf', input, OPTIONS);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return { compared, setAside, noProgram: error.diagnostics.map(({ message }) => message).join('; ') };
    }
    const right = await run(() => Promise.resolve(programs), fuzzCase.packets);
    const left = await run(() => openRunner('netfilter', input, OPTIONS), fuzzCase.packets);
    compared.set('netfilter = netfilter-bpf', right.length);
    const difference = firstDifference('netfilter', 'netfilter-bpf', left, right, setAside);
    return { compared, setAside, ...(difference !== undefined && { difference }) };
  });
}

function dropForReject(rules: string): string {
  return rules.replaceAll(/-j REJECT( --reject-with \S+)?/g, '-j DROP');
}

function joined(one: Judgement, other: Judgement): Judgement {
  const sum = (field: 'compared' | 'setAside'): Map<string, number> => {
    const both = new Map(one[field]);
    for (const [key, packets] of other[field]) both.set(key, (both.get(key) ?? 0) + packets);
    return both;
  };
  return { ...one, ...other, compared: sum('compared'), setAside: sum('setAside') };
}

const OPTIONS: OpenRunnerOptions = { checksums: 'verify', trace: true, waivers: [] };

/** The verdicts of one runner on a case. */
export async function verdictsOf(fuzzCase: FuzzCase, runner: RunnerName): Promise<VerdictRecord[]> {
  return inFolder(fuzzCase, async (folder) => {
    const input = await loadInput([folder]);
    return run(() => openRunner(runner, input, OPTIONS), fuzzCase.packets);
  });
}

async function inFolder<T>(fuzzCase: FuzzCase, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-fuzz-'));
  try {
    writeCase(folder, fuzzCase);
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(open: () => Promise<Runner>, packets: readonly SentPacket[]): Promise<VerdictRecord[]> {
  const runner = await open();
  try {
    return await runner.run(replayOf(packets));
  } finally {
    await runner.close();
  }
}

function firstDifference(
  left: RunnerName,
  right: RunnerName,
  leftRecords: readonly VerdictRecord[],
  rightRecords: readonly VerdictRecord[],
  setAside: Map<string, number>,
): Difference | undefined {
  for (const [index, leftRecord] of leftRecords.entries()) {
    const rightRecord = rightRecords[index]!;
    const aside = asideFor([left, leftRecord], [right, rightRecord]);
    if (aside !== undefined) {
      setAside.set(aside, (setAside.get(aside) ?? 0) + 1);
      continue;
    }
    const field = differingField(leftRecord, rightRecord);
    if (field !== undefined) return { left, right, index, field, leftRecord, rightRecord };
  }
  return undefined;
}

type Side = readonly [RunnerName, VerdictRecord];

/** Why a packet is not compared; undefined where it is. */
function asideFor(left: Side, right: Side): string | undefined {
  const found = [left, right].find(([, { verdict }]) => ASIDE.has(verdict));
  if (found !== undefined) return `${found[0]} ${found[1].verdict}`;
  // A packet with another mark is routed anew behind OUTPUT, and may go nowhere. A program comes too late for that.
  const [name, { interface: from, reason, trace = [] }] = left;
  const isUnroutable = from === 'local' && reason === 'stack' && trace.at(-1)?.startsWith('mangle:OUTPUT:');
  return isUnroutable === true && name === 'rules' ? 'rules without a route for its mark' : undefined;
}

function differingField(left: VerdictRecord, right: VerdictRecord): string | undefined {
  const routed = left.verdict === 'accept' && left.interface !== 'local' ? ROUTED : [];
  const field = [...FIELDS, ...routed, ...ALWAYS].find((each) => !same(left[each], right[each]));
  if (field !== undefined) return field;
  if (left.state !== undefined && right.state !== undefined) {
    const state = STATE.find((each) => left[each] !== right[each]);
    if (state !== undefined) return state;
  }
  return same(ruleOf(left), ruleOf(right)) ? undefined : 'rule';
}

function ruleOf({ rule }: VerdictRecord): unknown {
  return rule && [rule.table, rule.chain, rule.policy === true ? 'policy' : rule.number];
}

function same(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** IPv4 fragments, and IPv6 packets with a fragment header anywhere in front. */
export function isFragment(frame: Uint8Array): boolean {
  const type = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
  if (type === 0x0800) return ((((frame[20] ?? 0) << 8) | (frame[21] ?? 0)) & 0x3fff) !== 0;
  if (type !== 0x86dd) return false;
  let next = frame[20];
  for (let at = 54; at < frame.length; at += ((frame[at + 1] ?? 0) + 1) * 8) {
    if (next === 44) return true;
    if (next !== 0 && next !== 43 && next !== 60) return false;
    next = frame[at];
  }
  return false;
}
