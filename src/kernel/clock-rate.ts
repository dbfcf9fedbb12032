// SPDX-License-Identifier: Apache-2.0
// HZ of the running kernel: jiffies a second, in which limit and conntrack timeouts count. No interface
// tells it; its build configuration does, where that is kept.
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';

/** Undefined where the configuration is not kept. */
export function kernelHz(): number | undefined {
  const sources: (() => string)[] = [
    () => gunzipSync(readFileSync('/proc/config.gz')).toString('latin1'),
    () => readFileSync(`/boot/config-${release()}`, 'latin1'),
  ];
  for (const read of sources) {
    try {
      const match = /^CONFIG_HZ=(\d+)$/m.exec(read());
      if (match !== null) return Number(match[1]);
    } catch {
      // Not kept there: the next place.
    }
  }
  return undefined;
}
