// SPDX-License-Identifier: Apache-2.0
// One line of `ipset save` as the command it is. EBNF:
//
//   line    = create | member | command .
//   create  = ( "create" | "-N" | ... ) name type { option } .
//   member  = ( "add" | "del" | ... ) name element { option } .
//   command = ( "flush" | "destroy" ) [ name ] | ( "rename" | "swap" ) name name .
//   option  = flag | keyword value .
import { EmbeddedActionsParser, type IToken } from 'chevrotain';
import {
  Add,
  Comment,
  Create,
  Del,
  Destroy,
  Flag,
  Flush,
  IPSET_TOKENS,
  Rename,
  Swap,
  Valued,
  Word,
} from './tokens.js';

export interface OptionTokens {
  readonly name: IToken;
  readonly value?: IToken;
}

export type LineTokens =
  | {
      readonly kind: 'create';
      readonly set: IToken;
      readonly type: IToken;
      readonly options: readonly OptionTokens[];
    }
  | {
      readonly kind: 'add' | 'del';
      readonly set: IToken;
      readonly element: IToken;
      readonly options: readonly OptionTokens[];
    }
  | { readonly kind: 'flush' | 'destroy' | 'rename' | 'swap'; readonly sets: readonly IToken[] };

class IpsetParser extends EmbeddedActionsParser {
  constructor() {
    super(IPSET_TOKENS, { recoveryEnabled: false });
    this.performSelfAnalysis();
  }

  readonly line = this.RULE('line', (): LineTokens =>
    this.OR([
      { ALT: () => this.SUBRULE(this.create) },
      { ALT: () => this.SUBRULE(this.member) },
      { ALT: () => this.SUBRULE(this.command) },
    ]),
  );

  private readonly create = this.RULE('create', (): LineTokens => {
    this.CONSUME(Create);
    const set = this.CONSUME1(Word);
    const type = this.CONSUME2(Word);
    const options: OptionTokens[] = [];
    this.MANY(() => {
      this.OR([
        { ALT: () => options.push({ name: this.CONSUME(Comment) }) },
        { ALT: () => options.push({ name: this.CONSUME(Flag) }) },
        { ALT: () => options.push(this.SUBRULE(this.valuedOption)) },
      ]);
    });
    return { kind: 'create', set, type, options };
  });

  private readonly member = this.RULE('member', (): LineTokens => {
    const kind = this.OR1([
      { ALT: () => (this.CONSUME(Add), 'add' as const) },
      { ALT: () => (this.CONSUME(Del), 'del' as const) },
    ]);
    const set = this.CONSUME1(Word);
    const element = this.CONSUME2(Word);
    const options: OptionTokens[] = [];
    this.MANY(() => {
      this.OR2([
        {
          ALT: () => {
            const name = this.CONSUME(Comment);
            options.push({ name, value: this.CONSUME3(Word) });
          },
        },
        { ALT: () => options.push({ name: this.CONSUME(Flag) }) },
        { ALT: () => options.push(this.SUBRULE(this.valuedOption)) },
      ]);
    });
    return { kind, set, element, options };
  });

  private readonly command = this.RULE('command', (): LineTokens =>
    this.OR([
      {
        ALT: () => (this.CONSUME(Flush), { kind: 'flush' as const, sets: this.SUBRULE1(this.optionalName) }),
      },
      {
        ALT: () => (
          this.CONSUME(Destroy),
          { kind: 'destroy' as const, sets: this.SUBRULE2(this.optionalName) }
        ),
      },
      { ALT: () => (this.CONSUME(Rename), { kind: 'rename' as const, sets: this.SUBRULE3(this.twoNames) }) },
      { ALT: () => (this.CONSUME(Swap), { kind: 'swap' as const, sets: this.SUBRULE4(this.twoNames) }) },
    ]),
  );

  private readonly valuedOption = this.RULE('valuedOption', (): OptionTokens => {
    const name = this.CONSUME(Valued);
    return { name, value: this.CONSUME(Word) };
  });

  private readonly optionalName = this.RULE('optionalName', (): IToken[] => {
    const names: IToken[] = [];
    this.OPTION(() => names.push(this.CONSUME(Word)));
    return names;
  });

  private readonly twoNames = this.RULE('twoNames', (): IToken[] => {
    const first = this.CONSUME1(Word);
    return [first, this.CONSUME2(Word)];
  });
}

/** What stands where it cannot, and what was wanted there. */
export class IpsetSyntaxError extends Error {
  constructor(
    message: string,
    /** Absent at the end of the line. */
    readonly at: IToken | undefined,
  ) {
    super(message);
  }
}

const PARSER = new IpsetParser();

/** Parses the tokens of one line; throws IpsetSyntaxError. */
export function parseIpsetLine(tokens: IToken[]): LineTokens {
  PARSER.input = tokens;
  const line = PARSER.line();
  const error = PARSER.errors[0];
  if (error === undefined) return line;
  const at = error.token.image === '' ? undefined : error.token;
  throw new IpsetSyntaxError(describe(tokens, at), at);
}

function describe(tokens: readonly IToken[], at: IToken | undefined): string {
  if (at === undefined) return 'the line ends too early: a name, an element or a value is missing';
  if (at === tokens[0]) return `\`${at.image}\` is no ipset command that a save file has`;
  return `\`${at.image}\` is no option that can stand here`;
}
