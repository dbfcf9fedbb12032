// SPDX-License-Identifier: Apache-2.0
// u32 match. iptables-extensions(8) u32; net/netfilter/xt_u32.c.
import { hex, leadingInteger, UINT32_MAX } from '../options.js';
import { not } from '../values.js';
import { opaqueMatch } from './codec.js';

/** Numbers of a location, values of a test, tests of a match. */
const MAX_PARTS = 11;
const TESTS_END = MAX_PARTS - 1;

export const u32Codec = opaqueMatch('u32', { '--u32': { mandatory: true } }, (options) => {
  const text = options.text('--u32')!;
  const reader = new Reader(text);
  const tests = reader.tests();
  if (typeof tests === 'number') {
    options.badValue(
      '--u32',
      `expected tests such as \`6&0xFF=1&&4@10>>2=5:7,9\`; it can't be read from character ${tests + 1} on`,
    );
    return '';
  }
  return `${not(options.negated('--u32'))} --u32 "${tests.join('&&')}"`;
});

/** Reads `location=values` tests; numbers in any base, blanks between anything. */
class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  /** Canonical texts, or the offset where reading ended. */
  tests(): string[] | number {
    const tests: string[] = [];
    do {
      const test = this.test();
      if (test === undefined || tests.length > TESTS_END) return this.at;
      tests.push(test);
    } while (this.take('&&'));
    this.skipBlanks();
    return this.at === this.text.length ? tests : this.at;
  }

  private test(): string | undefined {
    const location = this.location();
    if (location === undefined || !this.take('=')) return undefined;
    const values: string[] = [];
    do {
      const value = this.value();
      if (value === undefined || values.length >= MAX_PARTS - 1) return undefined;
      values.push(value);
    } while (this.take(','));
    return `${location}=${values.join(',')}`;
  }

  private location(): string | undefined {
    const start = this.number();
    if (start === undefined) return undefined;
    let location = hex(start);
    for (let numbers = 1; ; numbers++) {
      const operator = ['&', '<<', '>>', '@'].find((one) => this.take(one));
      if (operator === undefined) return location;
      const operand = this.number();
      if (operand === undefined || numbers >= MAX_PARTS - 1) return undefined;
      location += operator + hex(operand);
    }
  }

  private value(): string | undefined {
    const low = this.number();
    if (low === undefined) return undefined;
    const high = this.take(':') ? this.number() : low;
    if (high === undefined) return undefined;
    return low === high ? hex(low) : `${hex(low)}:${hex(high)}`;
  }

  private number(): number | undefined {
    this.skipBlanks();
    const parsed = leadingInteger(this.text.slice(this.at));
    if (parsed === undefined || parsed.value > BigInt(UINT32_MAX)) return undefined;
    this.at = this.text.length - parsed.rest.length;
    return Number(parsed.value);
  }

  private take(text: string): boolean {
    this.skipBlanks();
    if (!this.text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  private skipBlanks(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }
}
