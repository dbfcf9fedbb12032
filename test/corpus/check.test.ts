// SPDX-License-Identifier: Apache-2.0
// `check` over every ruleset of the data folder: none is trouble, what iptables accepts is read whole, and
// most of it is exact. Sets that a dump names and does not bring were made up when the folder's verdicts on
// acceptance were recorded; here they are absent sets, each said once a rule.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadInput } from '../../src/input/load.js';
import { assess, type Assessment } from '../../src/ruleset/assess/assess.js';
import { DATA_FOLDER, missingData } from './data-folder.js';

const missing = missingData('INDEX.tsv');
/** Share of rules of accepted rulesets that must be exact. */
const EXACT_SHARE = 0.85;
/** Accepted rulesets that must be faithful as they are. */
const FAITHFUL_RULESETS = 24;
const ABSENT_SET = 'IPT0461';

interface Row {
  readonly path: string;
  readonly accepted: boolean;
}

function rulesets(): Row[] {
  const lines = readFileSync(join(DATA_FOLDER, 'INDEX.tsv'), 'latin1').split('\n');
  const head = lines[0]!.split('\t');
  const verdict = head.findIndex((name) => name.startsWith('iptables-legacy-restore'));
  return lines
    .map((line) => line.split('\t'))
    .filter(([path]) => path!.startsWith('rulesets/'))
    .map((cells) => ({ path: cells[0]!, accepted: cells[verdict] === 'accept' }));
}

async function check(path: string): Promise<{ assessment: Assessment; rules: number; errors: string[] }> {
  const input = await loadInput([join(DATA_FOLDER, path)]);
  const errors = input.diagnostics
    .filter(({ severity, code }) => severity === 'error' && code !== ABSENT_SET)
    .map(({ code, message, span }) => `${span?.line}: ${code} ${message}`);
  return { assessment: assess(input, []), rules: input.ruleset.rules.length, errors };
}

test('accepted rulesets are read whole, and mostly exact', async (context) => {
  if (missing !== undefined) return context.skip(missing);
  const rows = rulesets().filter(({ accepted }) => accepted);
  expect(rows.length).toBeGreaterThan(90);
  const report: string[] = [];
  const causes = new Map<string, number>();
  let exact = 0;
  let all = 0;
  let faithful = 0;
  for (const { path } of rows) {
    const { assessment, rules, errors } = await check(path);
    expect(errors, path).toEqual([]);
    const { counts } = assessment;
    exact += counts.exact;
    all += rules;
    if (assessment.faithful) faithful++;
    for (const { rule } of assessment.findings) {
      const cause = `${rule.fidelity.code} ${rule.fidelity.reason}`;
      causes.set(cause, (causes.get(cause) ?? 0) + 1);
    }
    report.push(`${assessment.faithful ? 'faithful' : '        '} ${counts.exact}/${rules} exact  ${path}`);
  }
  const ranked = [...causes].sort((a, b) => b[1] - a[1]).map(([cause, count]) => `${count} ${cause}`);
  console.log(
    [
      ...report,
      '',
      ...ranked,
      '',
      `${exact} of ${all} rules exact, ${faithful} of ${rows.length} faithful`,
    ].join('\n'),
  );
  expect(exact / all).toBeGreaterThanOrEqual(EXACT_SHARE);
  expect(faithful).toBeGreaterThanOrEqual(FAITHFUL_RULESETS);
});

test('rejected rulesets are read as far as they go, every refused line with its place', async (context) => {
  if (missing !== undefined) return context.skip(missing);
  const rows = rulesets().filter(({ accepted }) => !accepted);
  expect(rows.length).toBeGreaterThan(20);
  for (const { path } of rows) {
    const input = await loadInput([join(DATA_FOLDER, path)]);
    expect(input.ruleset.rules.length, path).toBeGreaterThan(0);
    for (const diagnostic of input.diagnostics) {
      expect(diagnostic.span, `${path} ${diagnostic.message}`).toBeDefined();
      expect(diagnostic.code).toMatch(/^IPT\d{4}$/);
    }
    for (const rule of input.ruleset.rules) {
      if (rule.unread) expect(rule.fidelity.state).toBe('unsupported');
    }
  }
});
