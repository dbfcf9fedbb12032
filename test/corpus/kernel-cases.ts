// SPDX-License-Identifier: Apache-2.0
// Rulesets with packets and what the real kernel decided: runs a runner over one case and lists where its
// records differ from the recorded ones.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadInput, type LoadedInput } from '../../src/input/load.js';
import { parseIngress } from '../../src/replay/ingress.js';
import type { Runner } from '../../src/replay/runner.js';
import { replayPackets } from '../../src/replay/source.js';
import type { VerdictRecord } from '../../src/replay/verdict.js';
import { DATA_FOLDER } from './data-folder.js';

export interface CaseDifference {
  readonly name: string;
  readonly index: number;
  readonly field: string;
  readonly expected: VerdictRecord;
  readonly actual: VerdictRecord;
}

export interface CaseResult {
  readonly packets: number;
  /** Records that say `undecided`. */
  readonly undecided: number;
  /** Packets that differ in a field that must agree. */
  readonly differing: readonly CaseDifference[];
  /** Packets that agree in those, but not in rule, state, direction, log or trace. */
  readonly loose: readonly CaseDifference[];
}

export function caseNames(folder: string): string[] {
  return readdirSync(join(DATA_FOLDER, folder)).sort();
}

/** Fields whose agreement is what "equal" means. */
const STRICT = ['verdict', 'rejectWith', 'translated', 'mark', 'connectionMark', 'tos', 'ttl'] as const;
const ROUTED = ['path', 'output'] as const;
/** Compared where the record has them. */
const LOOSE = ['state', 'direction', 'log', 'trace', 'path'] as const;

export async function runCase(
  folder: string,
  name: string,
  open: (input: LoadedInput) => Runner | Promise<Runner>,
): Promise<CaseResult> {
  const path = join(DATA_FOLDER, folder, name);
  const input = await loadInput([path]);
  const text = readFileSync(join(path, 'ingress.json'), 'utf8');
  const { rule } = parseIngress('ingress.json', text, input.host);
  if (rule === undefined) throw new Error(`${name}: no ingress`);
  const runner = await open(input);
  const actual: VerdictRecord[] = [];
  for await (const batch of replayPackets([join(path, 'packets.pcap')], rule, input.host)) {
    actual.push(...batch.decided, ...(await runner.run(batch.packets)));
  }
  await runner.close();
  actual.sort((a, b) => a.index - b.index);
  const expected = readFileSync(join(path, 'expected.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as VerdictRecord);
  return compareRecords(name, expected, actual);
}

export function compareRecords(
  name: string,
  expected: readonly VerdictRecord[],
  actual: readonly VerdictRecord[],
): CaseResult {
  const differing: CaseDifference[] = [];
  const loose: CaseDifference[] = [];
  let undecided = 0;
  for (const [i, want] of expected.entries()) {
    const got = actual[i];
    if (got === undefined) throw new Error(`${name}: no record for packet ${i}`);
    if (got.verdict === 'undecided') {
      undecided++;
      continue;
    }
    const routed = want.verdict === 'accept' && want.interface !== 'local' ? ROUTED : [];
    const field = [...STRICT, ...routed].find((each) => !same(want[each], got[each]));
    if (field !== undefined) differing.push({ name, index: i, field, expected: want, actual: got });
    else {
      const soft = LOOSE.find((each) => want[each] !== undefined && !same(want[each], got[each]));
      const other = soft ?? (sameRule(want, got) ? undefined : 'rule');
      if (other !== undefined) loose.push({ name, index: i, field: other, expected: want, actual: got });
    }
  }
  return { packets: expected.length, undecided, differing, loose };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function sameRule({ rule: want }: VerdictRecord, { rule: got }: VerdictRecord): boolean {
  if (want === undefined) return true;
  return (
    want.table === got?.table &&
    want.chain === got.chain &&
    want.number === got.number &&
    want.line === got.line &&
    want.policy === got.policy
  );
}
