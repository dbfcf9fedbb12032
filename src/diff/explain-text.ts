// SPDX-License-Identifier: Apache-2.0
// An explanation as text: hook by hook, chain by chain, a line for each rule that was tried.
import { printable } from '../diagnostics/printable.js';
import type { RuleReference, VerdictRecord } from '../replay/verdict.js';
import type { ExplainedStep, Explanation } from '../ruleset/evaluate/explain.js';

/** What became of the packet in the program, or why there is none. */
export type ProgramAnswer = { readonly record: VerdictRecord } | { readonly unavailable: string };

export interface ExplainedPacket {
  /** The packet's headers in one line. */
  readonly packet: string;
  readonly explanation: Explanation;
  readonly program: ProgramAnswer;
}

export function explainText({ packet, explanation, program }: ExplainedPacket): string {
  const { record, steps, fault } = explanation;
  const lines = [`${packet}  (from ${record.interface ?? 'nowhere'})`];
  let place = '';
  for (const step of steps) {
    const here = `${step.hook} ${step.table}/${step.chain}`;
    if (here !== place) lines.push(`  ${printable(here)}`);
    place = here;
    lines.push(`    ${stepText(step)}`);
  }
  lines.push(`rules:   ${verdictText(record)}${fault === undefined ? '' : ` (${fault})`}`);
  lines.push(
    'record' in program
      ? `program: ${verdictText(program.record)}`
      : `program: none to run: ${printable(program.unavailable)}`,
  );
  return lines.join('\n');
}

const SIGNS = { match: '*', 'no-match': '-', malformed: '!', undecided: '?' } as const;

function stepText(step: ExplainedStep): string {
  if (step.kind === 'end') return step.policy === undefined ? '< end of chain' : `= policy ${step.policy}`;
  const why = {
    match: '',
    'no-match': `   [${step.failed ?? 'header'} does not fit]`,
    malformed: `   [malformed for ${step.failed ?? '-p'}: dropped]`,
    undecided: `   [${step.failed ?? 'the rule'} cannot be judged]`,
  }[step.result];
  return `${SIGNS[step.result]} ${step.number}: ${printable(step.text.trim())}${why}`;
}

function verdictText(record: VerdictRecord): string {
  const parts: string[] = [record.verdict];
  if (record.rejectWith !== undefined) parts.push(`with ${record.rejectWith}`);
  if (record.path !== undefined) parts.push(`on ${record.path}`);
  if (record.output !== undefined) parts.push(`out by ${record.output}`);
  if (record.rule !== undefined) parts.push(`by ${ruleText(record.rule)}`);
  else if (record.reason !== undefined) parts.push(`by ${record.reason}`);
  if (record.state !== undefined) parts.push(`state ${record.state}`);
  if (record.mark !== undefined) parts.push(`mark 0x${record.mark.toString(16)}`);
  return printable(parts.join(' '));
}

function ruleText({ table, chain, number, line, policy }: RuleReference): string {
  if (policy === true) return `the policy of ${table}/${chain}`;
  return `${table}/${chain}:${String(number)}${line === undefined ? '' : ` (line ${line})`}`;
}
