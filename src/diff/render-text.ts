// SPDX-License-Identifier: Apache-2.0
// A verification as text for a terminal: the sum first, then each cause with its first packet and both traces.
import { Chalk, type ChalkInstance } from 'chalk';
import { diffArrays } from 'diff';
import { printable } from '../diagnostics/printable.js';
import type { VerdictRecord } from '../replay/verdict.js';
import { ruleKey } from './compare-records.js';
import type { Cause, CoveredRule, SideOfCause, VerifyReport } from './report.js';

export interface TextOptions {
  readonly color: boolean;
}

/** Missed rules listed; the JSON report has them all. */
const SHOWN_MISSED = 20;

export function renderReport(report: VerifyReport, options: TextOptions): string {
  const paint = new Chalk({ level: options.color ? 1 : 0 });
  const lines = [headline(report, paint), `  ${countsLine(report)}`];
  for (const [i, cause] of report.causes.entries())
    lines.push('', ...causeLines(cause, i + 1, report, paint));
  if (report.apart.length > 0) lines.push('', 'not compared:', ...report.apart.map(apartLine));
  lines.push('', ...coverageLines(report, paint));
  for (const waiver of report.waivers) lines.push(`waived: ${waiver}`);
  for (const note of report.notes) lines.push(`${paint.blue('note:')} ${note}`);
  return lines.join('\n') + '\n';
}

function headline(report: VerifyReport, paint: ChalkInstance): string {
  const { packets, causes, counts, left, right } = report;
  const sides = `${left} and ${right}`;
  if (counts.different === 0) {
    return `${paint.green.bold('differences: 0')} in ${count(packets, 'packet')} (${sides})`;
  }
  return (
    `${paint.red.bold(`differences: ${counts.different}`)} of ${count(packets, 'packet')}, ` +
    `${count(causes.length, 'cause')} (${sides})`
  );
}

function countsLine({ counts }: VerifyReport): string {
  return Object.entries(counts)
    .filter(([name, n]) => n > 0 || name === 'equal')
    .map(([name, n]) => `${name} ${n}`)
    .join(', ');
}

function causeLines(cause: Cause, number: number, report: VerifyReport, paint: ChalkInstance): string[] {
  const { first } = cause;
  return [
    paint.bold(
      `${number}. ${count(cause.packets, 'packet')}: ${sideName(cause.left)} versus ${sideName(cause.right)}`,
    ),
    `   differs in: ${cause.fields.join(', ')}`,
    ...[cause.left, cause.right].flatMap(({ text }) => (text === undefined ? [] : [`   ${printable(text)}`])),
    `   first: index ${first.index}, from ${first.interface ?? '?'}: ${first.packet}`,
    ...sideBySide(report, cause, paint).map((line) => `   ${line}`),
  ];
}

/** `filter/INPUT:7 (rules.v4:23) drop`. */
export function sideName({ verdict, rule, file }: SideOfCause): string {
  const key = ruleKey(rule);
  if (key === undefined) return `${verdict} (no rule)`;
  const place = file === undefined || rule?.line === undefined ? '' : ` (${file}:${rule.line})`;
  return printable(`${key}${place} ${verdict}`);
}

/** Both traces and what follows from them, aligned: what the sides share stands in one row, twice. */
export function alignedSteps({ first }: Cause): [left: string, right: string][] {
  const [a, b] = [steps(first.left), steps(first.right)];
  const rows: [string, string][] = [];
  let alone: string[] = [];
  const flush = (rights: readonly string[]): void => {
    const height = Math.max(alone.length, rights.length);
    for (let i = 0; i < height; i++) rows.push([alone[i] ?? '', rights[i] ?? '']);
    alone = [];
  };
  for (const part of diffArrays(a, b)) {
    if (part.removed) alone = part.value;
    else if (part.added) flush(part.value);
    else {
      flush([]);
      for (const step of part.value) rows.push([step, step]);
    }
  }
  flush([]);
  return rows;
}

function sideBySide({ left, right }: VerifyReport, cause: Cause, paint: ChalkInstance): string[] {
  const rows = alignedSteps(cause);
  const width = Math.max(left.length, ...rows.map(([text]) => text.length));
  const line = (l: string, r: string): string => `${l.padEnd(width)} | ${r}`.trimEnd();
  return [
    line(left, right),
    ...rows.map(([l, r]) => {
      if (l === r) return paint.dim(line(l, r));
      return `${paint.red(l.padEnd(width))} | ${paint.green(r)}`.trimEnd();
    }),
  ];
}

/** A record as lines to lay beside another: the rules passed, then the facts. */
function steps(record: VerdictRecord): string[] {
  const facts = [
    ['verdict', record.verdict],
    ['reason', record.reason],
    ['rule', ruleKey(record.rule)],
    ['reject-with', record.rejectWith],
    ['path', record.path],
    ['output', record.output],
    ['state', record.state],
    ['direction', record.direction],
    ['mark', record.mark],
    ['connection mark', record.connectionMark],
    ['ttl', record.ttl],
  ] as const;
  return [
    ...(record.trace ?? []),
    ...facts.flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`])),
  ].map(printable);
}

function apartLine({ outcome, reason, packets, first }: VerifyReport['apart'][number]): string {
  const why = reason === '' ? '' : `: ${reason}`;
  return `  ${outcome} ${packets}${printable(why)}; first: index ${first.index}${first.packet === '' ? '' : `, ${first.packet}`}`;
}

function coverageLines({ coverage }: VerifyReport, paint: ChalkInstance): string[] {
  const { live, hit, missed } = coverage;
  const share = live === 0 ? '' : ` (${((100 * hit) / live).toFixed(1)}%)`;
  const lines = [`rules hit: ${paint.bold(`${hit} of ${live}`)} live rules${share}`];
  for (const rule of missed.slice(0, SHOWN_MISSED)) lines.push(`  missed ${missedLine(rule)}`);
  if (missed.length > SHOWN_MISSED)
    lines.push(`  ... and ${missed.length - SHOWN_MISSED} more: --json lists them`);
  return lines;
}

function missedLine({ file, line, table, text }: CoveredRule): string {
  return printable(`${file}:${line} ${table}: ${text}`);
}

export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
