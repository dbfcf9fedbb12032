// SPDX-License-Identifier: Apache-2.0
// Are the tests able to fail? Draws mutants over the meaning and the lowering of rules and asks, one mutant at
// a time, which check finds it:
//   npm run test:mutation -- --seed 1 --count 20
// Works on a copy in a temporary directory. A first run without mutants tells which test file passes which
// mutant's place; only those are run with the mutant. Exits 1 when a mutant survives every check (each is printed
// with its place, to be killed by a test, or explained in equivalents.ts), 2 on trouble (a check fails unmutated).
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checksIn, runNode, type Check, type Limits, type Outcome } from './checks.js';
import { COVERAGE_FOLDER, readCoverage, type Coverage } from './coverage.js';
import { EQUIVALENTS } from './equivalents.js';
import { mutateSources, shuffled, withMutant, type Mutant } from './mutants.js';

const { values } = parseArgs({
  options: {
    /** One draw of `count` mutants for each; several with commas. */
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '20' },
    /** Draw from files whose path holds this text. */
    only: { type: 'string', default: '' },
    /** Stop after this check, by name. */
    until: { type: 'string', default: 'typecheck' },
  },
});

const COPIED = [
  ...['src', 'grammar', 'bpf', 'schemas', 'test', 'fixtures', 'bin'],
  ...['package.json', 'tsconfig.json', 'vitest.config.ts', 'SUPPORT.md'],
];
/**
 * Tests of the built command run dist/ and ask nothing about meaning; a comparison with programs that we made
 * before finds every change, right or wrong.
 */
const LEFT_OUT = ['test/cli', 'test/program/generated.test.ts'];
/** A check with a mutant may take as long as it did counting, and this. */
const GRACE_CPU_SECONDS = 15;
/** On a busy machine the clock runs this much faster than the processor. */
const BUSY = 10;
const TYPECHECK_CPU_SECONDS = 120;
const BASELINE_LIMITS: Limits = { cpuSeconds: 600, seconds: 1800 };
/** Characters of a mutant's text that are shown in front of and from its first difference. */
const CONTEXT = 30;
const SHOWN = 80;

