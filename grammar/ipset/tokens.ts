// SPDX-License-Identifier: Apache-2.0
// Words of a line of `ipset save` (ipset(8)). Quotes join blanks into a word and may stand anywhere in it.
// Every word can also be a set's name, so keywords are words with a meaning in some places only.
import { createToken, Lexer, type TokenType } from 'chevrotain';

export const Word = createToken({ name: 'Word', pattern: /(?:[^\s"]|"[^"]*")+/, line_breaks: false });
export const Blank = createToken({ name: 'Blank', pattern: /[ \t\r]+/, group: Lexer.SKIPPED });

/** A keyword is a whole word: `f` is a command, the `f` of `family` is not. */
function keyword(name: string, words: RegExp, ...categories: TokenType[]): TokenType {
  const pattern = new RegExp(`(?:${words.source})(?![^\\s])`);
  return createToken({ name, pattern, categories: [Word, ...categories] });
}

/** Options without a value. */
export const Flag = createToken({ name: 'Flag', pattern: Lexer.NA });
/** Options with one. */
export const Valued = createToken({ name: 'Valued', pattern: Lexer.NA });

/** Commands with their letters and older long names. */
export const Create = keyword('Create', /(?:--)?(?:create|new)|-N|n/);
export const Add = keyword('Add', /(?:--)?add|-A|a/);
export const Del = keyword('Del', /(?:--)?del|-D|d/);
export const Flush = keyword('Flush', /(?:--)?flush|-F|f/);
export const Destroy = keyword('Destroy', /(?:--)?destroy|-X|x/);
export const Rename = keyword('Rename', /(?:--)?rename|-E|e/);
export const Swap = keyword('Swap', /(?:--)?swap|-W|w/);

/** A flag of `create`, an option with a value of `add`. */
export const Comment = keyword('Comment', /(?:--)?comment/);
export const FlagWord = keyword(
  'FlagWord',
  /(?:--)?(?:counters|forceadd|skbinfo|nomatch|wildcard)|-4|-6|-exist|-!|--exist/,
  Flag,
);
export const ValuedWord = keyword(
  'ValuedWord',
  /(?:--)?(?:family|hashsize|maxelem|bucketsize|initval|range|netmask|bitmask|markmask|size|timeout|packets|bytes|skbmark|skbprio|skbqueue|probes|resize|gc|from|to|network|before|after)/,
  Valued,
);

/** The most particular first: the lexer takes the first that fits. */
export const IPSET_TOKENS = [
  Blank,
  Create,
  Add,
  Del,
  Flush,
  Destroy,
  Rename,
  Swap,
  Comment,
  FlagWord,
  ValuedWord,
  Flag,
  Valued,
  Word,
];

export const ipsetLexer = new Lexer(IPSET_TOKENS, { positionTracking: 'onlyOffset' });
