// SPDX-License-Identifier: Apache-2.0
// Netfilter programs, live at the hooks of a namespace, against the real iptables on recorded rulesets and packets,
// fragments included. Such programs cannot answer, so both sides get DROP for REJECT (test/fuzz/compare.ts).
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lackingFor } from '../../src/kernel/feature.js';
import { readCase } from '../fuzz/case.js';
import { judge } from '../fuzz/compare.js';
import { DATA_FOLDER, missingData } from './data-folder.js';
import { caseNames } from './kernel-cases.js';

const FOLDER = 'kernel-cases-basic';
const lacks = [missingData(FOLDER), ...lackingFor('netfilter')].find((sentence) => sentence !== undefined);
if (lacks !== undefined) process.stderr.write(`${FOLDER} on netfilter-bpf: NOT RUN: ${lacks}\n`);

it.skipIf(lacks !== undefined)(`netfilter programs decide ${FOLDER} as iptables does`, async () => {
  const differing: unknown[] = [];
  let packets = 0;
  for (const name of caseNames(FOLDER)) {
    const given = await readCase(join(DATA_FOLDER, FOLDER, name));
    const { difference, noProgram, compared } = await judge(given, new Set(['netfilter', 'netfilter-bpf']));
    expect(noProgram, name).toBeUndefined();
    packets += compared.get('netfilter = netfilter-bpf') ?? 0;
    if (difference !== undefined) differing.push({ name, ...difference });
  }
  process.stderr.write(`${FOLDER} on netfilter-bpf: ${String(packets)} packets\n`);
  expect(differing).toEqual([]);
  expect(packets).toBe(7257);
});
