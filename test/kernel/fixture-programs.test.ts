// SPDX-License-Identifier: Apache-2.0
// The fixtures' own captures on the compiled program, beside the real netfilter and the reference evaluator: nothing is decided
// differently, and the captures reach nearly all rules.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { renderReport } from '../../src/diff/render-text.js';
import type { VerifyReport } from '../../src/diff/report.js';
import { Verification } from '../../src/diff/verification.js';
import { verifyBatches } from '../../src/diff/verify.js';
import { loadInput } from '../../src/input/load.js';
import { readObject } from '../../src/object/object.js';
import { buildProgram } from '../../src/program/build.js';
import { openRunner } from '../../src/replay/open-runner.js';
import type { RunnerName } from '../../src/replay/runner.js';
import { replayPackets } from '../../src/replay/source.js';
import { writeSnapshot } from '../bench/ruleset.js';
import { captures, FIXTURES, loadFixture } from '../fixtures/captures.js';
import { describeOn } from './needs.js';

/** Share of live rules that the captures must reach. */
const COVERAGE = 0.9;

async function verify(fixture: string, left: RunnerName, right: RunnerName): Promise<VerifyReport> {
  const input = await loadFixture(fixture);
  const files = captures().flatMap((capture) => (capture.fixture === fixture ? [capture.file] : []));
  const options = { checksums: 'verify', trace: true, waivers: [] } as const;
  const sides = [await openRunner(left, input, options), await openRunner(right, input, options)] as const;
  const verification = new Verification({
    sides: { left, right },
    ruleset: input.ruleset,
    captures: files,
    waivers: [],
    notes: [],
  });
  try {
    await verifyBatches(replayPackets(files, { kind: 'inferred' }, input.host), ...sides, verification);
    return verification.report();
  } finally {
    for (const runner of sides) await runner.close();
  }
}

/** Instructions of all programs of a ruleset of COUNT rules. */
async function instructions(count: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-size-'));
  try {
    const { ruleset, host } = await loadInput([writeSnapshot(folder, count)]);
    const { object } = await buildProgram(ruleset, host);
    return readObject(object).programs.reduce((sum, program) => sum + program.instructions.length / 8, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describeOn('netfilter', 'programs of the fixtures', () => {
  it.each(FIXTURES)('%s: netfilter = kernel', async (fixture) => {
    const report = await verify(fixture, 'netfilter', 'kernel');
    expect(report.same, renderReport(report, { color: false })).toBe(true);
    expect(report.coverage.hit / report.coverage.live).toBeGreaterThanOrEqual(COVERAGE);
  });

  it.each(FIXTURES)('%s: rules = vm', async (fixture) => {
    const report = await verify(fixture, 'rules', 'vm');
    expect(report.same, renderReport(report, { color: false })).toBe(true);
  });

  it('has programs of 10 and of 2,000 rules within a fifth in instructions', async () => {
    const [small, large] = [await instructions(10), await instructions(2_000)];
    expect(large / small).toBeLessThanOrEqual(1.2);
  });
});
