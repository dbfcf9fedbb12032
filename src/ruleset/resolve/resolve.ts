// SPDX-License-Identifier: Apache-2.0
// AST -> Ruleset: built-in chains added, options typed, chains and sets bound, loops and misplaced
// extensions refused as the kernel refuses them, fidelity judged. One bad rule costs one rule: it keeps its
// place as unread, and nothing that follows may call the ruleset faithful.
import type { ChainNode, SaveFileNode, TableNode, UnreadLineNode } from '../../ast/nodes.js';
import type { Diagnostic } from '../../diagnostics/diagnostic.js';
import type { Host } from '../../host/host.js';
import { routesByMark } from '../../host/routing.js';
import type { Family } from '../../net/family.js';
import type { Span } from '../../source/span.js';
import type { NameServices } from '../extension.js';
import type { Chain, FamilyRuleset, Fidelity, Rule, Ruleset, Table } from '../ruleset.js';
import type { IpSet } from '../sets.js';
import { NAT_POLICY_DROP, TABLE_SUPPORT } from '../support/context.js';
import { isFaithful } from '../support/support.js';
import { walkChains } from './chain-graph.js';
import { builtInChains, RuleDecoder, UNKNOWN_TARGET } from './decode-rule.js';
import type { ChainDraft, Complaint, RuleDraft, TableDraft } from './draft.js';
import { ruleFidelity } from './fidelity.js';
import { matchName, misplaced, refusedMatch, refusedTarget } from './placement.js';
import { SetBinder } from './sets.js';

export interface ResolveInput {
  /** At most one file for each family and table: the loader sees to that. */
  readonly files: readonly SaveFileNode[];
  readonly sets: ReadonlyMap<string, IpSet>;
  readonly names: NameServices;
  /** Where the rules are; absent: nowhere that routes by marks. */
  readonly host?: Host;
}

/** Something that keeps the ruleset from being carried over and belongs to no rule: a line without a place, a policy. */
export interface LooseProblem {
  readonly family: Family;
  readonly table: string;
  readonly chain?: string;
  readonly code: string;
  readonly state: Fidelity['state'];
  readonly message: string;
  readonly span: Span;
}

export interface Resolution {
  readonly ruleset: Ruleset;
  /** What was found wrong while resolving, in file order. */
  readonly diagnostics: readonly Diagnostic[];
  readonly problems: readonly LooseProblem[];
}

export function resolve(input: ResolveInput): Resolution {
  return new Resolver(input).run();
}

class Resolver {
  private readonly diagnostics: Diagnostic[] = [];
  private readonly problems: LooseProblem[] = [];
  private readonly rules: Rule[] = [];
  private readonly binder: SetBinder;

  constructor(private readonly input: ResolveInput) {
    this.binder = new SetBinder(input.sets);
  }

  run(): Resolution {
    const ipv4 = this.family('ipv4');
    const ipv6 = this.family('ipv6');
    return {
      ruleset: {
        ...(ipv4 && { ipv4 }),
        ...(ipv6 && { ipv6 }),
        sets: this.input.sets,
        rules: this.rules,
      },
      diagnostics: this.diagnostics,
      problems: this.problems,
    };
  }

  private family(family: Family): FamilyRuleset | undefined {
    const files = this.input.files.filter((file) => file.family === family);
    if (files.length === 0) return undefined;
    const nodes = new Map<string, TableNode>();
    for (const table of files.flatMap((file) => file.tables)) {
      const before = nodes.get(table.name);
      if (before !== undefined) {
        this.say(
          'warning',
          'IPT0215',
          `table \`${table.name}\` is given again: as with iptables-restore, only the last one counts`,
          table.span,
        );
        nodes.delete(table.name);
      }
      nodes.set(table.name, table);
    }
    const tables = new Map<string, Table>();
    for (const node of nodes.values()) {
      const table = this.table(node, family);
      if (table !== undefined) tables.set(node.name, table);
    }
    return { family, tables };
  }

