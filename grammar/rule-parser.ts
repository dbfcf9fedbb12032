// SPDX-License-Identifier: Apache-2.0
// The grammar of one rule line (README.md has it as EBNF). LL(1) over the tokens of lexer.ts, no
// recovery: a line that doesn't fit costs itself and nothing else.
import { EmbeddedActionsParser, type TokenType } from 'chevrotain';
import type { Family } from '../src/net/family.js';
import { tokenize } from './lexer.js';
import * as messages from './messages.js';
import { fail } from './problem.js';
import { RuleBuilder } from './rule-builder.js';
import type { CommandName, HeaderName, RuleTemplate } from './template.js';
import * as t from './tokens.js';
import { ruleToken, type RuleToken } from './tokens.js';
import type { Words } from './words.js';

const HEADERS: readonly (readonly [TokenType, HeaderName])[] = [
  [t.Source, 'source'],
  [t.Destination, 'destination'],
  [t.InInterface, 'inInterface'],
  [t.OutInterface, 'outInterface'],
  [t.Protocol, 'protocol'],
];

const COMMANDS: readonly (readonly [TokenType, CommandName])[] = [
  [t.Append, 'append'],
  [t.Insert, 'insert'],
  [t.Delete, 'delete'],
  [t.Replace, 'replace'],
  [t.NewChain, 'newChain'],
  [t.DeleteChain, 'deleteChain'],
  [t.Flush, 'flush'],
  [t.SetPolicy, 'setPolicy'],
];

class RuleParser extends EmbeddedActionsParser {
  builder = new RuleBuilder(0, 'ipv4');

  constructor() {
    super([...t.ALL_TOKENS], { maxLookahead: 1, recoveryEnabled: false });
    this.performSelfAnalysis();
  }

  readonly rule = this.RULE('rule', () => {
    this.OPTION(() => this.CONSUME(t.Counters));
    this.AT_LEAST_ONE(() => this.SUBRULE(this.item));
  });

