// SPDX-License-Identifier: Apache-2.0
// Rule lines by shape. A dump of 300,000 rules holds some ten to sixty shapes: lines whose words differ
// only in names, numbers, addresses and quoted text. The grammar parses the first line of each shape;
// further ones are split into words and decoded by its template. The shape keeps verbatim whatever the
// grammar looks at: every word that begins with `-` or `!`, the names behind `-m` and `-p`, and targets
// that are extensions. test/corpus/shapes.test.ts holds both ways against each other.
import type { Family } from '../src/net/family.js';
import { parseRule } from './rule-parser.js';
import { targetNames } from './scope.js';
import type { RuleTemplate } from './template.js';
import type { Words } from './words.js';

/** More shapes than any real dump has; lines beyond are parsed one by one. */
const MAX_SHAPES = 20_000;

const MINUS = 45;
const BANG = 33;
const QUOTE = 34;
const BACKSLASH = 92;

export class ShapeCache {
  private readonly templates = new Map<string, RuleTemplate>();
  private readonly targets: ReadonlySet<string>;
  /** Lines that went through the grammar. */
  parsed = 0;

  constructor(
    private readonly family: Family,
    private readonly enabled: boolean,
  ) {
    this.targets = new Set(targetNames(family));
  }

  /** The template of the line whose words these are. Throws SyntaxProblem. */
  template(words: Words, hasCounters: boolean): RuleTemplate {
    const key = this.enabled ? this.shapeOf(words) : undefined;
    if (key !== undefined) {
      const known = this.templates.get(key);
      if (known !== undefined) return known;
    }
    this.parsed++;
    const template = parseRule(words, hasCounters, this.family);
    if (key !== undefined && this.templates.size < MAX_SHAPES) this.templates.set(key, template);
    return template;
  }

  /** Undefined for lines that are always parsed: other commands than `-A`. */
  private shapeOf(words: Words): string | undefined {
    if (words.count < 2 || words.raw(0) !== '-A') return undefined;
    let key = '';
    let previous = '-A';
    for (let i = 1; i < words.count; i++) {
      const first = firstCharacter(words, i);
      const option = first === MINUS || first === BANG;
      if (option || this.isVerbatim(previous, words, i)) {
        const word = words.word(i);
        key += `${word}\0`;
        previous = option ? word : '';
      } else {
        key += '\x01';
        previous = '';
      }
    }
    return key;
  }

  /** Whether the word behind `option` decides how the line goes on. */
  private isVerbatim(option: string, words: Words, index: number): boolean {
    if (option === '') return false;
    if (option === '-j' || option === '--jump') return this.targets.has(words.word(index));
    // `-vm`: what the last letter of a bundle takes is not looked up here.
    if (option.length > 2 && option[1] !== '-') return true;
    if (option.length === 2) return option === '-m' || option === '-p' || option === '-c';
    return TELLING.some((long) => long.startsWith(option));
  }
}

/** Long options whose argument the grammar looks at; they may be cut short. */
const TELLING = ['--match', '--protocol', '--jump', '--set-counters'];

/** Character code of a word's first character, behind its quote. */
function firstCharacter(words: Words, index: number): number {
  const start = words.start[index]!;
  const code = words.text.charCodeAt(start);
  if (code !== QUOTE) return code;
  const next = words.text.charCodeAt(start + 1);
  return next === BACKSLASH ? words.text.charCodeAt(start + 2) : next;
}
