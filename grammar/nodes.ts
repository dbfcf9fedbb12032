// SPDX-License-Identifier: Apache-2.0
// Template + words of one line -> RuleNode. The one place where rule nodes are made, for lines that the
// grammar parsed and for lines that only share a parsed line's shape.
import type {
  ArgumentNode,
  Counters,
  HeaderNode,
  MatchNode,
  OptionNode,
  RuleNode,
  TargetNode,
} from '../src/ast/nodes.js';
import type { Span } from '../src/source/span.js';
import type { WordRange } from './problem.js';
import type { HeaderTemplate, OptionTemplate, RuleTemplate, WordRef } from './template.js';
import { QUOTED, type Words } from './words.js';

/** Where the words at hand stand in the file. */
export class Place {
  constructor(
    readonly file: string,
    readonly line: number,
    /** Offset of the line's first character in the text that the words index. */
    readonly lineStart: number,
    readonly words: Words,
  ) {}

  /** Words of one line, both ends inclusive; a span ends where its first line does. */
  span(first: number, last: number): Span {
    return this.offsets(this.words.start[first]!, this.words.end[last]!);
  }

  rangeSpan(at: WordRange): Span {
    return this.span(at.first, at.last);
  }

  refSpan(ref: WordRef): Span {
    const raw = (this.words.flags[ref.word]! & QUOTED) === 0;
    return this.offsets(this.words.start[ref.word]! + (raw ? ref.from : 0), this.words.end[ref.word]!);
  }

  offsets(from: number, to: number): Span {
    return {
      file: this.file,
      line: this.line,
      column: from - this.lineStart + 1,
      endColumn: to - this.lineStart + 1,
    };
  }

  text(ref: WordRef): string {
    const word = this.words.word(ref.word);
    return ref.from === 0 ? word : word.slice(ref.from);
  }
}

/** A place in text that runs over several lines (an open quote): columns count in the line that a word is in. */
export class JoinedPlace extends Place {
  override offsets(from: number, to: number): Span {
    const text = this.words.text;
    const before = text.slice(this.lineStart, from);
    const newlines = before.split('\n').length - 1;
    const lineStart = newlines === 0 ? this.lineStart : text.lastIndexOf('\n', from - 1) + 1;
    const lineEnd = text.indexOf('\n', from);
    const end = lineEnd < 0 ? to : Math.min(to, lineEnd);
    return {
      file: this.file,
      line: this.line + newlines,
      column: from - lineStart + 1,
      endColumn: end - lineStart + 1,
    };
  }
}

function argumentNode(ref: WordRef, place: Place): ArgumentNode {
  return { text: place.text(ref), span: place.refSpan(ref) };
}

function optionNode(template: OptionTemplate, place: Place): OptionNode {
  return {
    name: template.name,
    negated: template.negated,
    args: template.args.map((ref) => argumentNode(ref, place)),
    span: place.rangeSpan(template.at),
  };
}

function headerNode(template: HeaderTemplate, text: string, place: Place): HeaderNode {
  return { text, negated: template.negated, span: place.rangeSpan(template.at) };
}

/** One rule, or several where `-s` or `-d` lists addresses: iptables makes a rule of each pair, sources outermost. */
export function ruleNodes(
  template: RuleTemplate,
  place: Place,
  ruleText: string,
  span: Span,
  counters: Counters | undefined,
): RuleNode[] {
  const { headers } = template;
  const header = (
    name: 'inInterface' | 'outInterface' | 'protocol',
  ): Partial<Record<typeof name, HeaderNode>> => {
    const one = headers[name];
    return one === undefined ? {} : { [name]: headerNode(one, place.text(one.argument), place) };
  };
  const matches: MatchNode[] = template.matches.map((match) => ({
    name: match.name,
    implicit: match.implicit,
    options: match.options.map((option) => optionNode(option, place)),
    span: place.rangeSpan(match.at),
  }));
  const target: TargetNode | undefined = template.target && {
    name: place.text(template.target.name),
    goto: template.target.goto,
    options: template.target.options.map((option) => optionNode(option, place)),
    span: place.rangeSpan(template.target.at),
  };
  const setCounters = template.setCounters;
  const counted: Counters | undefined =
    setCounters === undefined
      ? counters
      : { packets: digits(place.text(setCounters[0])), bytes: digits(place.text(setCounters[1])) };
  const nodes: RuleNode[] = [];
  for (const source of addresses(headers.source, place)) {
    for (const destination of addresses(headers.destination, place)) {
      nodes.push({
        chain: place.text(template.command.chain!),
        span,
        text: ruleText,
        ...(counted && { counters: counted }),
        ...(template.onlyFamily && { onlyFamily: template.onlyFamily }),
        ...(source && { source }),
        ...(destination && { destination }),
        ...(headers.inInterface && header('inInterface')),
        ...(headers.outInterface && header('outInterface')),
        ...(headers.protocol && header('protocol')),
        ...(headers.fragment && { fragment: headerNode(headers.fragment, '', place) }),
        matches,
        ...(target && { target }),
      });
    }
  }
  return nodes;
}

/** The addresses of `-s` or `-d`, one node each; [undefined] where the option is absent. */
function addresses(template: HeaderTemplate | undefined, place: Place): (HeaderNode | undefined)[] {
  if (template === undefined) return [undefined];
  const text = place.text(template.argument);
  if (!text.includes(',')) return [headerNode(template, text, place)];
  return text.split(',').map((one) => headerNode(template, one.trimStart(), place));
}

function digits(text: string): string {
  return /[0-9]+/.exec(text)![0];
}
