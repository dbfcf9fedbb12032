// SPDX-License-Identifier: Apache-2.0
// Words of a rule -> tokens, as getopt_long(3) with iptables' option string hands them out: long options
// (cut short, `--name=value`), letters (bundled, with the argument attached), arguments taken blindly
// whatever they begin with. What a word is depends on the matches loaded before it, so this is a
// hand-written lexer in front of the chevrotain parser.
import type { Family } from '../src/net/family.js';
import { nearest } from './nearest.js';
import type { ExtensionShape, OptionShape } from './options.js';
import * as messages from './messages.js';
import { fail } from './problem.js';
import {
  baseOption,
  findMatch,
  findTarget,
  matchNames,
  protocolMatch,
  Scope,
  type BaseOption,
} from './scope.js';
import * as tokens from './tokens.js';
import { ruleToken, type RuleToken } from './tokens.js';
import type { Words } from './words.js';

/** Tokens of the words, in order. Throws SyntaxProblem. */
export function tokenize(words: Words, family: Family): RuleToken[] {
  return new Tokenizer(words, family).run();
}

class Tokenizer {
  private readonly out: RuleToken[] = [];
  private readonly scope = new Scope();
  private next = 0;
  private protocol: string | undefined;
  /** iptables loads the match of `-p` once only. */
  private protocolMatchUsed = false;

  constructor(
    private readonly words: Words,
    private readonly family: Family,
  ) {}

  run(): RuleToken[] {
    while (this.next < this.words.count) {
      const index = this.next++;
      const word = this.words.word(index);
      if (word === '!') this.out.push(ruleToken(tokens.Bang, '!', index, 0));
      else if (word === '--') fail(messages.strayWord('--'), index);
      else if (word.startsWith('--')) this.longOption(word, index);
      else if (word.startsWith('-') && word !== '-') this.letters(word, index);
      else fail(messages.strayWord(word), index);
    }
    return this.out;
  }

  private longOption(word: string, index: number): void {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const attached = equals < 0 ? undefined : equals + 1;
    let found = this.scope.find(name);
    let loads = false;
    if (found.kind === 'unknown' && this.protocol !== undefined && !this.protocolMatchUsed) {
      const match = protocolMatch(this.protocol, this.family);
      if (match !== undefined) {
        this.protocolMatchUsed = true;
        this.scope.load(match);
        found = this.scope.find(name);
        loads = found.kind === 'extension' && found.owner === match;
      }
    }
    switch (found.kind) {
      case 'base':
        if (attached !== undefined && found.option.argument === 'none')
          fail(messages.unexpectedValue(`--${name}`), index);
        return this.baseOption(found.option, `--${name}`, index, attached);
      case 'extension':
        return this.extensionOption(found.owner, found.option, `--${name}`, index, attached, loads);
      case 'ambiguous':
        return fail(messages.ambiguousOption(`--${name}`, found.candidates), index);
      case 'unknown':
        return fail(messages.unknownOption(`--${name}`), index);
    }
  }

  /** `-A`, `-nv`, `-ptcp`. */
  private letters(word: string, index: number): void {
    for (let at = 1; at < word.length; at++) {
      const option = baseOption(word[at]!);
      if (option === undefined) fail(messages.unknownOption(`-${word[at]!}`), index);
      const attached = at + 1 < word.length && option.argument !== 'none' ? at + 1 : undefined;
      this.baseOption(option, `-${word[at]!}`, index, attached, at);
      if (attached !== undefined) return;
    }
  }