  private table(node: TableNode, family: Family): Table | undefined {
    const builtIn = builtInChains(node.name);
    if (builtIn === undefined) {
      this.loose(family, node.name, undefined, 'IPT0200', `there is no table \`${node.name}\``, node.span);
      return undefined;
    }
    if (!node.committed) {
      // The grammar has said so. Rules may be missing, and without its end iptables-restore loads none of them.
      this.problems.push({
        family,
        table: node.name,
        code: 'IPT0219',
        state: 'unsupported',
        message: `the dump ends before the COMMIT of table \`${node.name}\`, so rules may be missing`,
        span: node.span,
      });
    }
    const draft: TableDraft = { family, name: node.name, chains: new Map() };
    for (const chain of node.chains)
      draft.chains.set(chain.name, this.chain(chain, builtIn.includes(chain.name), draft));
    for (const name of builtIn) {
      if (!draft.chains.has(name))
        draft.chains.set(name, { name, node: undefined, builtIn: true, rules: [] });
    }
    const decoder = new RuleDecoder(draft, this.input.names, this.binder, (diagnostic) =>
      this.diagnostics.push(diagnostic),
    );
    for (const rule of node.rules) {
      if (rule.onlyFamily !== undefined && rule.onlyFamily !== family) continue;
      const chain = draft.chains.get(rule.chain);
      if (chain !== undefined) chain.rules.push(decoder.decode(rule));
      else this.noSuchChain(family, node.name, rule.chain, rule.span, rule.text);
    }
    for (const line of node.unread) this.placeUnread(line, draft);
    this.judge(draft);
    return this.finish(draft);
  }

  private chain(node: ChainNode, builtIn: boolean, table: TableDraft): ChainDraft {
    const policy = node.chainPolicy;
    const fine = policy === '-' || (builtIn && (policy === 'ACCEPT' || policy === 'DROP'));
    if (!fine) {
      const message = builtIn
        ? `\`${policy}\` is no policy: a built-in chain has ACCEPT or DROP`
        : `\`${node.name}\` is a user chain and cannot have a policy`;
      this.loose(table.family, table.name, node.name, 'IPT0214', message, node.span);
    } else if (policy === 'DROP') {
      const support = table.name === 'nat' ? NAT_POLICY_DROP : TABLE_SUPPORT[table.name]!;
      if (!isFaithful(support)) {
        this.problems.push({
          family: table.family,
          table: table.name,
          chain: node.name,
          code: support.code!,
          state: support.state,
          message: support.reason!,
          span: node.span,
        });
      }
    }
    return { name: node.name, node, builtIn, rules: [] };
  }

