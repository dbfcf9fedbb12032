// SPDX-License-Identifier: Apache-2.0
// A parsed rule with its words left out: which word stands where. Every line of one shape shares a
// template, and both the grammar and the fast path make their nodes from it (shapes.ts).
import type { Family } from '../src/net/family.js';
import type { WordRange } from './problem.js';

/** An argument: a word, or the part of it behind `from` characters. */
export interface WordRef {
  readonly word: number;
  readonly from: number;
}

export interface OptionTemplate {
  readonly name: string;
  readonly negated: boolean;
  readonly args: readonly WordRef[];
  readonly at: WordRange;
}

export interface MatchTemplate {
  readonly name: string;
  readonly implicit: boolean;
  readonly options: OptionTemplate[];
  at: WordRange;
}

export interface TargetTemplate {
  readonly name: WordRef;
  readonly goto: boolean;
  readonly options: OptionTemplate[];
  at: WordRange;
}

export interface HeaderTemplate {
  readonly argument: WordRef;
  readonly negated: boolean;
  readonly at: WordRange;
}

export type HeaderName = 'source' | 'destination' | 'inInterface' | 'outInterface' | 'protocol' | 'fragment';

export type CommandName =
  'append' | 'insert' | 'delete' | 'replace' | 'newChain' | 'deleteChain' | 'flush' | 'setPolicy';

export interface CommandTemplate {
  readonly name: CommandName;
  /** Absent for `-F` and `-X` of a whole table. */
  readonly chain?: WordRef;
  /** Rule number, or the policy of `-P`. */
  readonly operand?: WordRef;
  readonly at: WordRange;
}

/** Something worth a warning on every line of the shape. */
export interface InnerNegation {
  readonly option: string;
  readonly argument: WordRef;
  readonly at: WordRange;
}

export interface RuleTemplate {
  readonly command: CommandTemplate;
  readonly headers: Readonly<Partial<Record<HeaderName, HeaderTemplate>>>;
  readonly matches: readonly MatchTemplate[];
  readonly target?: TargetTemplate;
  readonly onlyFamily?: Family;
  readonly setCounters?: readonly [WordRef, WordRef];
  readonly innerNegations: readonly InnerNegation[];
}
