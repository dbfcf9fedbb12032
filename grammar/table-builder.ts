// SPDX-License-Identifier: Apache-2.0
// A table while its lines are read: what iptables-restore's commands do to it. iptables-save writes `:CHAIN`
// and `-A` only; hand-written files also use -N, -P, -I, -F, -X, -D and -R by number.
import type { ChainNode, RuleNode, TableNode, UnreadLineNode } from '../src/ast/nodes.js';
import type { Span } from '../src/source/span.js';
import * as messages from './messages.js';
import type { ProblemText } from './problem.js';

export class TableBuilder {
  private readonly chains = new Map<string, ChainNode>();
  private rules: RuleNode[] = [];
  committed = false;
  readonly unread: UnreadLineNode[] = [];

  constructor(
    readonly name: string,
    readonly span: Span,
  ) {}

  finish(): TableNode {
    return {
      name: this.name,
      span: this.span,
      chains: [...this.chains.values()],
      rules: this.rules,
      unread: this.unread,
      committed: this.committed,
    };
  }

  append(rules: readonly RuleNode[]): void {
    for (const rule of rules) this.rules.push(rule);
  }

  /** A chain line or `-N`. A second line for a chain replaces what the first said of its policy. */
  declare(chain: ChainNode): ProblemText | undefined {
    const known = this.chains.get(chain.name);
    if (known !== undefined && known.chainPolicy === '-' && chain.chainPolicy === '-')
      return messages.chainTwice(chain.name);
    this.chains.set(chain.name, known === undefined ? chain : { ...chain, span: known.span });
    return undefined;
  }

  setPolicy(name: string, policy: string, span: Span): void {
    const known = this.chains.get(name);
    this.chains.set(name, { ...(known ?? { name, span }), chainPolicy: policy });
  }

  /** `number` is 1-based. iptables inserts the rules of an address list one by one at the same place. */
  insert(rules: readonly RuleNode[], number: number): ProblemText | undefined {
    for (const rule of rules) {
      const at =
        number === 1 ? (this.indexOf(rule.chain, 1) ?? this.rules.length) : this.slot(rule.chain, number);
      if (at === undefined) return messages.noSuchRule(rule.chain, number.toString());
      this.rules.splice(at, 0, rule);
    }
    return undefined;
  }

  delete(chain: string, number: number): ProblemText | undefined {
    const at = this.indexOf(chain, number);
    if (at === undefined) return messages.noSuchRule(chain, number.toString());
    this.rules.splice(at, 1);
    return undefined;
  }

  replace(rule: RuleNode, number: number): ProblemText | undefined {
    const at = this.indexOf(rule.chain, number);
    if (at === undefined) return messages.noSuchRule(rule.chain, number.toString());
    this.rules.splice(at, 1, rule);
    return undefined;
  }

  flush(chain: string | undefined): void {
    this.rules = chain === undefined ? [] : this.rules.filter((rule) => rule.chain !== chain);
  }

  /** Deletes one user chain, or all. */
  deleteChain(name: string | undefined): ProblemText | undefined {
    if (name === undefined) {
      for (const chain of [...this.chains.values()])
        if (chain.chainPolicy === '-') this.chains.delete(chain.name);
      return undefined;
    }
    return this.chains.delete(name) ? undefined : messages.noSuchChain(name);
  }

  /** Index in `rules` of the chain's rule `number`. */
  private indexOf(chain: string, number: number): number | undefined {
    let seen = 0;
    for (let i = 0; i < this.rules.length; i++) {
      if (this.rules[i]!.chain === chain && ++seen === number) return i;
    }
    return undefined;
  }

  /** Where a rule goes to become number `number`: also right behind the last one. */
  private slot(chain: string, number: number): number | undefined {
    const here = this.indexOf(chain, number);
    if (here !== undefined) return here;
    const before = this.indexOf(chain, number - 1);
    return before === undefined ? undefined : before + 1;
  }
}
