// SPDX-License-Identifier: Apache-2.0
// The policy model decides as the rules do: the fixtures' captures, and packets aimed at their rules. The rules'
// evaluator is held against the kernel elsewhere (test/fixtures, test/corpus, test/fuzz).
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { LoadedInput } from '../../src/input/load.js';
import type { ReplayPacket } from '../../src/packet/packet.js';
import { inferPolicy } from '../../src/policy/infer.js';
import { openPolicyRunner } from '../../src/policy/runner.js';
import { directedPackets } from '../../src/replay/directed/directed-packets.js';
import { replayPackets } from '../../src/replay/source.js';
import type { VerdictRecord } from '../../src/replay/verdict.js';
import { openRulesRunner } from '../../src/ruleset/evaluate/index.js';
import { captures, FIXTURES, loadFixture } from '../fixtures/captures.js';

/** For each fixture; IPT2EBPF_POLICY_PACKETS=100000 for all that the project claims. */
const PACKETS = Number(process.env['IPT2EBPF_POLICY_PACKETS'] ?? 3000);

async function compare(input: LoadedInput, packets: readonly ReplayPacket[]) {
  const policy = inferPolicy(input.ruleset, input.host, { generator: 'test', sources: [] });
  const left = await openRulesRunner(input.ruleset, input.host, { checksums: 'verify' }).run(packets);
  const right = openPolicyRunner(policy, input.ruleset, input.host, { checksums: 'verify' }).run(packets);
  // A record may also name what a looped copy of the packet met.
  const residue = new Set(
    policy.residue.flatMap(({ rules }) => rules).map((id) => input.ruleset.rules[id]!.span.line),
  );
  const isOpen = ({ verdict, rule }: VerdictRecord): boolean =>
    verdict === 'undecided' || (rule?.line !== undefined && residue.has(rule.line) && verdict === 'accept');
  const undecided = right.filter((record, i) => isOpen(record) || left[i]!.verdict === 'undecided');
  const different = right.flatMap((record, i) => {
    const { state: known, ...rest } = left[i]!;
    // Behind an undecided packet the policy does not know its connection's state; of what the stack drops that is all.
    const isUnknown = record.reason === 'stack' && record.state === undefined;
    const rules = { ...rest, state: isUnknown ? undefined : known };
    if (isOpen(record) || rules.verdict === 'undecided') return [];
    const same = isDeepStrictEqual(
      { ...rules, log: undefined },
      { ...record, state: record.state, log: undefined },
    );
    return same ? [] : [{ rules: left[i], policy: record }];
  });
  return { undecided: undecided.length, different };
}

/** Packets that a rate decides, and those behind them: no policy has rates. */
const MAY_BE_UNDECIDED: ReadonlySet<string> = new Set(['router']);

describe.each(FIXTURES)('%s', (fixture) => {
  it('captures', { timeout: 120_000 }, async () => {
    const input = await loadFixture(fixture);
    const packets: ReplayPacket[] = [];
    for (const { file } of captures().filter((each) => each.fixture === fixture))
      for await (const batch of replayPackets([file], { kind: 'inferred' }, input.host))
        packets.push(...batch.packets);
    const { undecided, different } = await compare(input, packets);
    console.log(`${fixture}: ${packets.length} captured packets, ${undecided} undecided`);
    expect(different.slice(0, 3)).toEqual([]);
    if (!MAY_BE_UNDECIDED.has(fixture)) expect(undecided).toBe(0);
  });

  it('packets aimed at its rules', { timeout: 600_000 }, async () => {
    const input = await loadFixture(fixture);
    const packets = directedPackets(input.ruleset, input.host, { seed: 1, packets: PACKETS });
    const { undecided, different } = await compare(input, packets);
    console.log(
      `${fixture}: ${packets.length} aimed packets, ${undecided} undecided, ${different.length} different`,
    );
    expect(different.slice(0, 3)).toEqual([]);
    if (!MAY_BE_UNDECIDED.has(fixture)) expect(undecided).toBe(0);
  });
});