  /** A line that the grammar could not read takes its place by line number, in the chain that its text names. */
  private placeUnread(line: UnreadLineNode, table: TableDraft): void {
    const name = /(?:^|\s)(?:-[AI]|--append|--insert)\s+"?([^\s"]+)/.exec(line.text)?.[1];
    const chain = name === undefined ? undefined : table.chains.get(name);
    if (chain === undefined) {
      this.problems.push({
        family: table.family,
        table: table.name,
        code: line.code,
        state: 'unsupported',
        message: line.message,
        span: line.span,
      });
      return;
    }
    const draft: RuleDraft = {
      node: undefined,
      span: line.span,
      text: line.text,
      header: {},
      matches: [],
      target: UNKNOWN_TARGET,
      fidelity: { state: 'unsupported' },
      complaint: { code: line.code, reason: line.message },
      hooks: new Set(),
    };
    const at = chain.rules.findIndex((rule) => rule.span.line > line.span.line);
    chain.rules.splice(at < 0 ? chain.rules.length : at, 0, draft);
  }

  /** Refuses loops, then what the kernel refuses where it stands. */
  private judge(table: TableDraft): void {
    for (const { rule, cycle } of walkChains(table)) {
      rule.complaint = { code: 'IPT0216', reason: `this jump closes a loop: ${cycle.join(' -> ')}` };
      this.complain(rule, rule.complaint, rule.node?.target?.span);
    }
    for (const chain of table.chains.values()) {
      for (const rule of chain.rules) {
        if (rule.complaint === undefined) this.judgePlacement(rule, table);
      }
    }
  }

  private judgePlacement(rule: RuleDraft, table: TableDraft): void {
    const { header, hooks, node } = rule;
    for (const [i, match] of rule.matches.entries()) {
      const matchNode = node!.matches[i]!;
      const reason =
        misplaced('match', matchName(match), header, table.family, table.name, hooks) ??
        refusedMatch(matchNode, hooks);
      if (reason !== undefined) return this.refuse(rule, reason, matchNode.span);
    }
    const target = node!.target;
    if (target === undefined || rule.target.kind === 'jump') return;
    const reason =
      misplaced('target', target.name, header, table.family, table.name, hooks) ??
      refusedTarget(rule, table.name, hooks);
    if (reason !== undefined) this.refuse(rule, reason, target.span);
  }

  private refuse(rule: RuleDraft, reason: string, span: Span): void {
    rule.refusal = { code: 'IPT0217', reason };
    this.complain(rule, rule.refusal, span);
  }

  private complain(rule: RuleDraft, { code, reason }: Complaint, span: Span = rule.span): void {
    this.say('error', code, reason, span, span.line === rule.span.line ? rule.text : undefined);
  }

  private finish(draft: TableDraft): Table {
    const chains = new Map<string, Chain>();
    const { family, name: table } = draft;
    const ids = this.assignIds(draft);
    for (const chain of draft.chains.values()) {
      const rules = chain.rules.map((rule, i) => this.rule(rule, ids.get(rule)!, i + 1, chain.name, draft));
      const policy = chain.node?.chainPolicy === 'DROP' ? 'DROP' : 'ACCEPT';
      chains.set(chain.name, {
        family,
        table,
        name: chain.name,
        ...(chain.builtIn && { chainPolicy: policy }),
        ...(chain.node?.counters && { counters: chain.node.counters }),
        rules,
        implied: chain.node === undefined,
      });
    }
    return { family, name: table, chains };
  }

  private routesByMark(family: Family): boolean {
    return this.input.host !== undefined && routesByMark(this.input.host, family);
  }

  /** Ids follow the lines of the file, whatever chains they are of. */
  private assignIds(draft: TableDraft): ReadonlyMap<RuleDraft, number> {
    const inOrder = [...draft.chains.values()].flatMap((chain) => chain.rules);
    inOrder.sort((a, b) => a.span.line - b.span.line);
    const first = this.rules.length;
    return new Map(inOrder.map((rule, i) => [rule, first + i]));
  }

  private rule(draft: RuleDraft, id: number, number: number, chain: string, table: TableDraft): Rule {
    const unread = draft.complaint !== undefined;
    const rule: Rule = {
      id,
      family: table.family,
      table: table.name,
      chain,
      number,
      span: draft.span,
      text: draft.text,
      ...(draft.node?.counters && { counters: draft.node.counters }),
      header: draft.header,
      matches: unread ? [] : draft.matches,
      target: unread ? UNKNOWN_TARGET : draft.target,
      fidelity: ruleFidelity(draft, table.name, this.routesByMark(table.family)),
      ...(unread && { unread: true as const }),
    };
    this.rules[id] = rule;
    return rule;
  }

  private noSuchChain(family: Family, table: string, chain: string, span: Span, lineText: string): void {
    this.loose(
      family,
      table,
      chain,
      'IPT0201',
      `the ${table} table has no chain \`${chain}\``,
      span,
      lineText,
    );
  }

  private loose(
    family: Family,
    table: string,
    chain: string | undefined,
    code: string,
    message: string,
    span: Span,
    lineText?: string,
  ): void {
    this.problems.push({
      family,
      table,
      ...(chain !== undefined && { chain }),
      code,
      state: 'unsupported',
      message,
      span,
    });
    this.say('error', code, message, span, lineText);
  }

  private say(
    severity: Diagnostic['severity'],
    code: string,
    message: string,
    span: Span,
    lineText?: string,
  ): void {
    this.diagnostics.push({ code, severity, message, span, ...(lineText !== undefined && { lineText }) });
  }
}