  private baseOption(
    option: BaseOption,
    spelling: string,
    index: number,
    attached: number | undefined,
    from = 0,
  ): void {
    const type = tokens.BASE_TOKENS[option.letter];
    if (type === undefined) fail(messages.optionNotInFile(spelling), index);
    this.out.push(ruleToken(type, spelling === '-4' || spelling === '--ipv4' ? '-4' : spelling, index, from));
    switch (option.letter) {
      case 'A':
      case 'N':
        this.argument(spelling, index, attached);
        return;
      case 'P':
        this.argument(spelling, index, attached);
        this.argument(spelling, index, undefined);
        return;
      case 'I':
      case 'D':
      case 'R':
        this.argument(spelling, index, attached);
        if (this.plainWordFollows()) this.argument(spelling, index, undefined);
        return;
      case 'F':
      case 'X':
        if (attached !== undefined || this.plainWordFollows()) this.argument(spelling, index, attached);
        return;
      case 'c':
        this.setCounters(spelling, index, attached);
        return;
      case 'm':
        this.loadMatch(this.argument(spelling, index, attached));
        return;
      case 'j': {
        const name = this.ownArgument(spelling, index, attached);
        const target = findTarget(name.image, this.family);
        if (target !== undefined) this.scope.load(target);
        return;
      }
      case 'g':
        this.argument(spelling, index, attached);
        return;
      case 'p':
        this.innerBang(attached);
        this.protocol = this.ownArgument(spelling, index, attached).image.toLowerCase();
        return;
      case 's':
      case 'd':
        this.innerBang(attached);
        this.ownArgument(spelling, index, attached);
        return;
      case 'i':
      case 'o':
        this.innerBang(attached);
        // iptables takes the whole word for the name: `-ieth0` is an interface `-ieth0`.
        this.argument(spelling, index, attached === undefined ? undefined : 0);
        return;
      case '4':
      case '6':
        // The rest of a rule for the other family is not looked at.
        if ((option.letter === '4') !== (this.family === 'ipv4')) this.next = this.words.count;
        return;
    }
  }

  private loadMatch(name: RuleToken): void {
    const match = findMatch(name.image, this.family);
    if (match === undefined) {
      const other = findMatch(name.image, this.family === 'ipv4' ? 'ipv6' : 'ipv4');
      fail(
        messages.unknownMatch(
          name.image,
          other === undefined ? undefined : this.family,
          nearest(name.image, matchNames(this.family)),
        ),
        name.word,
      );
    }
    this.scope.load(match);
  }

  private extensionOption(
    owner: ExtensionShape,
    option: OptionShape,
    spelling: string,
    index: number,
    attached: number | undefined,
    loads: boolean,
  ): void {
    let count = option.arguments;
    if (count === 'optional') count = this.plainWordFollows() ? 1 : 0;
    if (attached !== undefined && count === 0) fail(messages.unexpectedValue(spelling), index);
    const type = count === 0 ? tokens.Option0 : count === 1 ? tokens.Option1 : tokens.Option2;
    this.out.push(ruleToken(type, spelling, index, 0, { option, owner, loads }));
    if (count === 0) return;
    if (option.invertible) this.innerBang(attached);
    this.argument(spelling, index, attached);
    if (count === 2) {
      if (!this.plainWordFollows()) fail(messages.missingArgument(spelling, 2), index);
      this.argument(spelling, index, undefined);
    }
  }

  /** `-c packets bytes` or `-c packets,bytes`. */
  private setCounters(spelling: string, index: number, attached: number | undefined): void {
    const packets = this.argument(spelling, index, attached);
    const comma = packets.image.indexOf(',');
    if (comma >= 0) {
      this.out.pop();
      this.out.push(
        ruleToken(tokens.Word, packets.image.slice(0, comma), packets.word, packets.from),
        ruleToken(tokens.Word, packets.image.slice(comma + 1), packets.word, packets.from + comma + 1),
      );
    } else {
      this.argument(spelling, index, undefined);
    }
  }

  /** An argument that iptables 1.8.9 reads right only where it is a word of its own. */
  private ownArgument(spelling: string, index: number, attached: number | undefined): RuleToken {
    if (attached !== undefined) fail(messages.attachedArgument(spelling), index);
    return this.argument(spelling, index, undefined);
  }

  /** The next word, or what is attached to the option at `attached`, as a Word token. */
  private argument(spelling: string, index: number, attached: number | undefined): RuleToken {
    let word: RuleToken;
    if (attached !== undefined) {
      word = ruleToken(tokens.Word, this.words.word(index).slice(attached), index, attached);
    } else {
      if (this.next >= this.words.count) fail(messages.missingArgument(spelling, 1), index);
      word = ruleToken(tokens.Word, this.words.word(this.next), this.next, 0);
      this.next++;
    }
    this.out.push(word);
    return word;
  }

  /** A word that is neither `!` nor begins with `-`. */
  private plainWordFollows(ahead = 0): boolean {
    const index = this.next + ahead;
    if (index >= this.words.count) return false;
    const first = this.words.word(index)[0];
    return first !== '-' && first !== '!';
  }

  /** `-s ! 10.0.0.1`: the `!` counts only where an argument stands behind it. */
  private innerBang(attached: number | undefined): void {
    if (attached !== undefined || this.next >= this.words.count) return;
    if (this.words.word(this.next) !== '!' || !this.plainWordFollows(1)) return;
    this.out.push(ruleToken(tokens.InnerBang, '!', this.next, 0));
    this.next++;
  }
}
