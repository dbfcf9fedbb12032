// SPDX-License-Identifier: Apache-2.0
// Target options against what iptables 1.8.9 (legacy, kernel 6.18) accepted and printed, as recorded by
// test/kernel/target-codecs.test.ts: row name -> saved form, null where it was refused.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readRow } from './target-answers.js';
import { TARGET_ROWS } from './target-rows.js';

const recorded = JSON.parse(
  readFileSync(new URL('target-rows.recorded.json', import.meta.url), 'utf8'),
) as Record<string, string | null>;

test('every row has a recorded answer', () => {
  // Rows without one ask for modules that the recording kernel lacks: LED.
  const without = TARGET_ROWS.filter((row) => !(row.name in recorded)).map(({ name }) => name);
  expect(without.every((name) => name.includes('-j LED'))).toBe(true);
});

for (const row of TARGET_ROWS) {
  const answer = recorded[row.name];
  if (answer === undefined) continue;
  test(`${answer === null ? 'refuses' : 'reads'} ${row.name}`, () => {
    expect(readRow(row) ?? null).toBe(answer);
  });
}
