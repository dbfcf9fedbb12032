// SPDX-License-Identifier: Apache-2.0
// How kernel tests say what they lack: a suite that can't run is reported as skipped under its own name with
// the sentence, never left out in silence.
import { describe } from 'vitest';
import { lackingFor } from '../../src/kernel/feature.js';

/** `describe` for a suite that needs a runner on the kernel. */
export function describeOn(runner: 'kernel' | 'netfilter', name: string, suite: () => void): void {
  const lacks = lackingFor(runner);
  if (lacks.length === 0) {
    describe(name, suite);
    return;
  }
  const sentence = `${name}: NOT RUN: ${lacks.join('; ')}`;
  process.stderr.write(`${sentence}\n`);
  describe.skip(sentence, suite);
}
