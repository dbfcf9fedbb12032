// SPDX-License-Identifier: Apache-2.0
// The rules' way through the host, with what policies see of each packet: the rules decide, and the model's tiers tell
// which statement it was.
import type { LoadedInput } from '../../src/input/load.js';
import { FIELD } from '../../src/model/fields.js';
import { assignInterfaceIds } from '../../src/model/interface-ids.js';
import { formatAddress } from '../../src/net/address.js';
import type { ReplayPacket } from '../../src/packet/packet.js';
import { readTier, type Facts } from '../../src/policy/evaluate.js';
import { tierName } from '../../src/policy/export/residue-book.js';
import type { PolicyModel, Tier } from '../../src/policy/model.js';
import { factsOf } from '../../src/policy/runner.js';
import { STATE } from '../../src/program/layout.js';
import { HostWalk } from '../../src/ruleset/evaluate/host-walk.js';
import { conntrackStateOf, type Skb } from '../../src/ruleset/evaluate/skb.js';
import { walkTable } from '../../src/ruleset/evaluate/walk-table.js';
import type { Seen } from './judges/seen.js';

/** A tier on a packet's way. */
export interface Met {
  readonly tier: string;
  /** Place of the statement that decided, null for the chain's policy. */
  readonly statement: number | null;
  /** A statement took the packet out of connection tracking. */
  readonly untracks: boolean;
  readonly state: string;
  readonly interfaces: readonly string[];
}

export interface Observed {
  readonly index: number;
  /** Why policies do not speak of it: cut headers, a later fragment, a state that is not known. */
  readonly outside: string | undefined;
  readonly verdict: 'allow' | 'deny';
  readonly met: readonly Met[];
  readonly seen: Seen;
}

interface Last {
  readonly skb: Skb;
  readonly facts: Facts;
  readonly hook: string;
}

/** One observation for each packet that rules decide. */
export function observe(
  policy: PolicyModel,
  { ruleset, host }: LoadedInput,
  packets: readonly ReplayPacket[],
): Observed[] {
  const ids = assignInterfaceIds(host, ruleset);
  const judges = new Map(
    policy.families.flatMap((family) =>
      family.tiers.map((tier) => [tierName(family.family, tier), { tier, run: readTier(tier, family, ids) }]),
    ),
  );
  let met: Met[] = [];
  let last: Last | undefined;
  let outside: string | undefined;
  const walk = new HostWalk(ruleset, host, {
    verifyChecksums: true,
    trace: false,
    walk: (table, chain, skb, ...more) => {
      // Answers and copies that come back are packets of their own.
      if (last !== undefined && last.skb !== skb) return walkTable(table, chain, skb, ...more);
      const facts = factsOf(skb, ids, policy.tcpOptions);
      last = { skb, facts: facts.slice(), hook: chain.name };
      if (skb.ctUnknown) outside ??= 'state unknown';
      if (facts[FIELD.FRAG] !== 0) outside ??= 'later fragment';
      const name = tierName(skb.family, { table: table.name, hook: chain.name as Tier['hook'] });
      const judge = judges.get(name);
      if (judge !== undefined || table.name === 'filter') {
        const before = facts[FIELD.CT];
        const statement = judge?.run(facts).statement;
        if (statement?.malformed === true) outside ??= 'cut headers';
        met.push({
          tier: name,
          statement: statement === undefined ? null : judge!.tier.statements.indexOf(statement),
          untracks: facts[FIELD.CT] !== before && facts[FIELD.CT] === STATE.values.UNTRACKED,
          // Table raw comes before connection tracking: taken as the first packet of a connection.
          state: table.name === 'raw' ? 'NEW' : conntrackStateOf(skb),
          interfaces: [skb.inInterface, skb.outInterface],
        });
      }
      return walkTable(table, chain, skb, ...more);
    },
  });
  return packets.flatMap((packet, index): Observed[] => {
    met = [];
    last = undefined;
    outside = undefined;
    const { verdict, fault } = walk.decide(packet);
    if (last === undefined || fault !== undefined || verdict === 'held' || verdict === 'refused') return [];
    if (verdict === 'undecided') outside ??= 'undecided';
    const { skb, facts, hook } = last as Last;
    const path = pathOf(hook, skb, walk);
    if (path === undefined) return [];
    const [first, second] = [facts[FIELD.SPORT]!, facts[FIELD.DPORT]!];
    const words = skb.family === 'ipv4' ? 1 : 4;
    return [
      {
        index,
        outside,
        verdict: verdict === 'accept' ? 'allow' : 'deny',
        met,
        seen: {
          family: skb.family,
          path,
          inInterface: skb.inInterface,
          outInterface: skb.outInterface,
          source: formatAddress([...facts.subarray(FIELD.SRC0, FIELD.SRC0 + words)]),
          destination: formatAddress([...facts.subarray(FIELD.DST0, FIELD.DST0 + words)]),
          protocol: facts[FIELD.PROTO]!,
          sourcePort: first,
          destinationPort: second,
          type: first >>> 8,
          code: first & 0xff,
          state: hook === 'PREROUTING' ? 'NEW' : conntrackStateOf(skb),
        },
      },
    ];
  });
}

function pathOf(hook: string, skb: Skb, walk: HostWalk): Seen['path'] | undefined {
  if (hook === 'INPUT') return 'input';
  if (hook === 'OUTPUT') return 'output';
  if (hook !== 'PREROUTING') return skb.inInterface === '' ? 'output' : 'forward';
  const route = walk.stack.routeInput(skb.packet, skb.inInterface, skb.mark);
  if (route.kind === 'drop') return undefined;
  return route.kind === 'local' ? 'input' : 'forward';
}
