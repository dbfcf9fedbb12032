// SPDX-License-Identifier: Apache-2.0
// What the text of an iptables-save file says, before anything is bound or judged. Built by grammar/,
// read by ruleset/resolve. All nodes are readonly and JSON-serialisable.
import type { Family } from '../net/family.js';
import type { Span } from '../source/span.js';

/** One argument as the shell-like quoting of iptables-restore gives it, quotes and escapes removed. */
export interface ArgumentNode {
  readonly text: string;
  readonly span: Span;
}

/** One option of a match or target with its arguments; `name` is the long name (`--dport` for `--destination-port`). */
export interface OptionNode {
  readonly name: string;
  readonly negated: boolean;
  readonly args: readonly ArgumentNode[];
  readonly span: Span;
}

/** One `-m name` (or the match that `-p tcp --dport` loads by itself: `implicit`). */
export interface MatchNode {
  readonly name: string;
  readonly implicit: boolean;
  readonly options: readonly OptionNode[];
  readonly span: Span;
}

/** `-j name` or `-g chain`. Whether the name is a chain, a verdict or an extension is known after resolve. */
export interface TargetNode {
  readonly name: string;
  readonly goto: boolean;
  readonly options: readonly OptionNode[];
  readonly span: Span;
}

/** A header option of a rule: `-s`, `-d`, `-i`, `-o`, `-p`. */
export interface HeaderNode {
  readonly text: string;
  readonly negated: boolean;
  readonly span: Span;
}

export interface Counters {
  readonly packets: string;
  readonly bytes: string;
}

export interface RuleNode {
  readonly chain: string;
  readonly span: Span;
  /** The line as it stands. */
  readonly text: string;
  readonly counters?: Counters;
  /** `--ipv4`/`-4` or `--ipv6`/`-6`: the rule is for that family alone. */
  readonly onlyFamily?: Family;
  readonly source?: HeaderNode;
  readonly destination?: HeaderNode;
  readonly inInterface?: HeaderNode;
  readonly outInterface?: HeaderNode;
  readonly protocol?: HeaderNode;
  /** `-f`: second and further fragments (IPv4 only). */
  readonly fragment?: HeaderNode;
  readonly matches: readonly MatchNode[];
  readonly target?: TargetNode;
}

export interface ChainNode {
  readonly name: string;
  /** `ACCEPT`, `DROP`..., or `-` for a user chain. */
  readonly chainPolicy: string;
  readonly counters?: Counters;
  readonly span: Span;
}

/** A line inside a table that could not be read: what it was meant to do is not known. */
export interface UnreadLineNode {
  readonly span: Span;
  /** The line as it stands, cut when very long. */
  readonly text: string;
  /** The diagnostic that says why. */
  readonly code: string;
  readonly message: string;
}

export interface TableNode {
  readonly name: string;
  readonly span: Span;
  readonly chains: readonly ChainNode[];
  readonly rules: readonly RuleNode[];
  readonly unread: readonly UnreadLineNode[];
  /** False when the file ends, or another table begins, before `COMMIT`. */
  readonly committed: boolean;
}

export interface SaveFileNode {
  readonly kind: 'iptables-save';
  readonly file: string;
  readonly family: Family;
  /** Who wrote it, where the header comment says so. */
  readonly backend?: 'legacy' | 'nf_tables';
  readonly tables: readonly TableNode[];
}
