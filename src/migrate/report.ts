// SPDX-License-Identifier: Apache-2.0
// What became of each rule, as data (report.json, `migrate --json`) and for people (report.md; report-html.ts: report.html).
import type { FamilyCost } from '../decision/family-compiler.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { printable } from '../diagnostics/printable.js';
import type { CheckReport, RuleReport } from '../ruleset/assess/report.js';
import type { EarlyReport } from './early-report.js';
import { nextSteps } from './next-steps.js';
import { ATTACH_KIND_NAMES, type AttachKind } from '../program/attach-kind.js';
import type { Rule } from '../ruleset/ruleset.js';

/** `carried`: in the program. `left`: in no program, `why` says why it may be. `open`: stands against a program. */
export type Became = 'carried' | 'left' | 'open';

export interface MigratedRule extends RuleReport {
  readonly text: string;
  readonly became: Became;
  readonly why?: string;
}

export interface MigrationReport {
  readonly version: string;
  /** True: exit 0, and there is a program. */
  readonly ok: boolean;
  readonly sources: readonly { readonly name: string; readonly sha256: string }[];
  readonly summary: CheckReport['summary'];
  readonly rules: readonly MigratedRule[];
  readonly problems: CheckReport['problems'];
  readonly waivers: readonly string[];
  /** Where programs attach, and tables that stay with iptables for that. */
  readonly attach: {
    readonly kinds: readonly AttachKind[];
    readonly left: readonly { readonly family: string; readonly table: string; readonly why: string }[];
    /** Why these kinds, where they were left to us. */
    readonly reasons?: readonly string[];
    /** What XDP drops, where it is among the kinds. */
    readonly early?: EarlyReport;
  };
  /** What one should know that belongs to no rule. */
  readonly notes: readonly string[];
  /** Why no program came out though every rule is faithful. */
  readonly refusal?: string;
  readonly program?: {
    /** Digest of program.o, hex. */
    readonly sha256: string;
    readonly objectBytes: number;
    readonly tableBytes: number;
    /** Connections it tracks; 0 where the kernel does. */
    readonly connections: number;
    readonly costs: Readonly<Record<string, FamilyCost>>;
  };
  readonly files: readonly string[];
}

export function migratedRules(
  rules: readonly Rule[],
  reports: readonly RuleReport[],
  left: ReadonlyMap<number, string>,
  unfaithful: ReadonlySet<number>,
): MigratedRule[] {
  return reports.map((report) => {
    const { text } = rules[report.id]!;
    const why = left.get(report.id);
    if (unfaithful.has(report.id)) {
      return { ...report, text, became: 'open', ...(report.reason !== undefined && { why: report.reason }) };
    }
    if (why !== undefined) return { ...report, text, became: 'left', why };
    const { state, reason } = report;
    return {
      ...report,
      text,
      became: 'carried',
      ...(state === 'approximate' && reason !== undefined && { why: reason }),
    };
  });
}

export function refusalDiagnostic(message: string, rule: Rule | undefined): Diagnostic {
  return {
    code: 'IPT0900',
    severity: 'error',
    message: `no program can hold this ruleset: ${message}`,
    ...(rule !== undefined && { span: rule.span, lineText: rule.text }),
  };
}

/** What came of it, in one sentence. */
export function headline({ ok, refusal, rules }: MigrationReport): string {
  if (!ok) return `No program: ${refusal ?? 'some rules cannot be carried over as they are'}.`;
  const left = rules.filter(({ became }) => became === 'left').length;
  const carried = left === 0 ? `All ${rules.length} rules are` : `${rules.length - left} rules are`;
  return `${carried} carried over${left === 0 ? '' : `, ${left} are left out for the reasons given`}. The program is in \`program.o\`.`;
}

/** Markdown. Rule text is quoted as code. */
export function reportText(report: MigrationReport): string {
  const { summary, rules, program } = report;
  const lines = [
    '# Migration report',
    '',
    headline(report),
    '',
    `Made by ipt2ebpf ${report.version} from:`,
    '',
    ...report.sources.map(({ name, sha256 }) => `- \`${name}\` (SHA-256 ${sha256})`),
    '',
    `Rules: ${summary.rules} (exact ${summary.exact}, without effect ${summary.noEffect}, ` +
      `approximate ${summary.approximate}, unsupported ${summary.unsupported}).`,
    ...(report.waivers.length === 0 ? [] : [`Waivers: ${report.waivers.join(', ')}.`]),
    '',
    `Attached to: ${report.attach.kinds.map((kind) => ATTACH_KIND_NAMES[kind]).join(', ')}.`,
    '',
    ...section(
      'Why it attaches there',
      (report.attach.reasons ?? []).map((reason) => `- ${printable(reason)}`),
    ),
    ...section(
      'Tables that stay with iptables',
      report.attach.left.map(({ family, table, why }) => `- ${family} ${table}: ${why}`),
    ),
    ...section('Dropped early by XDP', earlyLines(report)),
    ...section(
      'What stands against a program',
      rules.filter(({ became }) => became === 'open').map(ruleLine),
    ),
    ...section(
      'Problems that belong to no rule',
      report.problems.map(
        ({ code, message, waiver }) =>
          `- ${code}: ${message}${waiver === undefined ? '' : ` (waived: ${waiver})`}`,
      ),
    ),
    ...section('Rules left out', rules.filter(({ became }) => became === 'left').map(ruleLine)),
    ...section(
      'Good to know',
      report.notes.map((note) => `- ${note}`),
    ),
    ...(program === undefined ? [] : programSection(program)),
    '## How to go on',
    '',
    ...nextSteps(report.ok, report.attach.kinds, report.files).map((step, i) => `${i + 1}. ${step}`),
    '',
    '## Rules carried over',
    '',
    ...rules.filter(({ became }) => became === 'carried').map(ruleLine),
    '',
  ];
  return lines.join('\n');
}

export function earlyLines({ attach, rules }: MigrationReport): string[] {
  const { drops = [], policies = [], deferred = [] } = attach.early ?? {};
  const name = (id: number): string => {
    const { family, table, chain, number } = rules[id]!;
    return `${family} ${table}/${printable(chain)}:${number}`;
  };
  return [
    ...drops.map((id) => `- ${name(id)}`),
    ...policies.map((place) => `- policy of ${printable(place)}`),
    ...(deferred.length === 0 ? [] : [`- passed on to TC at: ${deferred.map(name).join(', ')}`]),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`## ${title}`, '', ...lines, ''];
}

function ruleLine({ family, table, chain, number, file, line, text, why, code }: MigratedRule): string {
  const place = `${family} ${table}/${printable(chain)}:${number}`;
  const reason = why === undefined ? '' : `: ${code === undefined ? '' : `${code} `}${why}`;
  return `- ${place} (${file}:${line})${reason}\n  \`${printable(text.trim()).replaceAll('`', "'")}\``;
}

function programSection(program: NonNullable<MigrationReport['program']>): string[] {
  return [
    '## The program',
    '',
    `- object ${program.objectBytes} bytes, of which the decision table is ${program.tableBytes}`,
    ...(program.connections === 0 ? [] : [`- tracks up to ${program.connections} connections`]),
    ...Object.entries(program.costs).map(
      ([family, cost]) =>
        `- ${family}: ${cost.chains} chains, ${cost.classifiers} lookups (${cost.partitioned} in parts), ` +
        `each at most ${cost.deepestWalk} steps; a packet takes at most ` +
        `${Math.max(0, ...Object.values(cost.steps))} records in a phase`,
    ),
    '',
  ];
}
