// SPDX-License-Identifier: Apache-2.0
// The way of a packet rule by rule: every rule that was tried, and what of it did not fit. Plain data; its text
// form is in explain-text.ts.
import type { Host } from '../../host/host.js';
import { DEBIAN_NAMES } from '../../net/name-services.js';
import type { ReplayPacket } from '../../packet/packet.js';
import type { VerdictRecord } from '../../replay/verdict.js';
import type { BoundMatch } from '../matches/evaluate.js';
import { matchText } from '../matches/registry.js';
import type { Ruleset } from '../ruleset.js';
import type { CompiledChain, CompiledRule } from './compiled-chain.js';
import { HostWalk } from './host-walk.js';
import { type RulesRunnerOptions, toRecord } from './index.js';
import type { MatchResult } from './match-result.js';
import type { HookName, Skb } from './skb.js';
import type { WalkObserver } from './walk-table.js';

export interface TriedRule {
  readonly kind: 'rule';
  readonly hook: HookName;
  readonly table: string;
  readonly chain: string;
  readonly number: number;
  readonly line: number;
  /** The line as it stands in the dump. */
  readonly text: string;
  /** `malformed`: the packet was dropped at once; `undecided`: the rule can't be evaluated. */
  readonly result: 'match' | 'no-match' | 'malformed' | 'undecided';
  /** What did not fit or can't be judged: a header option such as `-s`, or a match with its options. */
  readonly failed?: string;
}

/** The walk left a chain by its end or by RETURN. */
export interface LeftChain {
  readonly kind: 'end';
  readonly hook: HookName;
  readonly table: string;
  readonly chain: string;
  /** Of a built-in chain: the policy that decided. */
  readonly policy?: 'ACCEPT' | 'DROP';
}

export type ExplainedStep = TriedRule | LeftChain;

export interface Explanation {
  readonly record: VerdictRecord;
  readonly steps: readonly ExplainedStep[];
  /** Why the stack itself dropped the packet. */
  readonly fault?: string;
}

/** Explains packets in order: connections and limits live on from one to the next. */
export function explainPackets(
  ruleset: Ruleset,
  host: Host,
  packets: readonly ReplayPacket[],
  { checksums, waived }: RulesRunnerOptions,
): Explanation[] {
  const walk = new HostWalk(ruleset, host, {
    verifyChecksums: checksums === 'verify',
    trace: true,
    ...(waived === undefined ? {} : { waived }),
  });
  return packets.map((packet) => {
    const recorder = new Recorder();
    const outcome = walk.decide(packet, recorder);
    const record = toRecord(packet, outcome, walk);
    const { fault } = outcome;
    return fault === undefined ? { record, steps: recorder.steps } : { record, steps: recorder.steps, fault };
  });
}

class Recorder implements WalkObserver {
  readonly steps: ExplainedStep[] = [];

  tried({ rule, header }: CompiledRule, result: MatchResult, failed: BoundMatch | undefined, skb: Skb): void {
    const why = failed === undefined ? header.misfit(skb) : this.textOf(failed, skb);
    this.steps.push({
      kind: 'rule',
      hook: skb.hook,
      table: rule.table,
      chain: rule.chain,
      number: rule.number,
      line: rule.span.line,
      text: rule.text,
      result: RESULTS[String(result) as keyof typeof RESULTS],
      ...(result === true || why === undefined ? {} : { failed: why }),
    });
  }

  leftChain(table: string, chain: CompiledChain, chainPolicy: 'ACCEPT' | 'DROP' | undefined, skb: Skb): void {
    const end = { kind: 'end', hook: skb.hook, table, chain: chain.name } as const;
    this.steps.push(chainPolicy === undefined ? end : { ...end, policy: chainPolicy });
  }

  private textOf({ match }: BoundMatch, { family }: Skb): string {
    return matchText(match, { family, names: DEBIAN_NAMES }).trim();
  }
}

const RESULTS = {
  true: 'match',
  false: 'no-match',
  hotdrop: 'malformed',
  undecided: 'undecided',
} as const;
