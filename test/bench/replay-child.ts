// SPDX-License-Identifier: Apache-2.0
// One runner over one capture in a process of its own, so that its memory is its own. Prints a JSON object.
// Usage: node --expose-gc replay-child.ts RUNNER FIXTURE CAPTURE PACKETS
import { loadInput } from '../../src/input/load.js';
import { openRunner } from '../../src/replay/open-runner.js';
import { decideBatch } from '../../src/replay/replay.js';
import type { RunnerName } from '../../src/replay/runner.js';
import { replayPackets } from '../../src/replay/source.js';
import type { ReplaySpeed } from './main.js';

/** Memory is taken at these shares of the packets: when everything is warm, half-way, at the end. */
const SHARES = [0.1, 0.5, 1] as const;

async function main([name, fixture, capture, count]: readonly string[]): Promise<void> {
  if (name === undefined || fixture === undefined || capture === undefined || count === undefined)
    throw new Error('usage: see the head of this file');
  const input = await loadInput([fixture]);
  const runner = await openRunner(name as RunnerName, input, {
    checksums: 'verify',
    trace: false,
    waivers: [],
  });
  const verdicts: Record<string, number> = {};
  const total = Number(count);
  const liveMiB: number[] = [];
  let packets = 0;
  let collecting = 0n;
  const start = process.hrtime.bigint();
  try {
    for await (const batch of replayPackets([capture], { kind: 'inferred' }, input.host)) {
      for (const { verdict } of await decideBatch(runner, batch))
        verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
      packets += batch.packets.length + batch.decided.length;
      while (liveMiB.length < SHARES.length && packets >= total * (SHARES[liveMiB.length] ?? 1)) {
        const before = process.hrtime.bigint();
        liveMiB.push(liveMemory());
        collecting += process.hrtime.bigint() - before;
      }
    }
  } finally {
    await runner.close();
  }
  const seconds = Number(process.hrtime.bigint() - start - collecting) / 1e9;
  const result: ReplaySpeed = {
    runner: name,
    packets,
    seconds,
    packetsPerSecond: Math.round(packets / seconds),
    liveMiB,
    peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    verdicts,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

/** MiB that are in use after a full collection: resident memory would show how lazy the collector is, not what is kept. */
function liveMemory(): number {
  if (globalThis.gc === undefined) throw new Error('run node with --expose-gc');
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return Math.round((heapUsed + external) / 1024 / 1024);
}

await main(process.argv.slice(2));
