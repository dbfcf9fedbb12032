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

type Draft = { -readonly [Key in keyof VerdictRecord]: VerdictRecord[Key] };

/** The verdict record of an outcome. Fields are set one by one: this is the hot path. */
export function toRecord(packet: ReplayPacket, outcome: Outcome, walk: HostWalk): VerdictRecord {
  const { verdict, skb } = outcome;
  const record: Draft = { index: packet.index, interface: packet.interface, verdict };
  if (skb === undefined) {
    if (verdict === 'refused') record.reason = outcome.refusal!;
    else if (verdict === 'drop') record.reason = 'stack';
    return record;
  }
  if (outcome.path !== undefined) record.path = outcome.path;
  const reason = reasonOf(outcome, skb);
  if (reason !== undefined) record.reason = reason;
  if (skb.decision !== undefined && outcome.fault === undefined && verdict !== 'held' && !skb.hotdropped) {
    record.rule = referenceOf(skb.decision);
  }
  if (outcome.output !== undefined) record.output = outcome.output;
  if (outcome.rejectWith !== undefined) record.rejectWith = outcome.rejectWith;
  if (!skb.ctUnknown && (walk.tracks(skb.family) || skb.ctInfo === CT_UNTRACKED)) {
    record.state = conntrackStateOf(skb);
    if (skb.connection !== undefined && skb.ctInfo >= CT_ESTABLISHED_REPLY) record.direction = 'reply';
  }
  if (verdict === 'accept') {
    if (skb.mark !== 0) record.mark = skb.mark;
    if (skb.ttl !== skb.packet.ttl) record.ttl = skb.ttl;
  } else if ((verdict === 'drop' || verdict === 'reject') && skb.loopedMark !== 0) {
    // A dropped packet has no mark any more, but this one had left the host with it before.
    record.mark = skb.loopedMark;
  }
  if (skb.log !== undefined) record.log = skb.log;
  if (skb.trace !== undefined && skb.trace.length > 0) record.trace = skb.trace;
  return record;
}

function reasonOf({ verdict, fault }: Outcome, skb: Skb): VerdictRecord['reason'] | undefined {
  if (fault !== undefined) return fault === 'conntrack-full' ? 'conntrack' : 'stack';
  if (verdict === 'undecided') return 'unsupported';
  if (verdict !== 'drop' && verdict !== 'reject') return undefined;
  return skb.decision?.rule === undefined && !skb.hotdropped ? 'policy' : 'rule';
}

function referenceOf({ table, chain, rule }: Decision): RuleReference {
  if (rule === undefined) return { family: chain.source.family, table, chain: chain.name, policy: true };
  return { family: rule.family, table, chain: rule.chain, number: rule.number, line: rule.span.line };
}
