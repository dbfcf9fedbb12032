// SPDX-License-Identifier: Apache-2.0
// What a dump can put on a terminal: its characters, and nothing that steers it.
import { expect, it } from 'vitest';
import { renderDiagnostic } from '../../src/diagnostics/render.js';
import { printable } from '../../src/diagnostics/printable.js';

const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

it.each([
  ['plain text', 'a "b" & <c>', 'a "b" & <c>'],
  ['UTF-8 read as Latin-1', bytes('Zürich 東京'), 'Zürich 東京'],
  ['Latin-1', 'Z\u00fcrich', 'Zürich'],
  ['half of a character', bytes('ü').slice(0, 1), 'Ã'],
  ['colours and titles', '\x1b[31mred\x07\x9b1m', '.[31mred..1m'],
  ['several lines', 'a\nb\rc\td', 'a.b.c.d'],
  ['a change of direction, as UTF-8', bytes('a\u202eb'), 'a.b'],
])('%s', (_, text, shown) => {
  expect(printable(text)).toBe(shown);
});

it('the caret stands under what it means, behind characters of several bytes', () => {
  const lineText = bytes('-m comment --comment "Zürich" -j NOPE');
  const column = lineText.indexOf('NOPE') + 1;
  const text = renderDiagnostic(
    {
      code: 'IPT0001',
      severity: 'error',
      message: 'no such target',
      span: { file: 'rules.v4', line: 1, column, endColumn: column + 4 },
      lineText,
    },
    { color: false },
  );
  const [shown, caret] = text.split('\n').slice(2);
  expect(caret!.indexOf('^^^^')).toBe(shown!.indexOf('NOPE'));
});