const root = resolve(import.meta.dirname, '../..');
const data = resolve(root, process.env['IPT2EBPF_DATA'] ?? '../shared/data');
const scratch = mkdtempSync(join(tmpdir(), 'ipt2ebpf-mutation-'));
process.on('exit', () => {
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(2));

for (const name of COPIED) cpSync(join(root, name), join(scratch, name), { recursive: true });
for (const name of LEFT_OUT) rmSync(join(scratch, name), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'));

const { mutants, counting, excluded } = await mutateSources(scratch);
const originals = new Map(counting.map(({ name }) => [name, readFileSync(join(scratch, name), 'utf8')]));
console.log(`${mutants.length} mutants in ${counting.length} files`);
for (const [reason, count] of excluded) console.log(`not drawn from: ${count} mutants in ${reason}`);

const checks = usableChecks();
await baseline();
const coverage = readCoverage(join(scratch, 'coverage'));

let survivors = 0;
for (const seed of values.seed.split(',')) await judgeDraw(Number(seed));
process.exitCode = survivors === 0 ? 0 : 1;

function usableChecks(): Check[] {
  const all = checksIn(root, data);
  const last = all.findIndex(({ name }) => name === values.until);
  return all.slice(0, last + 1).filter((check) => {
    const lacks = check.lacks();
    if (lacks !== undefined) console.log(`${check.name}: NOT RUN: needs ${lacks}`);
    return lacks === undefined;
  });
}

/** All checks without a mutant, counting. */
async function baseline(): Promise<void> {
  const folder = join(scratch, 'coverage');
  mkdirSync(folder);
  for (const file of counting) writeFileSync(join(scratch, file.name), file.content);
  for (const check of checks) {
    if (check.name === 'typecheck') continue;
    const environment = { [COVERAGE_FOLDER]: folder, MUTANT_CHECK: check.name };
    const outcome = await run(check, check.files ?? [], environment, BASELINE_LIMITS);
    if (!outcome.passed) {
      console.error(
        `${outcome.output}\nwithout any mutant the check \`${check.name}\` fails: nothing can be said`,
      );
      process.exit(2);
    }
    console.log(`${check.name} without a mutant: ${outcome.seconds.toFixed(0)} s`);
  }
  for (const [name, content] of originals) writeFileSync(join(scratch, name), content);
}

function run(
  check: Check,
  files: readonly string[],
  environment: Readonly<Record<string, string>>,
  limits: Limits,
): Promise<Outcome> {
  const given = { IPT2EBPF_DATA: data, TEST_FILES: files.join(' ') };
  return runNode(check.command(files), scratch, { ...environment, ...given }, limits);
}

/** Draws until `count` mutants were judged; known equivalents are named and do not count. */
async function judgeDraw(seed: number): Promise<void> {
  const wanted = Number(values.count);
  let judged = 0;
  let found = 0;
  for (const mutant of shuffled(mutants, seed)) {
    if (judged === wanted) break;
    if (!mutant.file.includes(values.only)) continue;
    const equivalent = EQUIVALENTS.find(
      ({ file, line, mutation }) =>
        file === mutant.file && line === lineText(mutant) && mutation === mutationText(mutant),
    );
    const text = `${mutant.file}:${mutant.line} ${mutant.kind}: ${mutationText(mutant)}`;
    if (equivalent !== undefined) {
      console.log(`equivalent: ${text} (${equivalent.why})`);
      continue;
    }
    const start = performance.now();
    const finder = await findingCheck(mutant);
    judged++;
    if (finder === undefined) survivors++;
    else found++;
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    console.log(`${finder === undefined ? 'SURVIVED' : `found by ${finder}`} (${seconds} s): ${text}`);
  }
  console.log(`seed ${seed}: ${found} of ${judged} mutants found`);
}

/** The first check that fails with the mutant in place. */
async function findingCheck(mutant: Mutant): Promise<string | undefined> {
  const original = originals.get(mutant.file)!;
  writeFileSync(join(scratch, mutant.file), withMutant(original, mutant));
  try {
    for (const check of checks) {
      const passing = passingParts(check, mutant);
      if (passing.length === 0) continue;
      const cpuSeconds = Math.max(...passing.map(([, each]) => each.cpuSeconds)) + GRACE_CPU_SECONDS;
      const files = check.files === undefined ? [] : passing.map(([name]) => name);
      const limits = { cpuSeconds, seconds: cpuSeconds * passing.length * BUSY };
      const outcome = await run(check, files, {}, limits);
      if (outcome.timedOut) return `${check.name} (without an end in ${limits.seconds.toFixed(0)} s)`;
      if (!outcome.passed) return `${check.name}${firstFailure(outcome.output)}`;
    }
    return undefined;
  } finally {
    writeFileSync(join(scratch, mutant.file), original);
  }
}

/** Of a suite, the test files that pass the mutant's place, cheapest first; else the check itself, if it does. */
function passingParts(check: Check, { id }: Mutant): readonly (readonly [string, Coverage])[] {
  if (check.name === 'typecheck')
    return [[check.name, { cpuSeconds: TYPECHECK_CPU_SECONDS, mutants: new Set() }]];
  return [...coverage].filter(
    ([name, { mutants: passed }]) =>
      passed.has(id) && (check.files === undefined ? name === check.name : suiteOf(name) === check.name),
  );
}

function suiteOf(name: string): string | undefined {
  const [top, folder] = name.split('/');
  if (top !== 'test') return undefined;
  return folder === 'kernel' || folder === 'corpus' ? folder : 'unit';
}

/** The first test that vitest, or the first packet that the fuzzer, names. */
function firstFailure(output: string): string {
  // eslint-disable-next-line no-control-regex -- terminal colours are what is taken out
  const plain = output.replace(/\x1b\[[0-9;]*m/g, '');
  const failure = /FAIL\s+\|?\s*\w*\s*\|?\s*(\S+\.test\.ts)/.exec(plain) ?? /differ in (`\w+`)/.exec(plain);
  return failure === null ? '' : `, ${failure[1]}`;
}

/** What changes, without most of what stays the same in front and behind. */
function mutationText({ original, replacement }: Mutant): string {
  const [from, to] = [original, replacement].map((text) => text.replace(/\s+/g, ' ')) as [string, string];
  let front = 0;
  while (front < Math.min(from.length, to.length) && from[front] === to[front]) front++;
  const start = Math.max(0, front - CONTEXT);
  const short = (text: string): string =>
    (start > 0 ? '...' : '') + text.slice(start, front + SHOWN) + (text.length > front + SHOWN ? '...' : '');
  return `${short(from)} -> ${short(to)}`;
}

function lineText({ file, line }: Mutant): string {
  return originals.get(file)!.split('\n')[line - 1]!.trim();
}
