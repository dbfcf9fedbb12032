// SPDX-License-Identifier: Apache-2.0
// `npm run bench`: packets a second of the four runners on one long capture, with memory; and what a packet that is accepted costs
// behind the TC program, iptables-legacy and iptables-nft, side by side. Options: --json (data on stdout), --packets N (1,000,000),
// --rounds N (7), --sizes 10,100,..., --only path|replay. Needs root; without, it measures what it can and says what it did not.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FIXTURE, writeBigCapture } from './big-capture.js';
import { measurePathCosts, type PathCost } from './path-cost.js';
import { renderTables } from './render.js';

export interface ReplaySpeed {
  readonly runner: string;
  readonly packets: number;
  readonly seconds: number;
  readonly packetsPerSecond: number;
  /** In use after a full collection: when a tenth of the packets is through, half of them, and all. */
  readonly liveMiB: readonly number[];
  readonly peakRssMiB: number;
  readonly verdicts: Readonly<Record<string, number>>;
}

export interface BenchReport {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly kernel: string;
    readonly node: string;
  };
  readonly replay: readonly ReplaySpeed[];
  readonly path: readonly PathCost[];
  readonly notMeasured: readonly string[];
}

const isRoot = process.getuid?.() === 0;
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    packets: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '7' },
    sizes: { type: 'string', default: '10,100,1000,5000' },
    only: { type: 'string' },
  },
});
const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

async function replaySpeeds(packets: number, notMeasured: string[]): Promise<ReplaySpeed[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-bench-'));
  const speeds: ReplaySpeed[] = [];
  try {
    const capture = join(folder, 'big.pcap');
    say(`writing a capture of ${String(packets)} packets`);
    await writeBigCapture(capture, packets);
    for (const runner of ['rules', 'vm', 'kernel', 'netfilter']) {
      if (!isRoot && (runner === 'kernel' || runner === 'netfilter')) {
        notMeasured.push(`${runner}: needs root`);
        continue;
      }
      say(`replaying it on ${runner}`);
      const child = spawnSync(
        process.execPath,
        [
          '--expose-gc',
          '--import',
          'tsx',
          join(import.meta.dirname, 'replay-child.ts'),
          runner,
          FIXTURE,
          capture,
          String(packets),
        ],
        { encoding: 'utf8', maxBuffer: 1 << 24 },
      );
      if (child.status === 0) speeds.push(JSON.parse(child.stdout) as ReplaySpeed);
      else
        notMeasured.push(
          `${runner}: ${
            child.stderr
              .trim()
              .split('\n')
              .find((line) => line.includes('Error')) ?? 'failed'
          }`,
        );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return speeds;
}

async function main(): Promise<void> {
  const notMeasured: string[] = [];
  const replay = values.only === 'path' ? [] : await replaySpeeds(Number(values.packets), notMeasured);
  let path: PathCost[] = [];
  if (values.only === 'replay') notMeasured.push('path: not asked for');
  else if (!isRoot) notMeasured.push('path: needs root (network namespaces, iptables, TC)');
  else {
    path = await measurePathCosts({
      sizes: values.sizes.split(',').map(Number),
      rounds: Number(values.rounds),
      millisecondsPerRound: 400,
      flows: 4096,
      onProgress: say,
    });
  }
  const report: BenchReport = {
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      kernel: release(),
      node: process.version,
    },
    replay,
    path,
    notMeasured,
  };
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 1)}\n` : renderTables(report));
}

await main();
