// SPDX-License-Identifier: Apache-2.0
// The reference evaluator against what the real kernel decided on random rulesets.
import { describe, expect, it } from 'vitest';
import { openRulesRunner } from '../../src/ruleset/evaluate/index.js';
import { missingData } from './data-folder.js';
import { type CaseDifference, caseNames, runCase } from './kernel-cases.js';

interface Figures {
  packets: number;
  undecided: number;
  readonly differing: CaseDifference[];
  readonly loose: CaseDifference[];
}

async function evaluateAll(folder: string): Promise<Figures> {
  const figures: Figures = { packets: 0, undecided: 0, differing: [], loose: [] };
  for (const name of caseNames(folder)) {
    const result = await runCase(folder, name, ({ ruleset, host }) =>
      openRulesRunner(ruleset, host, { checksums: 'verify', trace: true }),
    );
    figures.packets += result.packets;
    figures.undecided += result.undecided;
    figures.differing.push(...result.differing);
    figures.loose.push(...result.loose);
  }
  return figures;
}

function report(folder: string, { packets, undecided, differing, loose }: Figures): void {
  const equal = packets - undecided - differing.length;
  console.info(
    `${folder}: ${packets} packets, ${equal} equal, ${undecided} undecided, ${differing.length} different; ` +
      `${loose.length} equal but for rule, state, log or trace`,
  );
}

const missing = missingData('kernel-cases-basic');

describe.skipIf(missing !== undefined)(`kernel verdicts (${missing ?? 'data found'})`, () => {
  it('kernel-cases-basic: every packet as the kernel has it, rule, state, log and trace too', async () => {
    const figures = await evaluateAll('kernel-cases-basic');
    report('kernel-cases-basic', figures);
    expect(figures.packets).toBe(7257);
    expect(figures.undecided).toBe(0);
    expect(figures.differing).toEqual([]);
    expect(figures.loose).toEqual([]);
  });

  it.each(['kernel-cases', 'kernel-cases-nat'])(
    '%s: what is decided is as the kernel has it, what meets an unsupported rule is undecided',
    async (folder) => {
      const figures = await evaluateAll(folder);
      report(folder, figures);
      expect(figures.differing).toEqual([]);
      expect(figures.undecided).toBeLessThan(figures.packets * 0.8);
    },
  );
});
