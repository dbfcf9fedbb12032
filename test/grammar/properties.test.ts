// SPDX-License-Identifier: Apache-2.0
// Random rules: parse -> print -> parse is the same, shapes don't change what is read, junk throws nothing.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MATCH_SHAPES } from '../../grammar/extensions/matches.js';
import { TARGET_SHAPES } from '../../grammar/extensions/targets.js';
import { parseSaveFile } from '../../grammar/index.js';
import type { ExtensionShape } from '../../grammar/options.js';
import { printSaveFile, quoteWord } from '../../src/ast/print.js';

const RUNS = { numRuns: 150 };

/** An argument: nothing that begins like an option, and no NUL or line end. */
const argument = fc
  .string({
    unit: fc.integer({ min: 9, max: 255 }).map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 20,
  })
  .map((text) => text.replace(/[\n\r\v\f]/g, 'x').replace(/^[-!]/, 'x'));

const shapes = (all: readonly ExtensionShape[]): fc.Arbitrary<ExtensionShape> =>
  fc.constantFrom(...all.filter(({ families }) => families.includes('ipv4')));

/** Options of one extension, each once. */
const options = (shape: ExtensionShape): fc.Arbitrary<string> =>
  fc
    .tuple(fc.subarray([...shape.options]), fc.infiniteStream(argument), fc.infiniteStream(fc.boolean()))
    .map(([chosen, words, signs]) =>
      chosen
        .map((option) => {
          const count = option.arguments === 'optional' ? 1 : option.arguments;
          const args = Array.from({ length: count }, () => ` ${quoteWord(words.next().value)}`);
          return `${option.invertible && signs.next().value ? ' !' : ''} ${option.name}${args.join('')}`;
        })
        .join(''),
    );

const extension = (flag: string, all: readonly ExtensionShape[]): fc.Arbitrary<string> =>
  shapes(all).chain((shape) => options(shape).map((text) => ` ${flag} ${shape.name}${text}`));

const header = fc.constantFrom(
  '',
  ' -s 10.0.0.0/8',
  ' ! -d 1.2.3.4',
  ' -i eth+',
  ' ! -o lo',
  ' -p tcp',
  ' ! -f',
);

const rule = fc
  .tuple(header, fc.array(extension('-m', MATCH_SHAPES), { maxLength: 3 }), extension('-j', TARGET_SHAPES))
  .map(([head, matches, target]) => `-A INPUT${head}${matches.join('')}${target}`)
  .filter((line) => line.length < 5000);

const file = fc.array(rule, { maxLength: 8 }).map((lines) => ['*filter', ...lines, 'COMMIT', ''].join('\n'));

/** Nodes without their places, and rules without the line they came from. */
function content(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(content);
  if (typeof node !== 'object' || node === null) return node;
  const kept = Object.entries(node).filter(
    ([key]) => key !== 'span' && !(key === 'text' && 'matches' in node),
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, content(value)]));
}

describe('random rules', () => {
  it('read without a complaint', () => {
    fc.assert(
      fc.property(file, (text) => {
        expect(parseSaveFile({ name: 'f', text }, { family: 'ipv4' }).diagnostics).toEqual([]);
      }),
      RUNS,
    );
  });

  it('print and read again as the same', () => {
    fc.assert(
      fc.property(file, (text) => {
        const first = parseSaveFile({ name: 'f', text }, { family: 'ipv4' }).file;
        const printed = printSaveFile(first);
        const second = parseSaveFile({ name: 'f', text: printed }, { family: 'ipv4' }).file;
        expect(printSaveFile(second)).toBe(printed);
        expect(content(second)).toEqual(content(first));
      }),
      RUNS,
    );
  });

  it('are read the same by shape and one by one', () => {
    fc.assert(
      fc.property(file, (text) => {
        const source = { name: 'f', text: text + text };
        expect(parseSaveFile(source)).toEqual(parseSaveFile(source, { shapes: false }));
      }),
      RUNS,
    );
  });
});

describe('junk', () => {
  const bytes = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    maxLength: 400,
  });

  it('throws nothing, and every message has a place', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(bytes, rule, fc.constantFrom('*filter', 'COMMIT', ':a - [0:0]', '[', '"'))),
        (lines) => {
          const { diagnostics } = parseSaveFile({ name: 'f', text: lines.join('\n') });
          for (const { span, message } of diagnostics) {
            expect(span).toBeDefined();
            expect(message.length).toBeLessThan(400);
          }
        },
      ),
      RUNS,
    );
  });

  it('cut anywhere, a dump is read up to the cut', () => {
    fc.assert(
      fc.property(file, fc.nat(), (text, at) => {
        const cut = text.slice(0, at % (text.length + 1));
        const whole = parseSaveFile({ name: 'f', text }, { family: 'ipv4' });
        const part = parseSaveFile({ name: 'f', text: cut }, { family: 'ipv4' });
        const lines = cut.split('\n').length - 1;
        const before = whole.file.tables
          .flatMap((table) => table.rules)
          .filter(({ span }) => span.line <= lines);
        const read = part.file.tables
          .flatMap((table) => table.rules)
          .filter(({ span }) => span.line <= lines);
        expect(read).toEqual(before);
      }),
      RUNS,
    );
  });

  it('of 100 MB on one line costs no more than its line', () => {
    const text = `*filter\n-A INPUT -s ${'a'.repeat(1e8)}\n-A INPUT -j ACCEPT\nCOMMIT\n`;
    const { file: read, diagnostics } = parseSaveFile({ name: 'f', text });
    expect(diagnostics.map(({ code }) => code)).toEqual(['IPT0101']);
    expect(JSON.stringify(diagnostics).length).toBeLessThan(5000);
    expect(read.tables[0]!.rules).toHaveLength(1);
  });
});
