// SPDX-License-Identifier: Apache-2.0
// Every case in which a runner once differed, on this kernel: it still decides as recorded, and the evaluator and the
// loaded program with it.
import { expect, it } from 'vitest';
import { judge, verdictsOf } from '../fuzz/compare.js';
import { loadRegression, regressionNames, regressionsOn } from '../fixtures/regressions.js';
import { describeOn } from './needs.js';

describeOn('netfilter', 'regressions', () => {
  it.each(regressionNames())('%s: netfilter as recorded', async (name) => {
    const { case: given, expected } = await loadRegression(name);
    const records = await verdictsOf(given, 'netfilter');
    expect(records.map((record) => ({ ...record, replies: undefined }))).toEqual(expected);
  });

  it.each(regressionNames())('%s: netfilter = rules', async (name) => {
    const { case: given } = await loadRegression(name);
    const { difference } = await judge(given, new Set(['netfilter', 'rules']));
    expect(difference).toBeUndefined();
  });

  it.each(regressionsOn('kernel'))('%s: rules = kernel', async (name) => {
    const { case: given } = await loadRegression(name);
    const { difference, noProgram } = await judge(given, new Set(['rules', 'kernel']));
    expect({ difference, noProgram }).toEqual({});
  });
});
