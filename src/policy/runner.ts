// SPDX-License-Identifier: Apache-2.0
// The policy model as a judge of packets: the host's stack and connection tracking are those of the reference
// evaluator, every chain is replaced by its tier, and state grows from the policy's own verdicts.
import type { Host } from '../host/host.js';
import { CT_FIELD, FIELD, MAC_NONE } from '../model/fields.js';
import { assignInterfaceIds } from '../model/interface-ids.js';
import type { InterfaceIds } from '../model/model.js';
import { packetFields } from '../model/packet-fields.js';
import type { ReplayPacket } from '../packet/packet.js';
import { STATE } from '../program/layout.js';
import { INTERFACE_ID } from '../program/table-format.js';
import { HostWalk } from '../ruleset/evaluate/host-walk.js';
import { toRecord } from '../ruleset/evaluate/index.js';
import { CT_ESTABLISHED_REPLY, CT_UNTRACKED, conntrackStateOf, type Skb } from '../ruleset/evaluate/skb.js';
import type { TableVerdict } from '../ruleset/evaluate/walk-table.js';
import type { Ruleset } from '../ruleset/ruleset.js';
import type { VerdictRecord } from '../replay/verdict.js';
import { type Facts, readTier, type TierOutcome } from './evaluate.js';
import type { PolicyModel, Tier } from './model.js';

type Judge = {
  readonly tier: Tier;
  readonly asksState: boolean;
  readonly run: (facts: Facts) => TierOutcome;
};

export interface PolicyRunner {
  run(batch: readonly ReplayPacket[]): VerdictRecord[];
}

export function openPolicyRunner(
  policy: PolicyModel,
  ruleset: Ruleset,
  host: Host,
  options: { readonly checksums: 'verify' | 'trust' },
): PolicyRunner {
  const ids = assignInterfaceIds(host, ruleset);
  const judges = new Map<string, Judge>();
  for (const family of policy.families) {
    for (const tier of family.tiers) {
      const asksState = JSON.stringify(tier.statements).includes('"states"');
      const judge = { tier, asksState, run: readTier(tier, family, ids, policy.inventory) };
      judges.set(`${family.family} ${tier.table} ${tier.hook}`, judge);
    }
  }
  const walk = new HostWalk(ruleset, host, {
    verifyChecksums: options.checksums === 'verify',
    trace: false,
    walk: (table, chain, skb): TableVerdict => {
      skb.decidedBy = undefined;
      const judge = judges.get(`${skb.family} ${table.name} ${chain.name}`);
      if (judge === undefined) return 'accept';
      if (skb.ctUnknown && judge.asksState) return 'undecided';
      const facts = factsOf(skb, ids, policy.tcpOptions);
      const { verdict, statement } = judge.run(facts);
      skb.mark = facts[FIELD.MARK]!;
      if (skb.connection === undefined && facts[FIELD.CT] === STATE.values.UNTRACKED)
        skb.ctInfo = CT_UNTRACKED;
      if (statement?.malformed === true) skb.hotdropped = true;
      else if (statement !== undefined && statement.byDefault !== true)
        skb.decidedBy = ruleset.rules[statement.rules[statement.rules.length - 1]!];
      if (verdict === 'undecided') return verdict;
      if (verdict === 'allow') return 'accept';
      return statement?.action.kind === 'deny' && statement.action.rejectWith !== undefined
        ? 'reject'
        : 'drop';
    },
  });
  return { run: (batch) => batch.map((packet) => toRecord(packet, walk.decide(packet), walk)) };
}

/** What conditions may ask, of a packet at its hook. Lifetimes and tuples of connections are not among it. */
export function factsOf(skb: Skb, ids: InterfaceIds, tcpOptions: readonly number[]): Facts {
  const { NONE, OTHER } = INTERFACE_ID.values;
  const idOf = (name: string): number => (name === '' ? NONE : (ids[name] ?? OTHER));
  const facts = packetFields(skb.packet, {
    input: idOf(skb.inInterface),
    output: idOf(skb.outInterface),
    mark: skb.mark,
    tcpOptions,
  });
  facts[FIELD.TTL] = skb.ttl;
  if (skb.packetType === 'loopback') facts[FIELD.MAC1] = MAC_NONE;
  const state = STATE.values[conntrackStateOf(skb)];
  facts[FIELD.CT] = state;
  if (skb.connection !== undefined) {
    const { seenReply, assured, confirmed } = skb.connection;
    let bits = state | CT_FIELD.TRACKED;
    if (skb.ctInfo >= CT_ESTABLISHED_REPLY) bits |= CT_FIELD.REPLY;
    if (seenReply) bits |= CT_FIELD.SEEN_REPLY;
    if (assured) bits |= CT_FIELD.ASSURED;
    if (confirmed) bits |= CT_FIELD.CONFIRMED;
    facts[FIELD.CT] = bits;
  }
  return facts;
}
