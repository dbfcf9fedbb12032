// SPDX-License-Identifier: Apache-2.0
// Random rulesets and packets on all runners: netfilter = rules = vm = kernel, or a bug with a packet attached.
//   npm run test:fuzz -- --seed 1 --cases 500
// Exits 0 without differences, 1 with (each shrunk and written under --out), 2 on trouble.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lackingFor } from '../../src/kernel/feature.js';
import type { RunnerName } from '../../src/replay/runner.js';
import { makeCase, writeCase, writeVerdicts, type FuzzCase } from './case.js';
import { judge, verdictsOf, type Difference, type Judgement } from './compare.js';
import { shrink } from './shrink.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    cases: { type: 'string', default: '100' },
    /** Only this case of the run. */
    case: { type: 'string' },
    /** Packets a case. */
    packets: { type: 'string', default: '120' },
    on: { type: 'string', default: 'netfilter,rules,vm,kernel' },
    out: { type: 'string', default: 'fixtures/regressions' },
    /** Leave differing cases as they are. */
    'no-shrink': { type: 'boolean', default: false },
  },
});

const PROGRESS_EVERY = 25;
const MAX_DIFFERENCES = 10;

const seed = Number(values.seed);
const numbers =
  values.case === undefined
    ? Array.from({ length: Number(values.cases) }, (_, i) => i)
    : [Number(values.case)];
const runners = availableRunners(values.on.split(',') as RunnerName[]);
const totals = { compared: new Map<string, number>(), setAside: new Map<string, number>() };
const withoutProgram = new Map<string, number>();
let differences = 0;

for (const [done, number] of numbers.entries()) {
  const fuzzCase = makeCase(seed, number, Number(values.packets));
  const judgement = await judgeOrStop(fuzzCase, number);
  count(judgement);
  if (judgement.difference !== undefined) {
    differences++;
    await report(fuzzCase, number, judgement.difference);
    if (differences >= MAX_DIFFERENCES) break;
  }
  if ((done + 1) % PROGRESS_EVERY === 0)
    process.stderr.write(`${String(done + 1)} of ${String(numbers.length)} cases\n`);
}

for (const [pair, packets] of totals.compared) console.log(`${pair}: ${String(packets)} packets`);
for (const [what, packets] of totals.setAside)
  console.log(`not compared, ${what}: ${String(packets)} packets`);
for (const [why, cases] of withoutProgram) console.log(`no program in ${String(cases)} cases: ${why}`);
console.log(`${String(differences)} differences (seed ${String(seed)}, ${String(numbers.length)} cases)`);
process.exitCode = differences === 0 ? 0 : 1;

function availableRunners(wanted: readonly RunnerName[]): Set<RunnerName> {
  const available = new Set(wanted);
  for (const name of ['netfilter', 'kernel'] as const) {
    const lacks = available.has(name) ? lackingFor(name) : [];
    if (lacks.length === 0) continue;
    available.delete(name);
    console.log(`${name}: NOT RUN: ${lacks.join('; ')}`);
  }
  return available;
}

async function judgeOrStop(fuzzCase: FuzzCase, number: number): Promise<Judgement> {
  try {
    return await judge(fuzzCase, runners);
  } catch (error) {
    const folder = join(values.out, `seed-${String(seed)}-case-${String(number)}`);
    writeCase(folder, fuzzCase);
    console.log(`case ${String(number)} could not be run; it is in ${folder}`);
    console.log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(2);
  }
}

function count({ compared, setAside, noProgram }: Judgement): void {
  for (const [key, packets] of compared) totals.compared.set(key, (totals.compared.get(key) ?? 0) + packets);
  for (const [key, packets] of setAside) totals.setAside.set(key, (totals.setAside.get(key) ?? 0) + packets);
  if (noProgram !== undefined) withoutProgram.set(noProgram, (withoutProgram.get(noProgram) ?? 0) + 1);
}

async function report(fuzzCase: FuzzCase, number: number, difference: Difference): Promise<void> {
  const small = values['no-shrink'] ? fuzzCase : await shrink(fuzzCase, difference);
  const folder = join(values.out, `seed-${String(seed)}-case-${String(number)}`);
  writeCase(folder, small);
  const again = (await judge(small, new Set([difference.left, difference.right]))).difference ?? difference;
  if (runners.has('netfilter')) writeVerdicts(folder, await verdictsOf(small, 'netfilter'));
  const text = [
    `${again.left} and ${again.right} differ in \`${again.field}\` at packet ${String(again.index)}`,
    `${again.left}: ${JSON.stringify(again.leftRecord)}`,
    `${again.right}: ${JSON.stringify(again.rightRecord)}`,
    '',
  ].join('\n');
  writeFileSync(join(folder, 'DIFFERENCE.txt'), text);
  console.log(`case ${String(number)} (${folder}): ${text}`);
}
