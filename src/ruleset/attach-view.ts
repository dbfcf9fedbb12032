// SPDX-License-Identifier: Apache-2.0
// A ruleset as an attach kind carries it over: which tables stay with iptables, and how faithful each rule is there.
// Netfilter programs judge at the hooks of iptables, table by table, and can write to no packet: so `filter` is
// carried over, `raw` and `mangle` where they only judge, and all else goes on as it is, with nothing lost between.
import type { AttachKind } from '../program/attach-kind.js';
import type { Family } from '../net/family.js';
import type { LooseProblem } from './resolve/resolve.js';
import type { Fidelity, FamilyRuleset, Rule, Ruleset, Table } from './ruleset.js';
import {
  EXPECTED_CONNECTION,
  HEADER_SUPPORT,
  TABLE_SUPPORT,
  TRANSLATED_CONNECTION,
} from './support/context.js';
import { EXACT, isFaithful, worst } from './support/support.js';
import { NETFILTER_TARGET_SUPPORT } from './support/targets.js';

/** Why each table that is not carried over stays, by `family table`. */
export type LeftTables = ReadonlyMap<string, string>;

export interface AttachView {
  readonly ruleset: Ruleset;
  readonly problems: readonly LooseProblem[];
  readonly leftTables: LeftTables;
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
/** Targets after which the packet is as before. */
const JUDGING = new Set(['none', 'verdict', 'jump', 'LOG']);

/** Ids, lines and texts of rules stay; what is told of them is for this attach kind. */
export function viewFor(
  kind: AttachKind,
  { ruleset, problems }: { readonly ruleset: Ruleset; readonly problems: readonly LooseProblem[] },
): AttachView {
  if (kind !== 'netfilter') return { ruleset, problems, leftTables: new Map() };
  const leftTables = new Map<string, string>();
  for (const family of FAMILIES) {
    const rules = ruleset[family];
    for (const table of rules?.tables.values() ?? []) {
      const why = whyLeft(table, rules!);
      if (why !== undefined) leftTables.set(`${family} ${table.name}`, why);
    }
  }
  const isLeft = ({ family, table }: { family: Family; table: string }): boolean =>
    leftTables.has(`${family} ${table}`);
  const rules = ruleset.rules.map((rule) => ({
    ...rule,
    fidelity: isLeft(rule) ? (rule.unread ? rule.fidelity : EXACT) : netfilterFidelity(rule, ruleset),
  }));
  return {
    ruleset: {
      ...ruleset,
      ...(ruleset.ipv4 && { ipv4: withRules(ruleset.ipv4, rules) }),
      ...(ruleset.ipv6 && { ipv6: withRules(ruleset.ipv6, rules) }),
      rules,
    },
    problems: problems.filter((each) => !(each.code === TABLE_POLICY && isLeft(each))),
    leftTables,
  };
}

/** NAT_POLICY_DROP: no matter where the table goes on as it is. */
const TABLE_POLICY = 'IPT0453';

function whyLeft(table: Table, family: FamilyRuleset): string | undefined {
  if (table.name === 'filter') return undefined;
  if (table.name === 'nat') return "table nat stays with iptables: translation is the kernel's";
  if (!isFaithful(TABLE_SUPPORT[table.name] ?? EXACT)) return `table ${table.name} stays with iptables`;
  if (rulesOf(table).some((rule) => !judgesOnly(rule)))
    return `table ${table.name} stays with iptables: a netfilter program cannot write to packets`;
  // Its chains are judged together with those of filter, and translation would come between.
  if (table.name === 'mangle' && translates(family))
    return 'table mangle stays with iptables: translation comes between it and filter';
  return undefined;
}

function judgesOnly({ target, fidelity }: Rule): boolean {
  return isFaithful(fidelity) && (JUDGING.has(target.kind) || target.kind === 'opaque');
}

function translates(family: FamilyRuleset): boolean {
  const nat = family.tables.get('nat');
  return nat !== undefined && rulesOf(nat).length > 0;
}

function rulesOf(table: Table): Rule[] {
  return [...table.chains.values()].flatMap(({ rules }) => rules);
}

function netfilterFidelity(rule: Rule, ruleset: Ruleset): Fidelity {
  const { fidelity, target, family } = rule;
  if (fidelity.state === 'no-effect' || fidelity.state === 'unsupported') return fidelity;
  const isFragmentOption = fidelity.code === HEADER_SUPPORT['-f'].code;
  return worst([
    isFragmentOption ? EXACT : fidelity,
    NETFILTER_TARGET_SUPPORT[target.kind]?.base ?? EXACT,
    translates(ruleset[family]!) && asksForTranslation(rule) ? TRANSLATED_CONNECTION : EXACT,
    asksForExpectation(rule) ? EXPECTED_CONNECTION : EXACT,
  ]);
}

function asksForTranslation({ matches }: Rule): boolean {
  return matches.some(
    (match) =>
      match.kind === 'conntrack' &&
      (match.replySource !== undefined ||
        match.replyDestination !== undefined ||
        match.states?.value.some((state) => state === 'SNAT' || state === 'DNAT') === true),
  );
}

function asksForExpectation({ matches }: Rule): boolean {
  return matches.some(
    (match) => match.kind === 'conntrack' && match.statuses?.value.includes('EXPECTED') === true,
  );
}

function withRules(family: FamilyRuleset, rules: readonly Rule[]): FamilyRuleset {
  const tables = [...family.tables].map(([name, table]): [string, Table] => [
    name,
    {
      ...table,
      chains: new Map(
        [...table.chains].map(([chainName, chain]) => [
          chainName,
          { ...chain, rules: chain.rules.map(({ id }) => rules[id]!) },
        ]),
      ),
    },
  ]);
  return { ...family, tables: new Map(tables) };
}
