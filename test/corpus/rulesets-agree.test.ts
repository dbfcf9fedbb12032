// SPDX-License-Identifier: Apache-2.0
// Real rulesets, as iptables accepts them: those that are faithful as they are get a program, and 10,000 packets
// aimed at their rules; evaluator, VM, kernel and the real netfilter must agree on every one. Pieces of datagrams
// and frames that a runner refuses are counted apart. netfilter has a clock of its own: it gets packets without
// pauses, and is not asked about rules that need time (limit) or objects beside the rules (nfacct).
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Verification } from '../../src/diff/verification.js';
import type { VerifyReport } from '../../src/diff/report.js';
import { loadInput, type LoadedInput } from '../../src/input/load.js';
import { lackingFor } from '../../src/kernel/feature.js';
import type { ReplayPacket } from '../../src/packet/packet.js';
import { directedPackets } from '../../src/replay/directed/directed-packets.js';
import { openRunner, preparePrograms } from '../../src/replay/open-runner.js';
import type { Runner } from '../../src/replay/runner.js';
import type { VerdictRecord } from '../../src/replay/verdict.js';
import { assess } from '../../src/ruleset/assess/assess.js';
import { DATA_FOLDER, missingData } from './data-folder.js';
import { derivedHost } from './derived-host.js';
import { dumps } from './dumps.js';

const missing = missingData('INDEX.tsv');
/** Packets judged alike by both sides that a ruleset needs, and what is sent to have so many beside the pieces. */
const EQUAL = 10_000;
const PACKETS = 10_150;
const OPTIONS = { checksums: 'verify', trace: true, waivers: [] } as const;
/** Causes shown of a ruleset that does not agree. */
const MOST_CAUSES = 3;

/** Below rulesets/: all that `check` finds faithful. More may join, none may leave. */
const AGREEING = [
  'aerleon/TestRegressionDemo.testSmokeTest.sample_multitarget.ipt',
  'aerleon/test.ipt',
  'batfish/networks__iptables-firewall__iptables__z1-firewall.v4',
  'batfish/networks__iptables-firewall__iptables__z2-firewall.v4',
  'batfish/networks__iptables-firewall__iptables__z2-host2.v4',
  'formal-verifier/iptables-sample.rules',
  'fwbuilder/firewall24.v4.rules.modern',
  'fwbuilder/firewall94.v4.rules',
  'fwbuilder/test-shadowing-1.v4.rules',
  'fwbuilder/test-shadowing-3.v4.rules',
  'iptables-own/ipt-restore__dumps__ip6tables.dump',
  'iptables-own/ipt-restore__dumps__iptables.dump',
  'iptables-own/ipt-save__dumps__fedora27-ip6tables',
  'iptables-own/ipt-save__dumps__policy-drop.txt',
  'iptables-semantics/IPPartEval__openwrt.org__iptables-save-AA.txt_fixed_newline',
  'iptables-semantics/IPPartEval__worst_case__iptables-save',
  'iptables-semantics/Parser_Test__data__ip6tables-save',
  'iptables-semantics/Ringofsaturn_com__iptables-save',
  'iptables-semantics/topoS_generated__imaginray_factory_network.iptables-save',
  'iptables-semantics/topoS_generated__imaginray_factory_network.iptables-save.by-linux-kernel',
  'iptables-tracer/testPolicyNoTraceRules.rules',
  'iptables-tracer/testPolicyTraceID6withMarkAndRules.rules',
  'kubernetes/proxier_test_overall.rules',
  'moby/cleaned_hairpin=true__iptables.rules',
  'openstack-sefl/root-controller.rules',
];

type Judged = 'vm' | 'kernel' | 'netfilter';

test('evaluator, VM, kernel and netfilter agree on packets aimed at real rulesets', async (context) => {
  if (missing !== undefined) return context.skip(missing);
  const lines: string[] = [];
  const runners = (['vm', 'kernel', 'netfilter'] as const).filter((name) => {
    const lacks = name === 'vm' ? [] : lackingFor(name);
    if (lacks.length > 0) lines.push(`${name}: NOT RUN: ${lacks.join('; ')}`);
    return lacks.length === 0;
  });
  const faithful: string[] = [];
  const agreeing: string[] = [];
  const accepted = dumps().filter((dump) => dump.accepted);
  for (const { path } of accepted) {
    const loaded = await loadInput([join(DATA_FOLDER, path)]);
    if (!assess(loaded, []).faithful) continue;
    const name = path.replace('rulesets/', '');
    const input: LoadedInput = { ...loaded, host: derivedHost(loaded.ruleset), hostGiven: true };
    const reports = await compare(
      input,
      runners.filter((runner) => runner !== 'netfilter' || isReproducible(input)),
    );
    faithful.push(name);
    if (reports.every(({ same, counts }) => same && counts.equal >= EQUAL)) agreeing.push(name);
    lines.push(`${name}: ${input.ruleset.rules.length} rules`);
    for (const report of reports) lines.push(...figures(report));
  }
  lines.push(
    `${accepted.length} rulesets, ${faithful.length} faithful, ${agreeing.length} agree on ${EQUAL} packets ` +
      `or more each: rules, ${runners.join(', ')}`,
  );
  console.log(lines.join('\n'));
  expect(agreeing).toEqual(expect.arrayContaining(AGREEING));
  expect(faithful).toEqual(agreeing);
});

/** Whether netfilter, back to back and with the rules alone, can come to the same. */
function isReproducible({ ruleset }: LoadedInput): boolean {
  return !ruleset.rules.some(({ matches, text }) => {
    return matches.some(({ kind }) => kind === 'limit') || text.includes('--nfacct-name');
  });
}

async function compare(input: LoadedInput, names: readonly Judged[]): Promise<VerifyReport[]> {
  const prepared = await preparePrograms(input, OPTIONS);
  const reports: VerifyReport[] = [];
  for (const pauses of [true, false]) {
    const judged = names.filter((name) => pauses === (name !== 'netfilter'));
    if (judged.length === 0) continue;
    const packets = directedPackets(input.ruleset, input.host, { seed: 1, packets: PACKETS, pauses });
    const expected = await run(await openRunner('rules', input, OPTIONS), packets);
    for (const name of judged) {
      const runner = await (name === 'netfilter' ? openRunner(name, input, OPTIONS) : prepared.open(name));
      reports.push(verify(input, name, packets, expected, await run(runner, packets)));
    }
  }
  return reports;
}

async function run(runner: Runner, packets: readonly ReplayPacket[]): Promise<VerdictRecord[]> {
  try {
    return await runner.run(packets);
  } finally {
    await runner.close();
  }
}

function verify(
  { ruleset }: LoadedInput,
  right: Judged,
  packets: readonly ReplayPacket[],
  expected: readonly VerdictRecord[],
  actual: readonly VerdictRecord[],
): VerifyReport {
  const sides = { left: 'rules', right } as const;
  const verification = new Verification({ sides, ruleset, captures: [], waivers: [], notes: [] });
  for (const [i, packet] of packets.entries()) verification.add(packet, expected[i]!, actual[i]!);
  return verification.report();
}

function figures({ right, counts, coverage, causes }: VerifyReport): string[] {
  const counted = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${outcome} ${count}`);
  return [
    `    ${right}: ${counted.join(', ')}; rules hit ${coverage.hit}/${coverage.live}`,
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
