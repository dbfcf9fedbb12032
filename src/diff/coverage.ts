// SPDX-License-Identifier: Apache-2.0
// Which rules a replay met: from the traces of records, over the rules that a packet can get to at all.
import type { Family } from '../net/family.js';
import type { VerdictRecord } from '../replay/verdict.js';
import type { Chain, FamilyRuleset, Rule, Ruleset } from '../ruleset/ruleset.js';
import type { CoveredRule, Coverage } from './report.js';

/** Rules in chains that jumps reach from a built-in chain, in file order. Rules that weren't read are none. */
export function liveRules(ruleset: Ruleset): Rule[] {
  const live = new Set<Rule>();
  for (const family of [ruleset.ipv4, ruleset.ipv6]) {
    for (const table of family?.tables.values() ?? []) {
      const reached = new Set<Chain>(
        [...table.chains.values()].filter((chain) => chain.chainPolicy !== undefined),
      );
      // A set walked while it grows: every chain added is visited.
      for (const chain of reached) {
        for (const rule of chain.rules) {
          if (rule.unread === true) continue;
          live.add(rule);
          const callee = rule.target.kind === 'jump' ? table.chains.get(rule.target.chain) : undefined;
          if (callee !== undefined) reached.add(callee);
        }
      }
    }
  }
  return ruleset.rules.filter((rule) => live.has(rule));
}

export class CoverageCounter {
  private readonly live: readonly Rule[];
  /** `table:CHAIN:rule:N`, the words of a trace. */
  private readonly byTrace: Readonly<Record<Family, ReadonlyMap<string, Rule>>>;
  private readonly hit = new Set<Rule>();

  constructor(ruleset: Ruleset) {
    this.live = liveRules(ruleset);
    this.byTrace = { ipv4: traceNames(ruleset.ipv4), ipv6: traceNames(ruleset.ipv6) };
  }

  /** `family` of the packet: traces don't name it. */
  add(record: VerdictRecord, family: Family): void {
    const names = this.byTrace[family];
    for (const step of record.trace ?? []) {
      const rule = names.get(step);
      if (rule !== undefined) this.hit.add(rule);
    }
    const { rule: deciding } = record;
    if (deciding?.number === undefined) return;
    const rule = names.get(`${deciding.table}:${deciding.chain}:rule:${deciding.number}`);
    if (rule !== undefined) this.hit.add(rule);
  }

  result(): Coverage {
    const missed = this.live.filter((rule) => !this.hit.has(rule));
    return { live: this.live.length, hit: this.live.length - missed.length, missed: missed.map(covered) };
  }
}

function traceNames(family: FamilyRuleset | undefined): ReadonlyMap<string, Rule> {
  const names = new Map<string, Rule>();
  for (const table of family?.tables.values() ?? []) {
    for (const chain of table.chains.values()) {
      for (const rule of chain.rules) {
        names.set(`${table.name}:${chain.name}:rule:${rule.number}`, rule);
        // The kernel's own words for an unconditional RETURN.
        names.set(`${table.name}:${chain.name}:return:${rule.number}`, rule);
      }
    }
  }
  return names;
}

function covered({ family, table, chain, number, span, text }: Rule): CoveredRule {
  return { family, table, chain, number, file: span.file, line: span.line, text };
}
