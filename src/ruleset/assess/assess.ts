// SPDX-License-Identifier: Apache-2.0
// Whether a loaded ruleset can be carried over: every rule's state, what stands against it, and what
// waivers accept. `check` prints this; `migrate` makes no program unless it is faithful.
import type { RuleNode, SaveFileNode } from '../../ast/nodes.js';
import type { Diagnostic } from '../../diagnostics/diagnostic.js';
import type { Span } from '../../source/span.js';
import type { LooseProblem } from '../resolve/resolve.js';
import type { FidelityState, Rule, Ruleset } from '../ruleset.js';
import { isFaithful } from '../support/support.js';
import { Waivers, type Waiver } from '../waivers.js';
import { ruleMessage } from './message.js';

/** What a loaded input brings to judge. */
export interface AssessInput {
  readonly ruleset: Ruleset;
  readonly files: readonly SaveFileNode[];
  readonly diagnostics: readonly Diagnostic[];
  readonly problems: readonly LooseProblem[];
}

/** A rule that is not carried over as it is. */
export interface RuleFinding {
  readonly rule: Rule;
  readonly diagnostic: Diagnostic;
  readonly waiver?: Waiver;
}

/** A line or policy that belongs to no rule. */
export interface LooseFinding {
  readonly problem: LooseProblem;
  readonly waiver?: Waiver;
}

export interface Assessment {
  /** True when all is exact, without effect, or waived. */
  readonly faithful: boolean;
  /** Rules by state, waived ones as what they are. */
  readonly counts: Readonly<Record<FidelityState, number>>;
  readonly unread: number;
  readonly findings: readonly RuleFinding[];
  readonly loose: readonly LooseFinding[];
  /** Errors of the input that are no rule's: a set's line, text outside tables. */
  readonly errors: readonly { readonly diagnostic: Diagnostic; readonly waiver?: Waiver }[];
  /** Waivers that accepted something, in the order given. */
  readonly waivers: readonly Waiver[];
  readonly unusedWaivers: readonly Waiver[];
}

export function assess(input: AssessInput, accepted: readonly Waiver[]): Assessment {
  const waivers = new Waivers(accepted);
  const nodes = nodesBySpan(input.files);
  const counts = { exact: 0, 'no-effect': 0, approximate: 0, unsupported: 0 };
  const findings: RuleFinding[] = [];
  let unread = 0;
  for (const rule of input.ruleset.rules) {
    const { fidelity } = rule;
    counts[fidelity.state]++;
    if (rule.unread) unread++;
    if (isFaithful(fidelity)) continue;
    const waiver = waivers.find({ ...rule, code: fidelity.code! });
    const diagnostic = ruleMessage(rule, nodes.get(rule.span));
    findings.push({ rule, diagnostic, ...(waiver && { waiver }) });
  }
  const loose = input.problems.map((problem): LooseFinding => {
    const waiver = waivers.find(problem);
    return { problem, ...(waiver && { waiver }) };
  });
  const errors = errorsOfNoRule(input).map((diagnostic) => {
    const waiver = waivers.find(diagnostic);
    return { diagnostic, ...(waiver && { waiver }) };
  });
  const all: readonly { readonly waiver?: Waiver }[] = [...findings, ...loose, ...errors];
  const unusedWaivers = waivers.unused();
  return {
    faithful: all.every(({ waiver }) => waiver !== undefined),
    counts,
    unread,
    findings,
    loose,
    errors,
    waivers: waivers.all.filter((waiver) => !unusedWaivers.includes(waiver)),
    unusedWaivers,
  };
}

/** Errors on lines that no rule and no problem stands for: those have their say already. */
function errorsOfNoRule(input: AssessInput): readonly Diagnostic[] {
  const errors = input.diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return errors;
  const told = new Set([...input.ruleset.rules, ...input.problems].map(({ span }) => lineOf(span)));
  return errors.filter(({ span }) => span === undefined || !told.has(lineOf(span)));
}

function lineOf(span: Span): string {
  return `${span.file}:${span.line}`;
}

/** Rules keep the span of the node they come from. */
function nodesBySpan(files: readonly SaveFileNode[]): ReadonlyMap<Span, RuleNode> {
  const nodes = new Map<Span, RuleNode>();
  for (const file of files)
    for (const table of file.tables) for (const rule of table.rules) nodes.set(rule.span, rule);
  return nodes;
}
