// SPDX-License-Identifier: Apache-2.0
// How much of its work the verifier spends on our programs: far less than it has, so that other kernels load them
// too, and quickly. The figures are printed by name. For other kernels: npm run test:kernels.
import { expect, it } from 'vitest';
import { objectInfo } from '../../src/kernel/bpf.js';
import { loadObject } from '../../src/kernel/load.js';
import { readObject } from '../../src/object/object.js';
import { budgetObjects, PROCESSED_BUDGET } from '../fixtures/objects.js';
import { describeOn } from './needs.js';

/** `verified_insns` in struct bpf_prog_info (include/uapi/linux/bpf.h), since Linux 5.16. */
const VERIFIED_INSTRUCTIONS = 216;

describeOn('kernel', 'the verifier', () => {
  it(`processes at most ${String(PROCESSED_BUDGET)} instructions a program`, async () => {
    const over: string[] = [];
    for await (const [name, object] of budgetObjects()) {
      const began = performance.now();
      const loaded = loadObject(readObject(object));
      const milliseconds = Math.round(performance.now() - began);
      for (const [program, { fd }] of loaded.programs) {
        const info = Buffer.alloc(256);
        expect(objectInfo(fd, info)).toBeGreaterThan(VERIFIED_INSTRUCTIONS);
        const processed = info.readUInt32LE(VERIFIED_INSTRUCTIONS);
        const figure = `${name} ${program}: ${String(processed)} instructions processed`;
        console.log(`${figure} (both programs and all maps: ${String(milliseconds)} ms)`);
        if (processed === 0 || processed > PROCESSED_BUDGET) over.push(figure);
      }
      loaded.close();
    }
    expect(over).toEqual([]);
  });
});
