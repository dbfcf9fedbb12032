// SPDX-License-Identifier: Apache-2.0
// One runner over one capture in a process of its own, so that its memory is its own. Prints a JSON object.
// Usage: replay-child.ts RUNNER FIXTURE CAPTURE
import { loadInput } from '../../src/input/load.js';
import { openRunner } from '../../src/replay/open-runner.js';
import { decideBatch } from '../../src/replay/replay.js';
import type { RunnerName } from '../../src/replay/runner.js';
import { replayPackets } from '../../src/replay/source.js';

/** Memory is taken after this share of the packets (when everything is warm) and at the end. */
const WARM_SHARE = 0.1;
const SAMPLE_EVERY = 10_000;

async function main([name, fixture, capture, count]: readonly string[]): Promise<void> {
  if (name === undefined || fixture === undefined || capture === undefined)
    throw new Error('usage: see the head of this file');
  const input = await loadInput([fixture]);
  const runner = await openRunner(name as RunnerName, input, {
    checksums: 'verify',
    trace: false,
    waivers: [],
  });
  const verdicts: Record<string, number> = {};
  const rss: number[] = [];
  let packets = 0;
  const start = process.hrtime.bigint();
  try {
    for await (const batch of replayPackets([capture], { kind: 'inferred' }, input.host)) {
      for (const { verdict } of await decideBatch(runner, batch))
        verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
      const before = packets;
      packets += batch.packets.length + batch.decided.length;
      if (Math.floor(packets / SAMPLE_EVERY) > Math.floor(before / SAMPLE_EVERY))
        rss.push(process.memoryUsage.rss());
    }
  } finally {
    await runner.close();
  }
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const warm = rss.slice(Math.floor((Number(count ?? packets) * WARM_SHARE) / SAMPLE_EVERY));
  const result = {
    runner: name,
    packets,
    seconds,
    packetsPerSecond: Math.round(packets / seconds),
    rssWarmMiB: mebibytes(warm[0] ?? 0),
    rssPeakMiB: mebibytes(Math.max(0, ...warm)),
    rssEndMiB: mebibytes(warm.at(-1) ?? 0),
    verdicts,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

await main(process.argv.slice(2));
