// SPDX-License-Identifier: Apache-2.0
// The support table is whole: every match, target and option that the grammar knows has a state and a
// reason, no row is left over, codes tell items apart, and SUPPORT.md says what the table says.
import { expect, test } from 'vitest';
import { MATCH_SHAPES } from '../../grammar/extensions/matches.js';
import { TARGET_SHAPES } from '../../grammar/extensions/targets.js';
import { MATCHES } from '../../src/ruleset/matches/registry.js';
import * as context from '../../src/ruleset/support/context.js';
import { supportDocument } from '../../src/ruleset/support/document.js';
import { MATCH_SUPPORT } from '../../src/ruleset/support/matches.js';
import { worst, type Support } from '../../src/ruleset/support/support.js';
import { TARGET_SUPPORT } from '../../src/ruleset/support/targets.js';
import { TARGETS } from '../../src/ruleset/targets/registry.js';

const unique = (names: readonly string[]): string[] => [...new Set(names)].sort();

test('every match has a row and a codec', () => {
  const shapes = unique(MATCH_SHAPES.map(({ name }) => name));
  expect(Object.keys(MATCH_SUPPORT).sort()).toEqual(shapes);
  expect([...MATCHES.keys()].sort()).toEqual(shapes);
});

test('every target has a row and a codec', () => {
  const shapes = unique(TARGET_SHAPES.map(({ name }) => name));
  expect(Object.keys(TARGET_SUPPORT).sort()).toEqual(shapes);
  expect([...TARGETS.keys()].sort()).toEqual(shapes);
});

test('rows name options that exist', () => {
  for (const [table, shapes] of [
    [MATCH_SUPPORT, MATCH_SHAPES],
    [TARGET_SUPPORT, TARGET_SHAPES],
  ] as const) {
    for (const [name, row] of Object.entries(table)) {
      const known = shapes
        .filter((shape) => shape.name === name)
        .flatMap(({ options }) => options.map((one) => one.name));
      for (const option of Object.keys(row.options ?? {})) expect(known, name).toContain(option);
    }
  }
});

test('what is not exact has a reason and a code', () => {
  const rows: Support[] = [
    ...[...Object.values(MATCH_SUPPORT), ...Object.values(TARGET_SUPPORT)].flatMap((row) => [
      row.base,
      ...Object.values(row.options ?? {}),
    ]),
    ...Object.values(context.HEADER_SUPPORT),
    ...Object.values(context.TABLE_SUPPORT),
    ...Object.values(context.SET_TYPE_SUPPORT),
  ];
  for (const row of rows) {
    if (row.state === 'exact') continue;
    expect(row.code).toMatch(/^IPT0[34]\d\d$/);
    expect(row.reason).toBeTruthy();
  }
});

test('a code belongs to one match or target', () => {
  const owners = new Map<string, string>();
  for (const [name, row] of [...Object.entries(MATCH_SUPPORT), ...Object.entries(TARGET_SUPPORT)]) {
    for (const { code } of [row.base, ...Object.values(row.options ?? {})]) {
      if (code === undefined) continue;
      expect(owners.get(code) ?? name, code).toBe(name);
      owners.set(code, name);
    }
  }
});

test('the worst is the first of the worst', () => {
  const bad: Support = { state: 'unsupported', code: 'A' };
  expect(
    worst([{ state: 'exact' }, { state: 'approximate' }, bad, { state: 'unsupported', code: 'B' }]),
  ).toBe(bad);
  expect(worst([])).toEqual({ state: 'exact' });
});

test('SUPPORT.md is up to date (npm run docs writes it)', async () => {
  await expect(supportDocument()).toMatchFileSnapshot('../../SUPPORT.md');
});
