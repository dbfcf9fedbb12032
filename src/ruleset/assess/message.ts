// SPDX-License-Identifier: Apache-2.0
// Why a rule is not carried over, as a located message with the way out.
import type { RuleNode } from '../../ast/nodes.js';
import type { Diagnostic } from '../../diagnostics/diagnostic.js';
import type { Span } from '../../source/span.js';
import type { Fidelity, Rule } from '../ruleset.js';
import { MATCH_SUPPORT } from '../support/matches.js';
import type { ExtensionSupport } from '../support/support.js';
import { NETFILTER_TARGET_SUPPORT, TARGET_SUPPORT } from '../support/targets.js';

interface Culprit {
  readonly span: Span;
  /** As the user wrote it: `-m recent`, `--ctexpire`. */
  readonly name: string;
}

/** `filter/INPUT:7`. */
export function placeOf(rule: Rule): string {
  return `${rule.table}/${rule.chain}:${rule.number}`;
}

export function ruleMessage(rule: Rule, node: RuleNode | undefined): Diagnostic {
  const { fidelity } = rule;
  const culprit = (node && findCulprit(node, fidelity)) ?? { span: rule.span, name: 'this rule' };
  const quoted = culprit.name.startsWith('-') ? `\`${culprit.name}\`` : culprit.name;
  const target =
    node?.target === undefined ? 'no target' : `-${node.target.goto ? 'g' : 'j'} ${node.target.name}`;
  return {
    code: fidelity.code ?? 'IPT0470',
    severity: fidelity.state === 'approximate' ? 'warning' : 'error',
    message: rule.unread
      ? `not read: ${fidelity.reason}`
      : `${quoted} ${verdictOn(fidelity)}: ${fidelity.reason}`,
    span: culprit.span,
    ...(culprit.span.line === rule.span.line && { lineText: rule.text }),
    notes: [`rule ${rule.number} of ${rule.family} ${rule.table}/${rule.chain} (${target}) is not migrated`],
    help: `to migrate without it: --waive ${fidelity.code}@${placeOf(rule)}`,
  };
}

function verdictOn(fidelity: Fidelity): string {
  if (fidelity.state !== 'approximate') return 'is not supported';
  // It matches what it matched, and does something else.
  if (fidelity.direction === undefined) return 'is approximate';
  const how = { over: 'more packets', under: 'fewer packets', both: 'other packets' };
  return `is approximate and may match ${how[fidelity.direction]}`;
}

/** The part of the rule that its fidelity comes from. */
function findCulprit(node: RuleNode, fidelity: Fidelity): Culprit | undefined {
  if (node.fragment !== undefined && fidelity.code === 'IPT0450')
    return { span: node.fragment.span, name: '-f' };
  for (const match of node.matches) {
    const found = inExtension(MATCH_SUPPORT[match.name], match, fidelity, `-m ${match.name}`);
    if (found !== undefined) return found;
    if (match.name === 'set' && isAboutSets(fidelity)) return { span: match.span, name: '-m set' };
  }
  const { target } = node;
  if (target === undefined) return undefined;
  for (const table of [TARGET_SUPPORT, NETFILTER_TARGET_SUPPORT]) {
    const found = inExtension(table[target.name], target, fidelity, `-j ${target.name}`);
    if (found !== undefined) return found;
  }
  if (target.name === 'SET' && isAboutSets(fidelity)) return { span: target.span, name: '-j SET' };
  return fidelity.code === 'IPT0452' ? { span: target.span, name: `-j ${target.name}` } : undefined;
}

/** Codes IPT0460 to IPT0469 are about sets. */
function isAboutSets(fidelity: Fidelity): boolean {
  return fidelity.code?.startsWith('IPT046') ?? false;
}

function inExtension(
  row: ExtensionSupport | undefined,
  node: RuleNode['matches'][number] | NonNullable<RuleNode['target']>,
  fidelity: Fidelity,
  name: string,
): Culprit | undefined {
  if (row === undefined) return undefined;
  const option = node.options.find((one) => row.options?.[one.name]?.code === fidelity.code);
  if (option !== undefined) return { span: option.span, name: option.name };
  return row.base.code === fidelity.code ? { span: node.span, name } : undefined;
}
