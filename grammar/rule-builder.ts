// SPDX-License-Identifier: Apache-2.0
// Collects what the rule grammar recognises into a RuleTemplate, and checks what a context-free grammar
// can't: one command a line, each header option once, each option of a match once, `!` only where allowed.
import type { Family } from '../src/net/family.js';
import * as messages from './messages.js';
import { fail } from './problem.js';
import type {
  CommandName,
  CommandTemplate,
  HeaderName,
  HeaderTemplate,
  InnerNegation,
  MatchTemplate,
  OptionTemplate,
  RuleTemplate,
  TargetTemplate,
  WordRef,
} from './template.js';
import type { RuleToken } from './tokens.js';
import { findMatch } from './scope.js';

function ref(token: RuleToken): WordRef {
  return { word: token.word, from: token.from };
}

export class RuleBuilder {
  private command: CommandTemplate | undefined;
  private readonly headers: Partial<Record<HeaderName, HeaderTemplate>> = {};
  private readonly matches: MatchTemplate[] = [];
  private target: TargetTemplate | undefined;
  private onlyFamily: Family | undefined;
  private setCounters: readonly [WordRef, WordRef] | undefined;
  private readonly innerNegations: InnerNegation[] = [];

  constructor(
    private readonly lastWord: number,
    private readonly family: Family,
  ) {}

  addCommand(name: CommandName, option: RuleToken, operands: readonly RuleToken[]): void {
    if (this.command !== undefined) fail(messages.optionRepeated(option.image), option.word);
    this.command = {
      name,
      ...(operands[0] === undefined ? {} : { chain: ref(operands[0]) }),
      ...(operands[1] === undefined ? {} : { operand: ref(operands[1]) }),
      at: { first: option.word, last: operands.at(-1)?.word ?? option.word },
    };
  }

  addHeader(
    name: HeaderName,
    option: RuleToken,
    bang: RuleToken | undefined,
    inner: RuleToken | undefined,
    argument: RuleToken,
  ): void {
    if (this.headers[name] !== undefined) fail(messages.optionRepeated(option.image), option.word);
    this.noteInner(option, bang, inner, argument);
    this.headers[name] = {
      argument: ref(argument),
      negated: bang !== undefined || inner !== undefined,
      at: { first: bang?.word ?? option.word, last: argument.word },
    };
  }

  addMatch(name: RuleToken, option: RuleToken): void {
    this.matches.push({
      name: findMatch(name.image, this.family)?.name ?? name.image,
      implicit: false,
      options: [],
      at: { first: option.word, last: name.word },
    });
  }

  addTarget(goto: boolean, option: RuleToken, name: RuleToken): void {
    if (this.target !== undefined) fail(messages.optionRepeated(option.image), option.word);
    this.target = {
      name: ref(name),
      goto,
      options: [],
      at: { first: option.word, last: name.word },
    };
    this.targetName = goto ? undefined : name.image;
  }

  private targetName: string | undefined;

  addOption(
    option: RuleToken,
    bang: RuleToken | undefined,
    inner: RuleToken | undefined,
    args: readonly RuleToken[],
  ): void {
    const shape = option.option!;
    if (bang !== undefined && !shape.invertible)
      fail(messages.notInvertible(option.image), bang.word, option.word);
    if (args[0] !== undefined) this.noteInner(option, bang, inner, args[0]);
    const owner = this.ownerOf(option);
    if (!shape.repeatable && owner.options.some(({ name }) => name === shape.name))
      fail(messages.optionRepeated(option.image), option.word);
    const first = bang?.word ?? option.word;
    const last = args.at(-1)?.word ?? option.word;
    owner.options.push({
      name: shape.name,
      negated: bang !== undefined || inner !== undefined,
      args: args.map(ref),
      at: { first, last },
    });
    if (first <= owner.at.last + 1) owner.at = { first: owner.at.first, last };
  }

  /** The newest loaded instance of the extension; `-p tcp --dport` makes one. */
  private ownerOf(option: RuleToken): MatchTemplate | TargetTemplate {
    const owner = option.owner!;
    if (this.target !== undefined && this.targetName === owner.name) return this.target;
    const match =
      option.loads === true ? undefined : this.matches.findLast(({ name }) => name === owner.name);
    if (match !== undefined) return match;
    const implicit: MatchTemplate = {
      name: owner.name,
      implicit: true,
      options: [],
      at: { first: option.word, last: option.word },
    };
    this.matches.push(implicit);
    return implicit;
  }

  private noteInner(
    option: RuleToken,
    bang: RuleToken | undefined,
    inner: RuleToken | undefined,
    argument: RuleToken,
  ): void {
    if (inner === undefined) return;
    if (bang !== undefined) fail(messages.optionRepeated('!'), inner.word);
    this.innerNegations.push({
      option: option.image,
      argument: ref(argument),
      at: { first: option.word, last: argument.word },
    });
  }

  addFamily(option: RuleToken): void {
    this.onlyFamily = option.image === '-4' ? 'ipv4' : 'ipv6';
  }

  addCounters(option: RuleToken, packets: RuleToken, bytes: RuleToken): void {
    if (this.setCounters !== undefined) fail(messages.optionRepeated(option.image), option.word);
    for (const counter of [packets, bytes]) {
      if (!/^\s*[0-9]/.test(counter.image)) fail(messages.badCounters(), counter.word);
    }
    this.setCounters = [ref(packets), ref(bytes)];
  }

  finish(): RuleTemplate {
    if (this.command === undefined) fail(messages.noCommand(), 0, this.lastWord);
    return {
      command: this.command,
      headers: this.headers,
      matches: this.matches,
      ...(this.target === undefined ? {} : { target: this.target }),
      ...(this.onlyFamily === undefined ? {} : { onlyFamily: this.onlyFamily }),
      ...(this.setCounters === undefined ? {} : { setCounters: this.setCounters }),
      innerNegations: this.innerNegations,
    };
  }
}

export type { OptionTemplate };
