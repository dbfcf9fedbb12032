// SPDX-License-Identifier: Apache-2.0
// The reference evaluator as a runner (`--on rules`): verdict records from the resolved ruleset, on capture
// time, without privileges. It is the meaning that everything else is compared with.
import type { Host } from '../../host/host.js';
import type { ReplayPacket } from '../../packet/packet.js';
import type { Runner } from '../../replay/runner.js';
import type { RuleReference, VerdictRecord } from '../../replay/verdict.js';
import type { Ruleset } from '../ruleset.js';
import type { Decision } from './hooks.js';
import { HostWalk, type Outcome } from './host-walk.js';
import { conntrackStateOf, CT_ESTABLISHED_REPLY, CT_UNTRACKED, type Skb } from './skb.js';

export interface RulesRunnerOptions {
  /** `trust`: no checksum is looked at, bad ones make neither INVALID nor a drop. */
  readonly checksums: 'verify' | 'trust';
  /** True: records list the rules passed, in the kernel's words. */
  readonly trace?: boolean;
  /** Ids of waived rules: packets that meet one are `undecided`. */
  readonly waived?: ReadonlySet<number>;
}

export function openRulesRunner(ruleset: Ruleset, host: Host, options: RulesRunnerOptions): Runner {
  const walk = new HostWalk(ruleset, host, {
    verifyChecksums: options.checksums === 'verify',
    trace: options.trace ?? false,
    ...(options.waived === undefined ? {} : { waived: options.waived }),
  });
  return {
    name: 'rules',
    run: (batch) => Promise.resolve(batch.map((packet) => toRecord(packet, walk.decide(packet), walk))),
    close: () => Promise.resolve(),
  };
}

/** The verdict record of an outcome. */
export function toRecord(packet: ReplayPacket, outcome: Outcome, walk: HostWalk): VerdictRecord {
  const { index, interface: name } = packet;
  const { verdict, skb } = outcome;
  if (skb === undefined) {
    if (verdict === 'refused') return { index, interface: name, verdict, reason: outcome.refusal! };
    return verdict === 'drop'
      ? { index, interface: name, verdict, reason: 'stack' }
      : { index, interface: name, verdict };
  }
  const accepted = verdict === 'accept';
  const reason = reasonOf(outcome);
  const decided = outcome.fault === undefined && verdict !== 'held' && !skb.hotdropped;
  const rule = decided ? referenceOf(skb.decision) : undefined;
  return {
    index,
    interface: name,
    ...(outcome.path !== undefined && { path: outcome.path }),
    verdict,
    ...(reason !== undefined && { reason }),
    ...(rule !== undefined && { rule }),
    ...(outcome.output !== undefined && { output: outcome.output }),
    ...(outcome.rejectWith !== undefined && { rejectWith: outcome.rejectWith }),
    ...(accepted && skb.mark !== 0 && { mark: skb.mark }),
    ...stateOf(skb, walk),
    ...(accepted && skb.ttl !== skb.packet.ttl && { ttl: skb.ttl }),
    ...(skb.log !== undefined && { log: skb.log }),
    ...(skb.trace !== undefined && skb.trace.length > 0 && { trace: skb.trace }),
  };
}

function reasonOf({ verdict, fault, skb }: Outcome): VerdictRecord['reason'] | undefined {
  if (fault !== undefined) return fault === 'conntrack-full' ? 'conntrack' : 'stack';
  if (verdict === 'undecided') return 'unsupported';
  if (verdict !== 'drop' && verdict !== 'reject') return undefined;
  return skb?.decision?.rule === undefined && skb?.hotdropped !== true ? 'policy' : 'rule';
}

/** Absent for malformed packets, which no rule decided, and where no table was walked. */
function referenceOf(decision: Decision | undefined): RuleReference | undefined {
  if (decision === undefined) return undefined;
  const { table, chain, rule } = decision;
  if (rule === undefined) return { family: chain.source.family, table, chain: chain.name, policy: true };
  return {
    family: rule.family,
    table,
    chain: rule.chain,
    number: rule.number,
    line: rule.span.line,
  };
}

function stateOf(skb: Skb, walk: HostWalk): Pick<VerdictRecord, 'state' | 'direction'> {
  if (skb.ctUnknown || (!walk.tracks(skb.family) && skb.ctInfo !== CT_UNTRACKED)) return {};
  const state = conntrackStateOf(skb);
  const isReply = skb.connection !== undefined && skb.ctInfo >= CT_ESTABLISHED_REPLY;
  return isReply ? { state, direction: 'reply' } : { state };
}
