// SPDX-License-Identifier: Apache-2.0
// Counters of the programs, chain by chain in the words of the original rules, as `iptables -L -v` has them.
import type { MigrationReport } from '../migrate/report.js';
import type { Model } from '../model/model.js';
import type { Family } from '../net/family.js';
import { readCounters, type Count } from './counters.js';

export interface StatusRule {
  readonly id: number;
  /** 1-based within its chain. */
  readonly number: number;
  /** The rule's line without the counters it was saved with, one character a byte. */
  readonly text: string;
  /** Null for a rule that stands in no program: it stays with iptables, or has no effect. */
  readonly counted: Count | null;
}

export interface StatusChain {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  /** Null for user chains, and for chains that stand in no program. */
  readonly chainPolicy: 'ACCEPT' | 'DROP' | null;
  /** Packets that came to its end; null for a chain that stands in no program. */
  readonly end: Count | null;
  readonly rules: readonly StatusRule[];
}

/** `[packets:bytes]` of `iptables-save -c`: those of then. */
const SAVED_COUNTERS = /^\[\d+:\d+\] /;

/** Chains in the order of the model, then those that stay with iptables. */
export function statusChains(model: Model, { rules }: MigrationReport): StatusChain[] {
  const counts = readCounters(model.ruleCount + model.policies.length);
  const chains = new Map<string, StatusChain & { readonly rules: StatusRule[] }>();
  for (const [i, { family, table, chain }] of model.policies.entries()) {
    const lowered = model.families.find((each) => each.family === family)?.chains[`${table}:${chain}`];
    chains.set(`${family} ${table} ${chain}`, {
      family,
      table,
      chain,
      chainPolicy: lowered?.policy ?? null,
      end: counts[model.ruleCount + i] ?? null,
      rules: [],
    });
  }
  for (const { id, family, table, chain, number, text, became } of rules) {
    const key = `${family} ${table} ${chain}`;
    if (!chains.has(key)) chains.set(key, { family, table, chain, chainPolicy: null, end: null, rules: [] });
    const counted = became === 'carried' ? (counts[id] ?? null) : null;
    chains.get(key)!.rules.push({ id, number, text: text.replace(SAVED_COUNTERS, ''), counted });
  }
  return [...chains.values()];
}
