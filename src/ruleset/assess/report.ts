// SPDX-License-Identifier: Apache-2.0
// The assessment as data: what `check --json` prints (schemas/check.json) and its text form is made of.
import type { Diagnostic } from '../../diagnostics/diagnostic.js';
import type { Family } from '../../net/family.js';
import type { FidelityState, Rule, Ruleset } from '../ruleset.js';
import type { Assessment } from './assess.js';
import type { OtherPlane } from './other-enforcement.js';

export interface StateCounts {
  readonly rules: number;
  readonly exact: number;
  readonly noEffect: number;
  readonly approximate: number;
  readonly unsupported: number;
}

export interface RuleReport {
  readonly id: number;
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  readonly number: number;
  readonly file: string;
  readonly line: number;
  readonly state: FidelityState;
  readonly direction?: 'over' | 'under' | 'both';
  readonly code?: string;
  readonly reason?: string;
  /** The waiver that accepts it, as given. */
  readonly waiver?: string;
  readonly unread?: true;
}

export interface CheckReport {
  /** True: exit 0. */
  readonly ok: boolean;
  readonly summary: StateCounts & { readonly unread: number; readonly waived: number };
  readonly tables: readonly (StateCounts & { readonly family: Family; readonly table: string })[];
  readonly rules: readonly RuleReport[];
  /** What stands against the ruleset and belongs to no rule. */
  readonly problems: readonly {
    readonly code: string;
    readonly message: string;
    readonly file?: string;
    readonly line?: number;
    readonly family?: Family;
    readonly table?: string;
    readonly chain?: string;
    readonly waiver?: string;
  }[];
  readonly lints: readonly Diagnostic[];
  readonly diagnostics: readonly Diagnostic[];
  readonly otherEnforcement: readonly { readonly kind: OtherPlane['kind']; readonly name: string }[];
  readonly waivers: readonly string[];
  readonly unusedWaivers: readonly string[];
}

export function checkReport(
  ruleset: Ruleset,
  assessment: Assessment,
  diagnostics: readonly Diagnostic[],
  lints: readonly Diagnostic[],
  planes: readonly OtherPlane[],
): CheckReport {
  const waivers = new Map(assessment.findings.map(({ rule, waiver }) => [rule, waiver?.text]));
  const tables = new Map<string, Rule[]>();
  for (const rule of ruleset.rules) {
    const key = `${rule.family} ${rule.table}`;
    const list = tables.get(key);
    if (list === undefined) tables.set(key, [rule]);
    else list.push(rule);
  }
  const accepted: readonly { readonly waiver?: unknown }[] = [
    ...assessment.findings,
    ...assessment.loose,
    ...assessment.errors,
  ];
  const waived = accepted.filter(({ waiver }) => waiver !== undefined);
  return {
    ok: assessment.faithful,
    summary: { ...countStates(ruleset.rules), unread: assessment.unread, waived: waived.length },
    tables: [...tables.values()].map((rules) => ({
      family: rules[0]!.family,
      table: rules[0]!.table,
      ...countStates(rules),
    })),
    rules: ruleset.rules.map((rule) => ruleReport(rule, waivers.get(rule))),
    problems: [
      ...assessment.loose.map(({ problem, waiver }) => ({
        code: problem.code,
        message: problem.message,
        file: problem.span.file,
        line: problem.span.line,
        family: problem.family,
        table: problem.table,
        ...(problem.chain !== undefined && { chain: problem.chain }),
        ...(waiver && { waiver: waiver.text }),
      })),
      ...assessment.errors.map(({ diagnostic: { code, message, span }, waiver }) => ({
        code,
        message,
        ...(span && { file: span.file, line: span.line }),
        ...(waiver && { waiver: waiver.text }),
      })),
    ],
    lints,
    diagnostics,
    otherEnforcement: planes.map(({ kind, name }) => ({ kind, name })),
    waivers: assessment.waivers.map(({ text }) => text),
    unusedWaivers: assessment.unusedWaivers.map(({ text }) => text),
  };
}

function ruleReport(rule: Rule, waiver: string | undefined): RuleReport {
  const { fidelity, span } = rule;
  return {
    id: rule.id,
    family: rule.family,
    table: rule.table,
    chain: rule.chain,
    number: rule.number,
    file: span.file,
    line: span.line,
    state: fidelity.state,
    ...(fidelity.direction && { direction: fidelity.direction }),
    ...(fidelity.code && { code: fidelity.code }),
    ...(fidelity.reason && { reason: fidelity.reason }),
    ...(waiver !== undefined && { waiver }),
    ...(rule.unread && { unread: true as const }),
  };
}

function countStates(rules: readonly Rule[]): StateCounts {
  const count = (state: FidelityState): number =>
    rules.filter((rule) => rule.fidelity.state === state).length;
  return {
    rules: rules.length,
    exact: count('exact'),
    noEffect: count('no-effect'),
    approximate: count('approximate'),
    unsupported: count('unsupported'),
  };
}

/** The summary as text: one line a table, then all. */
export function summaryText(report: CheckReport): string {
  const rows = [
    ...report.tables.map((table) => [`${table.family} ${table.table}`, table] as const),
    ['all', report.summary] as const,
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, counts]) => `${name.padEnd(width)}  ${countsText(counts)}`);
  const { unread, waived } = report.summary;
  if (unread > 0) lines.push(`${plural(unread, 'rule')} could not be read`);
  if (waived > 0) lines.push(`${waived} waived`);
  lines.push(
    report.ok
      ? 'nothing stands in the way of migrating this'
      : 'not migrated as it is: what is not exact is listed above',
  );
  return lines.join('\n') + '\n';
}

function countsText(counts: StateCounts): string {
  const parts = [
    [counts.exact, 'exact'],
    [counts.noEffect, 'without effect'],
    [counts.approximate, 'approximate'],
    [counts.unsupported, 'unsupported'],
  ] as const;
  const named = parts.filter(([count]) => count > 0).map(([count, name]) => `${count} ${name}`);
  return `${plural(counts.rules, 'rule')}${named.length > 0 ? ': ' + named.join(', ') : ''}`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
