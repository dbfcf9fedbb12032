// SPDX-License-Identifier: Apache-2.0
// Chains made ready for walking: headers as flat tests, matches bound to their state, jumps resolved.
import { bindMatch, type BoundMatch } from '../matches/evaluate.js';
import type { Chain, Rule, Table } from '../ruleset.js';
import { TARGET_SUPPORT } from '../support/targets.js';
import type { Target } from '../targets/index.js';
import type { MatchEnvironment } from './match-result.js';
import { HeaderTest } from './rule-header.js';

/** What a rule does once it matches. */
export type RuleAction =
  | 'accept'
  | 'drop'
  | 'return'
  | 'jump'
  | 'goto'
  | 'continue'
  | 'log'
  | 'mark'
  | 'notrack'
  | 'reject'
  | 'unsupported';

export interface CompiledRule {
  readonly rule: Rule;
  readonly header: HeaderTest;
  readonly matches: readonly BoundMatch[];
  readonly action: RuleAction;
  readonly target: Target;
  /** For `jump` and `goto`. */
  readonly chain: CompiledChain | undefined;
}

export interface CompiledChain {
  readonly name: string;
  readonly chainPolicy: 'ACCEPT' | 'DROP' | undefined;
  readonly source: Chain;
  rules: readonly CompiledRule[];
}

export interface CompiledTable {
  readonly name: string;
  readonly chains: ReadonlyMap<string, CompiledChain>;
}

/** `waived`: ids of rules whose meaning the user has given up; packets that meet one are undecided. */
export function compileTable(
  table: Table,
  environment: MatchEnvironment,
  waived: ReadonlySet<number>,
): CompiledTable {
  const chains = new Map<string, CompiledChain>();
  for (const source of table.chains.values()) {
    chains.set(source.name, { name: source.name, chainPolicy: source.chainPolicy, source, rules: [] });
  }
  for (const chain of chains.values()) {
    chain.rules = chain.source.rules.map((rule) => compileRule(rule, chains, environment, waived));
  }
  return { name: table.name, chains };
}

function compileRule(
  rule: Rule,
  chains: ReadonlyMap<string, CompiledChain>,
  environment: MatchEnvironment,
  waived: ReadonlySet<number>,
): CompiledRule {
  const { target } = rule;
  // The header of a line that was not understood may lack its conditions: any packet may be meant.
  const header = new HeaderTest(rule.unread === true ? {} : rule.header);
  const idle = rule.fidelity.state === 'no-effect';
  return {
    rule,
    header,
    matches: rule.matches.map((match) => bindMatch(match, environment)),
    action: waived.has(rule.id) ? 'unsupported' : actionOf(target, idle),
    target,
    chain: target.kind === 'jump' ? chains.get(target.chain) : undefined,
  };
}

function actionOf(target: Target, idle: boolean): RuleAction {
  switch (target.kind) {
    case 'verdict':
      return target.verdict === 'ACCEPT' ? 'accept' : target.verdict === 'DROP' ? 'drop' : 'return';
    case 'jump':
      return target.goto ? 'goto' : 'jump';
    case 'none':
      return 'continue';
    case 'LOG':
      return 'log';
    case 'MARK':
      return 'mark';
    case 'REJECT':
      return 'reject';
    case 'CT':
      return target.notrack ? 'notrack' : 'unsupported';
    case 'opaque': {
      const observes = TARGET_SUPPORT[target.name]?.base.state === 'no-effect';
      return observes || idle ? 'continue' : 'unsupported';
    }
  }
}
