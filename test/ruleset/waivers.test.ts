// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { covers, parseWaiver, Waivers } from '../../src/ruleset/waivers.js';

test.each([
  ['IPT0310', { code: 'IPT0310' }],
  ['IPT0310@filter/INPUT', { code: 'IPT0310', table: 'filter', chain: 'INPUT' }],
  ['IPT0310@nat/KUBE-SVC-A:7', { code: 'IPT0310', table: 'nat', chain: 'KUBE-SVC-A', number: 7 }],
])('%s is a waiver', (text, expected) => {
  expect(parseWaiver(text)).toEqual({ text, ...expected });
});

test.each(['', 'IPT31', 'recent', 'IPT0310@filter', 'IPT0310@filter/INPUT:x', 'IPT0310 @filter/INPUT'])(
  '%j is none',
  (text) => {
    expect(parseWaiver(text)).toBeUndefined();
  },
);

test('a waiver covers what it names and nothing beside', () => {
  const rule = { code: 'IPT0310', table: 'filter', chain: 'INPUT', number: 7 };
  expect(covers(parseWaiver('IPT0310')!, rule)).toBe(true);
  expect(covers(parseWaiver('IPT0310@filter/INPUT')!, rule)).toBe(true);
  expect(covers(parseWaiver('IPT0310@filter/INPUT:7')!, rule)).toBe(true);
  expect(covers(parseWaiver('IPT0310@filter/INPUT:8')!, rule)).toBe(false);
  expect(covers(parseWaiver('IPT0310@filter/OUTPUT')!, rule)).toBe(false);
  expect(covers(parseWaiver('IPT0310@raw/INPUT')!, rule)).toBe(false);
  expect(covers(parseWaiver('IPT0311')!, rule)).toBe(false);
});

test('waivers that cover nothing are known', () => {
  const waivers = new Waivers([parseWaiver('IPT0310')!, parseWaiver('IPT0999')!]);
  expect(waivers.find({ code: 'IPT0310' })?.text).toBe('IPT0310');
  expect(waivers.unused().map(({ text }) => text)).toEqual(['IPT0999']);
});
