// SPDX-License-Identifier: Apache-2.0
// Captures through two runners, batch by batch, compared as they come.
import type { Runner } from '../replay/runner.js';
import type { ReplayBatch } from '../replay/source.js';
import type { Verification } from './verification.js';

/** Adds every packet of the batches. Runners see the same packets in the same order. */
export async function verifyBatches(
  batches: AsyncIterable<ReplayBatch>,
  left: Runner,
  right: Runner,
  into: Verification,
): Promise<void> {
  for await (const { packets, decided } of batches) {
    const lefts = await left.run(packets);
    const rights = await right.run(packets);
    for (const [i, packet] of packets.entries()) into.add(packet, lefts[i]!, rights[i]!);
    for (const record of decided) into.addDecided(record);
  }
}
