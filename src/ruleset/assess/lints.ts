// SPDX-License-Identifier: Apache-2.0
// What is odd about a ruleset although it can be read: chains and rules that no packet reaches, sets that
// nothing uses or that can never match. Warnings only. Codes IPT0700 to IPT0709.
import type { Diagnostic } from '../../diagnostics/diagnostic.js';
import { dimensions } from '../resolve/sets.js';
import type { Chain, Rule, Ruleset, Table } from '../ruleset.js';
import { placeOf } from './message.js';

export function lint(ruleset: Ruleset): Diagnostic[] {
  const tables = [ruleset.ipv4, ruleset.ipv6].flatMap((family) => [...(family?.tables.values() ?? [])]);
  return [...tables.flatMap(lintTable), ...lintSets(ruleset)];
}

function lintTable(table: Table): Diagnostic[] {
  const found: Diagnostic[] = [];
  // Where a line was not read, what leads where is not known.
  const whole = [...table.chains.values()].every((chain) => chain.rules.every((rule) => !rule.unread));
  const reached = whole ? reachedChains(table) : new Set(table.chains.keys());
  for (const chain of table.chains.values()) {
    if (!reached.has(chain.name)) {
      if (chain.rules.length > 0) found.push(deadChain(chain));
      continue;
    }
    const end = chain.rules.findIndex(endsChain);
    const after = end < 0 ? undefined : chain.rules[end + 1];
    if (after !== undefined) found.push(deadRules(after, chain.rules.length - end - 1, chain.rules[end]!));
  }
  return found.sort((a, b) => a.span!.line - b.span!.line);
}

/** True for a verdict without any condition. A comment is one: it is always true. */
function endsChain(rule: Rule): boolean {
  if (rule.unread || rule.target.kind !== 'verdict' || Object.keys(rule.header).length > 0) return false;
  return rule.matches.every((match) => match.kind === 'comment');
}

function reachedChains(table: Table): Set<string> {
  const reached = new Set<string>();
  const pending = [...table.chains.values()].filter((chain) => chain.chainPolicy !== undefined);
  for (let chain = pending.pop(); chain !== undefined; chain = pending.pop()) {
    if (reached.has(chain.name)) continue;
    reached.add(chain.name);
    for (const rule of chain.rules) {
      if (endsChain(rule)) break;
      const next = rule.target.kind === 'jump' ? table.chains.get(rule.target.chain) : undefined;
      if (next !== undefined) pending.push(next);
    }
  }
  return reached;
}

function deadChain(chain: Chain): Diagnostic {
  const [first] = chain.rules;
  return {
    code: 'IPT0700',
    severity: 'warning',
    message:
      `no packet reaches chain \`${chain.name}\` of the ${chain.family} ${chain.table} table, ` +
      `so its ${chain.rules.length === 1 ? 'rule does' : `${chain.rules.length} rules do`} nothing`,
    span: first!.span,
    lineText: first!.text,
  };
}

function deadRules(first: Rule, count: number, end: Rule): Diagnostic {
  return {
    code: 'IPT0701',
    severity: 'warning',
    message:
      count === 1
        ? `no packet reaches rule ${placeOf(first)}`
        : `no packet reaches rule ${placeOf(first)} and the ${count - 1} behind it`,
    span: first.span,
    lineText: first.text,
    labels: [{ span: end.span, message: `rule ${end.number} decides about every packet before` }],
  };
}

function lintSets(ruleset: Ruleset): Diagnostic[] {
  const found: Diagnostic[] = [];
  const used = new Set<string>();
  for (const rule of ruleset.rules) {
    for (const match of rule.matches) {
      if (match.kind !== 'set') continue;
      used.add(match.setName);
      const set = ruleset.sets.get(match.setName);
      if (set === undefined || match.directions.length >= dimensions(set.type)) continue;
      found.push({
        code: 'IPT0702',
        severity: 'warning',
        message:
          `the set \`${set.name}\` is of type ${set.type} and needs ${dimensions(set.type)} directions, ` +
          `so this rule never matches`,
        span: rule.span,
        lineText: rule.text,
      });
    }
    if (rule.target.kind === 'opaque' && rule.target.name === 'SET')
      for (const option of rule.target.options) used.add(option.args[0]?.text ?? '');
  }
  for (const set of ruleset.sets.values()) for (const name of set.members) used.add(name);
  for (const set of ruleset.sets.values()) {
    if (used.has(set.name)) continue;
    found.push({
      code: 'IPT0703',
      severity: 'note',
      message: `no rule uses the set \`${set.name}\` (${set.elements.length + set.members.length} members)`,
      span: set.span,
    });
  }
  return found;
}
