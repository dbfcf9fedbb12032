// SPDX-License-Identifier: Apache-2.0
// Replay: batches of packets through a runner, records out in the order of the capture.
import type { Runner } from './runner.js';
import type { ReplayBatch } from './source.js';
import type { VerdictRecord } from './verdict.js';

/** One record per packet of the batch, by index: the runner's, and those decided before it. */
export async function decideBatch(runner: Runner, batch: ReplayBatch): Promise<VerdictRecord[]> {
  const records = await runner.run(batch.packets);
  return batch.decided.length === 0 ? records : mergeByIndex(records, batch.decided);
}

function mergeByIndex(a: readonly VerdictRecord[], b: readonly VerdictRecord[]): VerdictRecord[] {
  const out: VerdictRecord[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    if (right === undefined || (left !== undefined && left.index < right.index)) {
      out.push(left!);
      i++;
    } else {
      out.push(right);
      j++;
    }
  }
  return out;
}
