// SPDX-License-Identifier: Apache-2.0
// Terminals of the rule grammar. A token is a role that getopt_long(3) gave to a word (or to a part of
// one: `--dport=80`, `-ptcp`), not a spelling: `-s`, `--source`, `--src` and `--sourc` are all Source.
import { createToken, EOF, type IToken, type TokenType } from 'chevrotain';
import type { ExtensionShape, OptionShape } from './options.js';

function token(name: string, ...categories: TokenType[]): TokenType {
  return createToken({ name, pattern: /NOT_LEXED_BY_PATTERN/, categories });
}

/** `[packets:bytes]` before a rule. */
export const Counters = token('Counters');
/** A lone `!`. */
export const Bang = token('Bang');
/** A `!` between an option and its argument, as iptables before 1.4.3 wrote it. */
export const InnerBang = token('InnerBang');
/** An argument. */
export const Word = token('Word');

export const Append = token('Append');
export const Insert = token('Insert');
export const Delete = token('Delete');
export const Replace = token('Replace');
export const NewChain = token('NewChain');
export const DeleteChain = token('DeleteChain');
export const Flush = token('Flush');
export const SetPolicy = token('SetPolicy');

/** `-s`, `-d`, `-i`, `-o`, `-p`. */
export const HeaderOption = token('HeaderOption');
export const Source = token('Source', HeaderOption);
export const Destination = token('Destination', HeaderOption);
export const InInterface = token('InInterface', HeaderOption);
export const OutInterface = token('OutInterface', HeaderOption);
export const Protocol = token('Protocol', HeaderOption);
export const Fragment = token('Fragment');

export const Match = token('Match');
export const Jump = token('Jump');
export const Goto = token('Goto');
export const SetCounters = token('SetCounters');
/** `-4`, `-6`. */
export const OnlyFamily = token('OnlyFamily');
/** `-v`: taken by iptables-restore, without meaning in a file. */
export const Verbose = token('Verbose');

/** An option of a loaded match or target, by the number of its arguments. */
export const Option0 = token('Option0');
export const Option1 = token('Option1');
export const Option2 = token('Option2');

export const ALL_TOKENS: readonly TokenType[] = [
  Counters,
  Bang,
  InnerBang,
  Word,
  Append,
  Insert,
  Delete,
  Replace,
  NewChain,
  DeleteChain,
  Flush,
  SetPolicy,
  HeaderOption,
  Source,
  Destination,
  InInterface,
  OutInterface,
  Protocol,
  Fragment,
  Match,
  Jump,
  Goto,
  SetCounters,
  OnlyFamily,
  Verbose,
  Option0,
  Option1,
  Option2,
];

/** Base options by letter. */
export const BASE_TOKENS: Readonly<Record<string, TokenType>> = {
  A: Append,
  I: Insert,
  D: Delete,
  R: Replace,
  N: NewChain,
  X: DeleteChain,
  F: Flush,
  P: SetPolicy,
  s: Source,
  d: Destination,
  i: InInterface,
  o: OutInterface,
  p: Protocol,
  f: Fragment,
  m: Match,
  j: Jump,
  g: Goto,
  c: SetCounters,
  '4': OnlyFamily,
  '6': OnlyFamily,
  v: Verbose,
};

/** A token with the word it came from. */
export interface RuleToken extends IToken {
  /** Index of the word; -1 for Counters and the end. */
  readonly word: number;
  /** Characters of the unquoted word before this token. */
  readonly from: number;
  readonly option?: OptionShape;
  readonly owner?: ExtensionShape;
  /** The match `owner` is loaded by this very option (`-p tcp --dport`). */
  readonly loads?: boolean;
}

export function ruleToken(
  tokenType: TokenType,
  image: string,
  word: number,
  from: number,
  more: Pick<RuleToken, 'option' | 'owner' | 'loads'> = {},
): RuleToken {
  return {
    image,
    startOffset: word,
    tokenType,
    tokenTypeIdx: tokenType.tokenTypeIdx!,
    word,
    from,
    ...more,
  };
}

export { EOF };
