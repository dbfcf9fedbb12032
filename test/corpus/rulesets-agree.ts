// SPDX-License-Identifier: Apache-2.0
// Real rulesets, as iptables accepts them: those that are faithful as they are get a program, and 10,000 packets
// aimed at their rules; evaluator, VM and kernel must agree on every one. Pieces of datagrams and frames that a
// runner refuses are counted apart. Where the kernel's clock has a say (limit), its run is shown, not judged.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Verification } from '../../src/diff/verification.js';
import type { VerifyReport } from '../../src/diff/report.js';
import { loadInput, type LoadedInput } from '../../src/input/load.js';
import { lackingFor } from '../../src/kernel/feature.js';
import type { ReplayPacket } from '../../src/packet/packet.js';
import { directedPackets } from '../../src/replay/directed/directed-packets.js';
import { openRunner, preparePrograms } from '../../src/replay/open-runner.js';
import type { VerdictRecord } from '../../src/replay/verdict.js';
import { assess } from '../../src/ruleset/assess/assess.js';
import { DATA_FOLDER, missingData } from './data-folder.js';
import { derivedHost } from './derived-host.js';
import { dumps } from './dumps.js';

const missing = missingData('INDEX.tsv');
const PACKETS = 10_000;
const AGREEING_RULESETS = 24;
const OPTIONS = { checksums: 'verify', trace: true, waivers: [] } as const;
/** Causes shown of a ruleset that is not faithful or does not agree. */
const MOST_CAUSES = 3;

type Program = 'vm' | 'kernel';

test('evaluator, VM and kernel agree on packets aimed at real rulesets', async (context) => {
  if (missing !== undefined) return context.skip(missing);
  const lacks = lackingFor('kernel');
  const programs: readonly Program[] = lacks.length === 0 ? ['vm', 'kernel'] : ['vm'];
  const lines: string[] = lacks.length === 0 ? [] : [`kernel: NOT RUN: ${lacks.join('; ')}`];
  const agreeing: string[] = [];
  for (const { path } of dumps().filter(({ accepted }) => accepted)) {
    const loaded = await loadInput([join(DATA_FOLDER, path)]);
    const assessment = assess(loaded, []);
    if (!assessment.faithful) {
      const causes = new Set(assessment.findings.map(({ rule }) => rule.fidelity.code ?? ''));
      lines.push(`not faithful  ${path}: ${[...causes].slice(0, MOST_CAUSES).join(' ')}`);
      continue;
    }
    const host = derivedHost(loaded.ruleset);
    const input: LoadedInput = { ...loaded, host, hostGiven: true };
    const reports = await compare(input, programs);
    const isClocked = input.ruleset.rules.some(({ matches }) => matches.some(({ kind }) => kind === 'limit'));
    const agrees = reports.every(({ same }) => same);
    if (agrees) agreeing.push(path);
    lines.push(`${agrees ? 'agrees      ' : 'DIFFERS     '}  ${path}: ${input.ruleset.rules.length} rules`);
    for (const report of reports) lines.push(...figures(report, isClocked));
  }
  lines.push('', `${agreeing.length} agree on ${PACKETS} packets each: rules, ${programs.join(', ')}`);
  console.log(lines.join('\n'));
  expect(agreeing.length).toBeGreaterThanOrEqual(AGREEING_RULESETS);
});

async function compare(input: LoadedInput, names: readonly Program[]): Promise<VerifyReport[]> {
  const packets = directedPackets(input.ruleset, input.host, { seed: 1, packets: PACKETS });
  const rules = await openRunner('rules', input, OPTIONS);
  const expected = await rules.run(packets);
  await rules.close();
  const prepared = await preparePrograms(input, OPTIONS);
  const reports: VerifyReport[] = [];
  for (const name of names) {
    const runner = await prepared.open(name);
    try {
      reports.push(verify(input, name, packets, expected, await runner.run(packets)));
    } finally {
      await runner.close();
    }
  }
  return reports;
}

function verify(
  { ruleset }: LoadedInput,
  right: Program,
  packets: readonly ReplayPacket[],
  expected: readonly VerdictRecord[],
  actual: readonly VerdictRecord[],
): VerifyReport {
  const sides = { left: 'rules', right } as const;
  const verification = new Verification({ sides, ruleset, captures: [], waivers: [], notes: [] });
  for (const [i, packet] of packets.entries()) verification.add(packet, expected[i]!, actual[i]!);
  return verification.report();
}

function figures({ right, counts, coverage, causes }: VerifyReport, isClocked: boolean): string[] {
  const counted = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${outcome} ${count}`);
  const clock = isClocked && right === 'kernel' ? " (limits count on the kernel's own clock)" : '';
  return [
    `    ${right}: ${counted.join(', ')}; rules hit ${coverage.hit}/${coverage.live}${clock}`,
    ...causes
      .slice(0, MOST_CAUSES)
      .map(({ packets, fields, first }) =>
        [
          `      ${packets} differ in ${fields.join()}: ${first.frame}`,
          `        ${JSON.stringify(first.left)}`,
          `        ${JSON.stringify(first.right)}`,
        ].join('\n'),
      ),
  ];
}
