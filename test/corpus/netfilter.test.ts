// SPDX-License-Identifier: Apache-2.0
// The netfilter runner against verdicts recorded from a real kernel by others: every packet, every field
// that must agree. Rules that draw random numbers and NAT to random ports can't repeat: listed by name.
import { expect, it } from 'vitest';
import { openRunner } from '../../src/replay/open-runner.js';
import { describeOn } from '../kernel/needs.js';
import { missingData } from './data-folder.js';
import { caseNames, runCase, type CaseDifference } from './kernel-cases.js';

const FOLDERS = [
  { folder: 'kernel-cases-basic', packets: 7257, chance: [] },
  { folder: 'kernel-cases', packets: 7282, chance: [] },
  // `statistic --mode random`.
  { folder: 'kernel-cases-nat', packets: 12107, chance: ['00059'] },
] as const;

describeOn('netfilter', 'netfilter runner on recorded cases', () => {
  for (const { folder, packets, chance } of FOLDERS) {
    const missing = missingData(folder);
    const name = `${folder}: ${String(packets)} packets as recorded`;
    if (missing !== undefined) {
      it.skip(`${name}: NOT RUN: ${missing}`);
      continue;
    }
    it(name, async () => {
      const differing: CaseDifference[] = [];
      let compared = 0;
      for (const each of caseNames(folder)) {
        const result = await runCase(folder, each, (input) =>
          openRunner('netfilter', input, { checksums: 'verify', trace: true, waivers: [] }),
        );
        compared += result.packets;
        if (!chance.some((known) => known === each)) differing.push(...result.differing);
      }
      expect(compared).toBe(packets);
      expect(differing.slice(0, 5)).toEqual([]);
    });
  }
});
