// SPDX-License-Identifier: Apache-2.0
// One rule: node -> typed header, matches and target, each through its codec, with all that is wrong said.
import type { MatchNode, RuleNode, TargetNode } from '../../ast/nodes.js';
import type { Diagnostic } from '../../diagnostics/diagnostic.js';
import type { Family } from '../../net/family.js';
import type { Span } from '../../source/span.js';
import type { DecodeContext, NameServices } from '../extension.js';
import type { Match } from '../matches/index.js';
import { MATCHES } from '../matches/registry.js';
import { BUILT_IN_CHAINS, type Fidelity } from '../ruleset.js';
import { HEADER_SUPPORT, TABLE_SUPPORT } from '../support/context.js';
import { MATCH_SUPPORT } from '../support/matches.js';
import { EXACT, extensionFidelity, worst } from '../support/support.js';
import type { Target } from '../targets/index.js';
import { namedSets } from '../targets/set.js';
import { TARGETS } from '../targets/registry.js';
import type { Complaint, RuleDraft, TableDraft } from './draft.js';
import { decodeHeader } from './header.js';
import type { SetBinder } from './sets.js';
import { ABSENT_SET } from '../support/context.js';

/** What stands in place of a target that is not known. */
export const UNKNOWN_TARGET: Target = { kind: 'opaque', name: '', canonical: '', options: [] };

/** A message names a table's chains where there are no more than these. */
const MAX_NAMED_CHAINS = 12;

/** Collects what codecs say about one rule. */
class RuleContext implements DecodeContext {
  complaint: Complaint | undefined;

  constructor(
    readonly family: Family,
    readonly table: string,
    readonly rule: RuleNode,
    readonly names: NameServices,
    private readonly report: (diagnostic: Diagnostic) => void,
  ) {}

  get chain(): string {
    return this.rule.chain;
  }

  error(at: { readonly span: Span }, code: string, message: string, help?: string): undefined {
    this.complaint ??= { code, reason: message };
    this.tell('error', at.span, code, message, help);
    return undefined;
  }

  warn(at: { readonly span: Span }, code: string, message: string): void {
    this.tell('warning', at.span, code, message);
  }

  /** An error that leaves the rule readable. */
  note(at: { readonly span: Span }, code: string, message: string, help: string): void {
    this.tell('error', at.span, code, message, help);
  }

  private tell(
    severity: Diagnostic['severity'],
    span: Span,
    code: string,
    message: string,
    help?: string,
  ): void {
    this.report({
      code,
      severity,
      message,
      span,
      ...(span.line === this.rule.span.line ? { lineText: this.rule.text } : {}),
      ...(help === undefined ? {} : { help }),
    });
  }
}

/** Decodes rules of one table. Chains must be known already, so that jumps can be told from extensions. */
export class RuleDecoder {
  constructor(
    private readonly table: TableDraft,
    private readonly names: NameServices,
    private readonly sets: SetBinder,
    private readonly report: (diagnostic: Diagnostic) => void,
  ) {}

  decode(node: RuleNode): RuleDraft {
    const { family, name } = this.table;
    const context = new RuleContext(family, name, node, this.names, this.report);
    const fidelities: Fidelity[] = [TABLE_SUPPORT[name] ?? EXACT];
    const header = decodeHeader(context) ?? {};
    if (header.fragment !== undefined) fidelities.push(HEADER_SUPPORT['-f']);
    const matches: Match[] = [];
    for (const matchNode of node.matches) {
      const match = this.decodeMatch(matchNode, context, fidelities);
      if (match !== undefined) matches.push(match);
    }
    const target = this.decodeTarget(node.target, context, fidelities) ?? UNKNOWN_TARGET;
    const read = context.complaint === undefined;
    return {
      node,
      span: node.span,
      text: node.text,
      header,
      matches: read ? matches : [],
      target: read ? target : UNKNOWN_TARGET,
      fidelity: worst(fidelities),
      complaint: context.complaint,
      hooks: new Set(),
    };
  }

  private decodeMatch(node: MatchNode, context: RuleContext, fidelities: Fidelity[]): Match | undefined {
    const codec = MATCHES.get(node.name);
    const row = MATCH_SUPPORT[node.name];
    if (codec === undefined || row === undefined || !codec.families.includes(context.family)) {
      return context.error(node, 'IPT0204', `there is no match \`${node.name}\` for ${context.family}`);
    }
    const match = codec.decode(node, context);
    if (match === undefined) {
      // A codec that gives up has said why; the rule is unread whatever happens.
      context.complaint ??= { code: 'IPT0204', reason: `match \`${node.name}\` could not be read` };
      return undefined;
    }
    fidelities.push(extensionFidelity(row, node.options), codec.fidelity(match, context));
    if (match.kind === 'set') this.bindSet(match.setName, node, context, fidelities);
    return match;
  }

  private decodeTarget(
    node: TargetNode | undefined,
    context: RuleContext,
    fidelities: Fidelity[],
  ): Target | undefined {
    if (node === undefined) return { kind: 'none' };
    const chain = this.table.chains.get(node.name);
    const option = node.goto ? '-g' : '-j';
    if (chain !== undefined && (node.options.length === 0 || node.goto)) {
      if (chain.builtIn) {
        return context.error(
          node,
          'IPT0203',
          `\`${option} ${node.name}\` leads to a built-in chain, where only packets from a hook come`,
        );
      }
      return { kind: 'jump', chain: node.name, goto: node.goto };
    }
    const codec = node.goto ? undefined : TARGETS.get(node.name);
    if (codec === undefined) {
      const chains = this.table.chains.size > MAX_NAMED_CHAINS ? [] : [...this.table.chains.values()];
      const known = chains.filter((one) => !one.builtIn).map((one) => one.name);
      return context.error(
        node,
        'IPT0202',
        `\`${option} ${node.name}\`: the ${this.table.name} table has no such chain` +
          (node.goto ? '' : ', and no target has this name'),
        known.length > 0 ? `its user chains are ${known.join(', ')}` : undefined,
      );
    }
    if (!codec.families.includes(context.family))
      return context.error(node, 'IPT0205', `there is no target \`${node.name}\` for ${context.family}`);
    const target = codec.decode(node, context);
    if (target === undefined) {
      context.complaint ??= { code: 'IPT0205', reason: `target \`${node.name}\` could not be read` };
      return undefined;
    }
    fidelities.push(codec.fidelity(target, context));
    if (target.kind === 'opaque' && target.name === 'SET') {
      for (const naming of namedSets(node.options))
        this.bindSet(naming.args[0]!.text, naming, context, fidelities);
    }
    return target;
  }

  private bindSet(
    name: string,
    at: { readonly span: Span },
    context: RuleContext,
    fidelities: Fidelity[],
  ): void {
    const bound = this.sets.bind(name, context.family);
    if (bound.kind === 'bound') fidelities.push(bound.fidelity);
    else if (bound.kind === 'absent') {
      fidelities.push(ABSENT_SET);
      context.note(
        at,
        ABSENT_SET.code!,
        `the set \`${name}\` is in no input, so its members are not known`,
        'give the output of `ipset save` too',
      );
    } else {
      context.error(
        at,
        'IPT0206',
        `the set \`${name}\` is for ${bound.set.family}, and the rule for ${context.family}`,
      );
    }
  }
}

/** Built-in chains of a table; undefined when the kernel has no such table. */
export function builtInChains(table: string): readonly string[] | undefined {
  return Object.hasOwn(BUILT_IN_CHAINS, table) ? BUILT_IN_CHAINS[table] : undefined;
}
