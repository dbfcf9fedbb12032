// SPDX-License-Identifier: Apache-2.0
// Ruleset + host -> Model. Rules that waivers cover and a program cannot hold are left out and listed.
import type { Host } from '../host/host.js';
import { Stack } from '../host/stack.js';
import type { Family } from '../net/family.js';
import { timeoutWords } from '../program/conntrack-constants.js';
import { chainKey } from '../ruleset/targets/lower.js';
import { tracksConnections } from '../ruleset/evaluate/conntrack-users.js';
import type { Chain, FamilyRuleset, Rule, Ruleset } from '../ruleset/ruleset.js';
import { keysOf } from './box.js';
import { assignInterfaceIds, interfaceSources, withWildcards } from './interface-ids.js';
import { FamilyLowering, SharedNumbers } from './family-lowering.js';
import { lowerRule } from './lower-rule.js';
import type { Entry, FamilyModel, InterfaceIds, Model, ModelChain, PhaseName } from './model.js';
import { routeBoxes, unansweredBoxes } from './route-boxes.js';

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

/** Jiffies a second where host.json is silent: Debian's and Ubuntu's kernels. */
export const DEFAULT_HZ = 250;

/** Base chains of each phase in the order of their hooks' priorities. nat is not carried over yet. */
const PHASES: Readonly<Record<PhaseName, readonly (readonly [string, string])[]>> = {
  preroutingRaw: [['raw', 'PREROUTING']],
  prerouting: [['mangle', 'PREROUTING']],
  input: [
    ['mangle', 'INPUT'],
    ['filter', 'INPUT'],
    ['security', 'INPUT'],
  ],
  forward: [
    ['mangle', 'FORWARD'],
    ['filter', 'FORWARD'],
    ['security', 'FORWARD'],
    ['mangle', 'POSTROUTING'],
  ],
  outputRaw: [['raw', 'OUTPUT']],
  output: [
    ['mangle', 'OUTPUT'],
    ['filter', 'OUTPUT'],
    ['security', 'OUTPUT'],
    ['mangle', 'POSTROUTING'],
  ],
};

const CARRIED_TABLES: ReadonlySet<string> = new Set(['raw', 'mangle', 'filter', 'security']);

export interface LowerOptions {
  /** Ids of rules that a waiver covers. */
  readonly waived: ReadonlySet<number>;
  /** Tables that stay with the kernel, by `family table`: their rules are in no chain, but they still track. */
  readonly leftTables?: ReadonlyMap<string, string>;
}

/** Throws LoweringRefusal where a rule that should be exact cannot be lowered. */
export function lower(ruleset: Ruleset, host: Host, options: LowerOptions): Model {
  const stack = new Stack(host);
  const interfaces = withWildcards(assignInterfaceIds(host, ruleset), ruleset);
  const shared = new SharedNumbers(ruleset.rules.length);
  const left: { rule: number; why: string }[] = [];
  const families = FAMILIES.flatMap((family) => {
    const rules = ruleset[family];
    if (rules === undefined) return [];
    const { waived, leftTables = new Map<string, string>() } = options;
    return [lowerFamily(family, rules, { ruleset, stack, interfaces, shared, left, waived, leftTables })];
  });
  const keys = new Set(
    families.flatMap(({ chains, derived }) => [
      ...Object.values(chains).flatMap(({ entries }) =>
        entries.flatMap(({ tests }) =>
          tests.flatMap((test) => (test.kind === 'fields' ? keysOf(test.match) : [])),
        ),
      ),
      ...Object.values(derived).flatMap((each) =>
        each.kind === 'masked' ? [each.field] : keysOf(each.boxes),
      ),
    ]),
  );
  const hz = host.hz ?? DEFAULT_HZ;
  return {
    families,
    interfaces,
    ruleCount: ruleset.rules.length,
    policies: shared.policies,
    limitCount: shared.limits,
    left,
    tcpOptions: shared.tcpOptions,
    wantsTuple: [...keys].some((key) => /^(CTPROTO|O(SRC|DST)\d|[OR][SD]PORT)$/.test(key)),
    wantsExpires: keys.has('CTEXPIRES'),
    hz,
    sources: interfaceSources(host, interfaces),
    timeouts: timeoutWords(host, hz),
  };
}

interface FamilyInput {
  readonly ruleset: Ruleset;
  readonly stack: Stack;
  readonly interfaces: InterfaceIds;
  readonly shared: SharedNumbers;
  readonly left: { rule: number; why: string }[];
  readonly waived: ReadonlySet<number>;
  readonly leftTables: ReadonlyMap<string, string>;
}

function lowerFamily(family: Family, rules: FamilyRuleset, input: FamilyInput): FamilyModel {
  const context = new FamilyLowering(family, input.stack, input.ruleset.sets, input.interfaces, input.shared);
  const chains: Record<string, ModelChain> = {};
  for (const table of rules.tables.values()) {
    const leftFor = input.leftTables.get(`${family} ${table.name}`);
    if (leftFor !== undefined || !CARRIED_TABLES.has(table.name)) {
      const why = leftFor ?? `table ${table.name}`;
      for (const chain of table.chains.values()) {
        for (const { id } of chain.rules) input.left.push({ rule: id, why });
      }
      continue;
    }
    for (const chain of table.chains.values()) {
      const key = chainKey(table.name, chain.name);
      chains[key] = lowerChain(key, family, table.name, chain, context, input);
    }
  }
  const phases: Partial<Record<PhaseName, readonly string[]>> = {};
  for (const [phase, bases] of Object.entries(PHASES)) {
    const present = bases.map(([table, chain]) => chainKey(table, chain)).filter((key) => key in chains);
    if (present.length > 0) phases[phase as PhaseName] = present;
  }
  return {
    family,
    tracked: tracksConnections(rules),
    phases,
    chains,
    derived: context.derived(),
    route: routeBoxes(family, input.stack, input.interfaces),
    unanswered: unansweredBoxes(family, input.stack, input.interfaces),
  };
}

function lowerChain(
  key: string,
  family: Family,
  table: string,
  chain: Chain,
  context: FamilyLowering,
  input: FamilyInput,
): ModelChain {
  const entries: Entry[] = [];
  for (const rule of chain.rules) {
    const why = leftOut(rule, input.waived);
    if (why === undefined) entries.push(lowerRule(rule, context));
    else input.left.push({ rule: rule.id, why });
  }
  const kind = chain.chainPolicy === undefined ? 'return' : 'policy';
  const end = input.shared.nextEnd({ family, table, chain: chain.name, kind });
  return { key, entries, end, ...(chain.chainPolicy !== undefined && { policy: chain.chainPolicy }) };
}

/** Why a rule stands in no program; undefined when it is carried over. */
function leftOut(rule: Rule, waived: ReadonlySet<number>): string | undefined {
  const { fidelity, matches, unread } = rule;
  if (fidelity.state === 'unsupported' && waived.has(rule.id)) return `waived: ${fidelity.reason ?? ''}`;
  const opaque = unread === true || matches.some((match) => match.kind === 'opaque');
  return fidelity.state === 'no-effect' && opaque ? (fidelity.reason ?? 'no effect') : undefined;
}
