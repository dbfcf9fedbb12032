// SPDX-License-Identifier: Apache-2.0
// What a dump contains, in its own words: chains with their sizes and references, sets with theirs.
import { printable } from '../diagnostics/printable.js';
import type { Family } from '../net/family.js';
import type { Ruleset } from './ruleset.js';

export interface ChainSummary {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  /** Of built-in chains. */
  readonly policy?: 'ACCEPT' | 'DROP';
  readonly rules: number;
  /** Rules that jump or go to it. */
  readonly references: number;
  /** Of the policy or of the rules together, where the dump has counters. */
  readonly packets?: string;
}

export interface SetSummary {
  readonly set: string;
  readonly type: string;
  readonly family?: Family;
  readonly members: number;
  /** Rules and lists that name it. */
  readonly references: number;
  readonly options: Readonly<Record<string, string | true>>;
}

export function summarizeChains(ruleset: Ruleset): ChainSummary[] {
  const summaries: ChainSummary[] = [];
  for (const family of [ruleset.ipv4, ruleset.ipv6]) {
    for (const table of family?.tables.values() ?? []) {
      const references = new Map<string, number>();
      for (const chain of table.chains.values()) {
        for (const { target } of chain.rules)
          if (target.kind === 'jump') references.set(target.chain, (references.get(target.chain) ?? 0) + 1);
      }
      for (const chain of table.chains.values()) {
        const counted = chain.rules.flatMap((rule) => (rule.counters ? [BigInt(rule.counters.packets)] : []));
        const packets = chain.chainPolicy
          ? chain.counters?.packets
          : counted.length > 0
            ? String(counted.reduce((sum, one) => sum + one, 0n))
            : undefined;
        summaries.push({
          family: chain.family,
          table: table.name,
          chain: chain.name,
          ...(chain.chainPolicy && { policy: chain.chainPolicy }),
          rules: chain.rules.length,
          references: references.get(chain.name) ?? 0,
          ...(packets !== undefined && { packets }),
        });
      }
    }
  }
  return summaries;
}

export function summarizeSets(ruleset: Ruleset): SetSummary[] {
  const references = new Map<string, number>();
  const count = (name: string): Map<string, number> => references.set(name, (references.get(name) ?? 0) + 1);
  for (const rule of ruleset.rules) {
    for (const match of rule.matches) if (match.kind === 'set') count(match.setName);
    if (rule.target.kind === 'opaque' && rule.target.name === 'SET')
      for (const { args } of rule.target.options) if (args.length > 1) count(args[0]!.text);
  }
  for (const set of ruleset.sets.values()) set.members.forEach(count);
  return [...ruleset.sets.values()].map((set) => ({
    set: set.name,
    type: set.type,
    ...(set.family && { family: set.family }),
    members: set.elements.length + set.members.length,
    references: references.get(set.name) ?? 0,
    options: set.options,
  }));
}

/** Rows of cells as aligned columns; the first row is the heading. */
export function columns(cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(printable));
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map(
      (row) =>
        row
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join('  ')
          .trimEnd() + '\n',
    )
    .join('');
}
