// SPDX-License-Identifier: Apache-2.0
// What to aim at: every rule that a jump can lead to, with the ways from the hooks that lead there. The rules
// jumped through ask for something, too.
import type { Family } from '../../net/family.js';
import type { Chain, Rule, Ruleset, Table } from '../../ruleset/ruleset.js';
import type { Hook } from './places.js';

/** Rules whose conditions a packet must meet, in order: jumps from a built-in chain, then the rule aimed at. */
export interface Aim {
  readonly family: Family;
  readonly hook: Hook;
  readonly rules: readonly Rule[];
}

/** Enough ways to a rule that each caller counts, not so many that shared chains are aimed at and nothing else. */
const MOST_WAYS = 4;
const DEEPEST = 16;

/** In file order. Built-in chains are themselves aims: packets for their policies. */
export function aimsOf(ruleset: Ruleset): Aim[] {
  const aims: Aim[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    for (const table of ruleset[family]?.tables.values() ?? []) aims.push(...aimsOfTable(table, family));
  }
  return aims;
}

function aimsOfTable(table: Table, family: Family): Aim[] {
  const aims: Aim[] = [];
  const callers = new Map<string, Rule[]>();
  for (const chain of table.chains.values()) {
    for (const rule of chain.rules) {
      if (rule.target.kind !== 'jump') continue;
      const known = callers.get(rule.target.chain) ?? [];
      known.push(rule);
      callers.set(rule.target.chain, known);
    }
  }
  const ways = new Map<string, readonly Way[]>();
  for (const chain of table.chains.values()) {
    if (chain.chainPolicy !== undefined) aims.push({ family, hook: chain.name as Hook, rules: [] });
    const found = waysTo(chain, table, callers, ways, 0);
    for (const rule of chain.rules) {
      if (rule.unread === true) continue;
      for (const { hook, rules } of found) aims.push({ family, hook, rules: [...rules, rule] });
    }
  }
  return aims;
}

interface Way {
  readonly hook: Hook;
  readonly rules: readonly Rule[];
}

function waysTo(
  chain: Chain,
  table: Table,
  callers: ReadonlyMap<string, readonly Rule[]>,
  known: Map<string, readonly Way[]>,
  depth: number,
): readonly Way[] {
  if (chain.chainPolicy !== undefined) return [{ hook: chain.name as Hook, rules: [] }];
  const before = known.get(chain.name);
  if (before !== undefined || depth > DEEPEST) return before ?? [];
  const found: Way[] = [];
  for (const caller of callers.get(chain.name) ?? []) {
    if (found.length >= MOST_WAYS) break;
    const from = table.chains.get(caller.chain);
    if (from === undefined || caller.unread === true) continue;
    for (const { hook, rules } of waysTo(from, table, callers, known, depth + 1)) {
      if (found.length < MOST_WAYS) found.push({ hook, rules: [...rules, caller] });
    }
  }
  known.set(chain.name, found);
  return found;
}
