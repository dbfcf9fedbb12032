// SPDX-License-Identifier: Apache-2.0
// One random case: rulesets, sets and packets; from a seed, and to a folder that `replay` and the tests read
// like any snapshot (the same files as the recorded kernel cases).
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadInput } from '../../src/input/load.js';
import { parseIngress } from '../../src/replay/ingress.js';
import { replayPackets } from '../../src/replay/source.js';
import type { VerdictRecord } from '../../src/replay/verdict.js';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import type { Host } from '../../src/host/host.js';
import type { Family } from '../../src/net/family.js';
import type { ReplayPacket } from '../../src/packet/packet.js';
import { pcapFileHeader, pcapRecord } from '../../src/replay/capture/write-pcap.js';
import { randomPackets, type SentPacket } from './packets.js';
import { Random } from '../../src/replay/directed/random.js';
import { randomRules } from './rules.js';
import { randomSets } from './sets.js';

export interface FuzzCase {
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly ipset: string;
  readonly host: Host;
  readonly packets: readonly SentPacket[];
}

const FAMILIES: readonly (readonly Family[])[] = [['ipv4'], ['ipv4'], ['ipv4'], ['ipv6'], ['ipv4', 'ipv6']];
/** Seeds of a run's cases: far apart, so that runs with neighbouring seeds share none. */
const SEED_STRIDE = 1_000_003;

export function makeCase(seed: number, number: number, packetCount: number): FuzzCase {
  const random = new Random(seed * SEED_STRIDE + number);
  const families = random.pick(FAMILIES);
  const { text, sets } = randomSets(random, families);
  const rules = (family: Family): string | undefined =>
    families.includes(family) ? randomRules(random, family, sets) : undefined;
  const ipv4 = rules('ipv4');
  const ipv6 = rules('ipv6');
  return {
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ipset: text,
    host: FUZZ_HOST,
    packets: randomPackets(random, families, packetCount),
  };
}

/** TCP windows are not followed yet (README, what is carried over): the kernel is told to be as liberal. */
export const FUZZ_HOST: Host = { ...DEFAULT_HOST, sysctls: { nf_conntrack_tcp_be_liberal: 1 } };

const START_NS = 1_700_000_000_000_000_000n;
const STEP_NS = 1_000_000n;

/** The packets as runners take them: a millisecond apart. */
export function replayOf(packets: readonly SentPacket[]): ReplayPacket[] {
  return packets.map(({ interface: from, frame }, index) => ({
    index,
    interface: from,
    frame,
    timestampNs: START_NS + BigInt(index) * STEP_NS,
    wireLength: frame.length,
  }));
}

const VERDICTS = 'expected.jsonl';

export function writeCase(folder: string, { ipv4, ipv6, ipset, host, packets }: FuzzCase): void {
  mkdirSync(folder, { recursive: true });
  if (ipv4 !== undefined) writeFileSync(join(folder, 'rules.v4'), ipv4);
  if (ipv6 !== undefined) writeFileSync(join(folder, 'rules.v6'), ipv6);
  if (ipset !== '') writeFileSync(join(folder, 'ipset.save'), ipset);
  writeFileSync(join(folder, 'host.json'), `${JSON.stringify(host, null, 1)}\n`);
  writeFileSync(join(folder, 'ingress.json'), `${JSON.stringify(packets.map((each) => each.interface))}\n`);
  const records = replayOf(packets).map(({ frame, timestampNs }) => pcapRecord({ frame, timestampNs }));
  writeFileSync(join(folder, 'packets.pcap'), Buffer.concat([pcapFileHeader(), ...records]));
}

/** What the kernel decided, beside the case: one record a line, without the bytes of answers. */
export function writeVerdicts(folder: string, records: readonly VerdictRecord[]): void {
  const lines = records.map((record) => JSON.stringify({ ...record, replies: undefined }));
  writeFileSync(join(folder, VERDICTS), lines.map((line) => `${line}\n`).join(''));
}

export function readVerdicts(folder: string): VerdictRecord[] {
  const lines = readFileSync(join(folder, VERDICTS), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as VerdictRecord);
}

/** A case as `writeCase` left it. */
export async function readCase(folder: string): Promise<FuzzCase> {
  const text = (name: string): string | undefined =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'latin1') : undefined;
  const { host } = await loadInput([folder]);
  const { rule } = parseIngress('ingress.json', text('ingress.json') ?? '', host);
  if (rule === undefined) throw new Error(`${folder}: no ingress`);
  const packets: SentPacket[] = [];
  for await (const batch of replayPackets([join(folder, 'packets.pcap')], rule, host)) {
    for (const { index, interface: from, frame } of batch.packets)
      packets[index] = { interface: from, frame };
  }
  const [ipv4, ipv6] = [text('rules.v4'), text('rules.v6')];
  return {
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ipset: text('ipset.save') ?? '',
    host,
    packets,
  };
}
