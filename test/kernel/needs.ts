// SPDX-License-Identifier: Apache-2.0
// How kernel tests say what they lack: a suite that can't run is reported as skipped under its own name with
// the sentence, never left out in silence.
import { spawnSync } from 'node:child_process';
import { describe } from 'vitest';
import { lackingFor } from '../../src/kernel/feature.js';

/** `describe` for a suite that needs a runner on the kernel, and `tools` beside it. */
export function describeOn(
  runner: 'kernel' | 'netfilter',
  name: string,
  suite: () => void,
  tools: readonly string[] = [],
): void {
  const missing = tools.filter((tool) => spawnSync('which', [tool]).status !== 0);
  const lacks = [
    ...lackingFor(runner),
    ...(missing.length === 0 ? [] : [`not installed: ${missing.join(', ')}`]),
  ];
  if (lacks.length === 0) {
    describe(name, suite);
    return;
  }
  const sentence = `${name}: NOT RUN: ${lacks.join('; ')}`;
  process.stderr.write(`${sentence}\n`);
  describe.skip(sentence, suite);
}