  private readonly item = this.RULE('item', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.command) },
      { ALT: () => this.SUBRULE(this.signed) },
      { ALT: () => this.SUBRULE(this.match) },
      { ALT: () => this.SUBRULE(this.target) },
      { ALT: () => this.SUBRULE(this.counters) },
      { ALT: () => this.SUBRULE(this.family) },
      { ALT: () => this.CONSUME(t.Verbose) },
    ]);
  });

  private readonly command = this.RULE('command', () => {
    const option = this.OR(COMMANDS.map(([type], i) => ({ ALT: () => this.consume(i, type) }))) as RuleToken;
    const operands: RuleToken[] = [];
    this.MANY(() => {
      operands.push(this.CONSUME(t.Word) as RuleToken);
    });
    this.ACTION(() => {
      const name = COMMANDS.find(([type]) => type === option.tokenType)![1];
      this.builder.addCommand(name, option, operands);
    });
  });

  /** Whatever `!` may stand before. */
  private readonly signed = this.RULE('signed', () => {
    const bang = this.OPTION(() => this.CONSUME(t.Bang)) as RuleToken | undefined;
    this.OR([
      { ALT: () => this.SUBRULE(this.header, { ARGS: [bang] }) },
      { ALT: () => this.SUBRULE(this.fragment, { ARGS: [bang] }) },
      { ALT: () => this.SUBRULE(this.option0, { ARGS: [bang] }) },
      { ALT: () => this.SUBRULE(this.option1, { ARGS: [bang] }) },
      { ALT: () => this.SUBRULE(this.option2, { ARGS: [bang] }) },
    ]);
  });

  private readonly header = this.RULE('header', (bang: RuleToken | undefined) => {
    const option = this.CONSUME(t.HeaderOption) as RuleToken;
    const inner = this.OPTION(() => this.CONSUME(t.InnerBang)) as RuleToken | undefined;
    const argument = this.CONSUME(t.Word) as RuleToken;
    this.ACTION(() => {
      const name = HEADERS.find(([type]) => type === option.tokenType)![1];
      this.builder.addHeader(name, option, bang, inner, argument);
    });
  });

  private readonly fragment = this.RULE('fragment', (bang: RuleToken | undefined) => {
    const option = this.CONSUME(t.Fragment) as RuleToken;
    this.ACTION(() => {
      this.builder.addHeader('fragment', option, bang, undefined, option);
    });
  });

  private readonly option0 = this.RULE('option0', (bang: RuleToken | undefined) => {
    const option = this.CONSUME(t.Option0) as RuleToken;
    this.ACTION(() => {
      this.builder.addOption(option, bang, undefined, []);
    });
  });

  private readonly option1 = this.RULE('option1', (bang: RuleToken | undefined) => {
    const option = this.CONSUME(t.Option1) as RuleToken;
    const inner = this.OPTION(() => this.CONSUME(t.InnerBang)) as RuleToken | undefined;
    const argument = this.CONSUME(t.Word) as RuleToken;
    this.ACTION(() => {
      this.builder.addOption(option, bang, inner, [argument]);
    });
  });

  private readonly option2 = this.RULE('option2', (bang: RuleToken | undefined) => {
    const option = this.CONSUME(t.Option2) as RuleToken;
    const inner = this.OPTION(() => this.CONSUME(t.InnerBang)) as RuleToken | undefined;
    const first = this.CONSUME1(t.Word) as RuleToken;
    const second = this.CONSUME2(t.Word) as RuleToken;
    this.ACTION(() => {
      this.builder.addOption(option, bang, inner, [first, second]);
    });
  });

  private readonly match = this.RULE('match', () => {
    const option = this.CONSUME(t.Match) as RuleToken;
    const name = this.CONSUME(t.Word) as RuleToken;
    this.ACTION(() => {
      this.builder.addMatch(name, option);
    });
  });

  private readonly target = this.RULE('target', () => {
    const option = this.OR([
      { ALT: () => this.CONSUME(t.Jump) },
      { ALT: () => this.CONSUME(t.Goto) },
    ]) as RuleToken;
    const name = this.CONSUME(t.Word) as RuleToken;
    this.ACTION(() => {
      this.builder.addTarget(option.tokenType === t.Goto, option, name);
    });
  });

  private readonly counters = this.RULE('counters', () => {
    const option = this.CONSUME(t.SetCounters) as RuleToken;
    const packets = this.CONSUME1(t.Word) as RuleToken;
    const bytes = this.CONSUME2(t.Word) as RuleToken;
    this.ACTION(() => {
      this.builder.addCounters(option, packets, bytes);
    });
  });

  private readonly family = this.RULE('family', () => {
    const option = this.CONSUME(t.OnlyFamily) as RuleToken;
    this.ACTION(() => {
      this.builder.addFamily(option);
    });
  });
}

/** Built on first use: it costs tens of milliseconds that `--help` needn't pay. */
let parser: RuleParser | undefined;

/** Parses the words of one rule line. Throws SyntaxProblem. */
export function parseRule(words: Words, hasCounters: boolean, family: Family): RuleTemplate {
  const input = tokenize(words, family);
  if (input.length === 0) fail(messages.noCommand(), 0, 0);
  if (hasCounters) input.unshift(ruleToken(t.Counters, '[', -1, 0));
  parser ??= new RuleParser();
  parser.builder = new RuleBuilder(words.count - 1, family);
  parser.input = input;
  parser.rule();
  const error = parser.errors[0];
  if (error !== undefined) {
    // All that the tokens leave to go wrong: a `!` with nothing behind it that it could negate.
    const index = input.indexOf(error.token as RuleToken);
    const at = input[index];
    const before = index < 0 ? input.at(-1)! : (input[index - 1] ?? at!);
    fail(messages.nothingToNegate(at?.image), before.word, (at ?? before).word);
  }
  return parser.builder.finish();
}
