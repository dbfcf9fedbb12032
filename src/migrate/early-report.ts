// SPDX-License-Identifier: Apache-2.0
// What XDP does of a ruleset, for reports: rules that drop there, rules at which it passes packets on, and the first
// thing that it cannot decide, for who asks for XDP alone.
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { earlyFamily } from '../model/early.js';
import type { Model } from '../model/model.js';
import type { Rule } from '../ruleset/ruleset.js';

export interface EarlyReport {
  /** Ids of rules whose packets XDP drops. */
  readonly drops: readonly number[];
  /** Chains whose policy drops there: `ipv4 raw PREROUTING`. */
  readonly policies: readonly string[];
  /** Ids of rules of the same chains at which packets are passed on to TC. */
  readonly deferred: readonly number[];
}

export function earlyReport(model: Model): EarlyReport {
  const all = model.families.map(earlyFamily);
  const drops = all.flatMap((each) => each.drops);
  const policies = drops.flatMap((id) => {
    const end = model.policies[id - model.ruleCount];
    return end === undefined ? [] : [`${end.family} ${end.table} ${end.chain}`];
  });
  const deferred = all.flatMap((each) => (each.family === undefined ? [] : each.deferred));
  return { drops: drops.filter((id) => id < model.ruleCount), policies, deferred };
}

/** Why XDP alone will not do: the first rule of the program that it does not decide, else what it never sees. */
export function notByXdpAlone(model: Model, rules: readonly Rule[]): Diagnostic {
  const help = 'use --attach tc,xdp: TC decides what XDP passes on';
  const decided = new Set<number>();
  const placed = new Set<number>();
  for (const family of model.families) {
    const { deferred, walked } = earlyFamily(family);
    for (const { key, entries } of Object.values(family.chains)) {
      for (const { rule } of entries) {
        placed.add(rule);
        if (walked.includes(key) && !deferred.includes(rule)) decided.add(rule);
      }
    }
  }
  const first = rules.find(({ id }) => placed.has(id) && !decided.has(id));
  const message = (why: string): string => `XDP alone cannot decide this ruleset: ${why}`;
  if (first === undefined) {
    const why = 'pieces of datagrams, and what the host sends, do not come by it whole or at all';
    return { code: 'IPT0901', severity: 'error', message: message(why), help };
  }
  const { table, chain, number, span, text } = first;
  const why =
    table === 'raw'
      ? 'it acts on what XDP does not know, or leaves a trace'
      : 'its table comes behind connection tracking and routing';
  return {
    code: 'IPT0901',
    severity: 'error',
    message: message(`${table}/${chain}:${String(number)}: ${why}`),
    span,
    lineText: text,
    help,
  };
}
