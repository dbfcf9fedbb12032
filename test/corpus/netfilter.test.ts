// SPDX-License-Identifier: Apache-2.0
// The netfilter runner against verdicts recorded from a real kernel by others: every packet, every field
// that must agree, NAT included.
import { expect, it } from 'vitest';
import { openRunner } from '../../src/replay/open-runner.js';
import { describeOn } from '../kernel/needs.js';
import { missingData } from './data-folder.js';
import { caseNames, runCase, type CaseDifference } from './kernel-cases.js';

const FOLDERS = [
  { folder: 'kernel-cases-basic', packets: 7257 },
  { folder: 'kernel-cases', packets: 7282 },
  { folder: 'kernel-cases-nat', packets: 12107 },
] as const;

describeOn('netfilter', 'netfilter runner on recorded cases', () => {
  for (const { folder, packets } of FOLDERS) {
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
        differing.push(...result.differing);
      }
      expect(compared).toBe(packets);
      expect(differing.slice(0, 5)).toEqual([]);
    });
  }
});
