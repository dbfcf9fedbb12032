// SPDX-License-Identifier: Apache-2.0
// Every capture of the shared data, moved into each fixture's networks, on the evaluator and on the compiled
// program: in process, and test-run by the kernel where that may be done. No packet is decided differently.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Verification } from '../../src/diff/verification.js';
import { verifyBatches } from '../../src/diff/verify.js';
import { renderReport } from '../../src/diff/render-text.js';
import type { VerifyReport } from '../../src/diff/report.js';
import type { Host } from '../../src/host/host.js';
import { loadInput } from '../../src/input/load.js';
import { formatAddress, maskPrefixLength } from '../../src/net/address.js';
import { isKept, peerList, type Peers } from '../../src/packet/address-zones.js';
import type { ReplayPacket } from '../../src/packet/packet.js';
import { Rewriter } from '../../src/packet/rewrite.js';
import { toEthernetFrame } from '../../src/replay/capture/link-layer.js';
import { openCapture } from '../../src/replay/capture/read.js';
import { openRunner } from '../../src/replay/open-runner.js';
import type { ReplayBatch } from '../../src/replay/source.js';
import type { RunnerName } from '../../src/replay/runner.js';
import type { VerdictRecord } from '../../src/replay/verdict.js';
import type { Ruleset } from '../../src/ruleset/ruleset.js';
import { DATA_FOLDER, dataFiles, missingData } from './data-folder.js';

const FIXTURES = ['web-server', 'router', 'blocklist', 'firewall-2000'] as const;
/** Captures follow each other so fast that no timeout or token bucket tells the clocks of the runners apart. */
const PACKET_GAP_NS = 10_000n;
const START_NS = 1_700_000_000_000_000_000n;

const lacks =
  missingData('pcaps') ??
  (spawnSync('clang', ['--version']).error === undefined ? undefined : 'no clang to compile programs with');

/** Addresses that rules name as hosts: half of all foreign ends become one of them. */
function namedPeers(ruleset: Ruleset): Peers {
  const texts = ruleset.rules.flatMap(({ header }) =>
    [header.source, header.destination].flatMap((each) => {
      if (each === undefined || isKept(each.value.address)) return [];
      const bits = maskPrefixLength(each.value.mask);
      return bits === each.value.mask.length * 32 ? [formatAddress(each.value.address)] : [];
    }),
  );
  return peerList([...new Set(texts)]);
}

async function* moved(host: Host, peers: Peers): AsyncGenerator<ReplayBatch> {
  const rewriter = new Rewriter(host, peers);
  let index = 0;
  for (const file of dataFiles('pcaps')) {
    for await (const batch of (await openCapture(join(DATA_FOLDER, file))).batches) {
      const packets: ReplayPacket[] = [];
      const decided: VerdictRecord[] = [];
      for (const captured of batch) {
        const at = index++;
        const link = toEthernetFrame(captured);
        if (link.kind !== 'frame') {
          decided.push({ index: at, verdict: link.kind, reason: link.reason });
          continue;
        }
        const { frame, interface: name } = rewriter.rewrite(link.frame);
        const timestampNs = START_NS + BigInt(at) * PACKET_GAP_NS;
        packets.push({ index: at, interface: name, frame, timestampNs, wireLength: link.wireLength });
      }
      yield { packets, decided };
    }
  }
}

async function verifyFixture(name: string, right: RunnerName): Promise<VerifyReport> {
  const input = await loadInput([join(import.meta.dirname, '../../fixtures', name)]);
  const options = { checksums: 'verify' as const, trace: true, waivers: [] };
  const runners = [
    await openRunner('rules', input, options),
    await openRunner(right, input, options),
  ] as const;
  try {
    const verification = new Verification({
      sides: { left: 'rules', right },
      ruleset: input.ruleset,
      captures: [],
      waivers: [],
      notes: [],
    });
    await verifyBatches(moved(input.host, namedPeers(input.ruleset)), ...runners, verification);
    return verification.report();
  } finally {
    for (const runner of runners) await runner.close();
  }
}

const isRoot = process.getuid?.() === 0;

describe.skipIf(lacks !== undefined)(
  `captures moved into fixtures${lacks === undefined ? '' : ` (${lacks})`}`,
  () => {
    describe.each(FIXTURES)('%s', (fixture) => {
      it.for(['vm', 'kernel'] as const)('rules = %s', async (right, context) => {
        if (right === 'kernel' && !isRoot) context.skip('needs root to test-run programs');
        const report = await verifyFixture(fixture, right);
        expect(report.counts.different, renderReport(report, { color: false })).toBe(0);
        // The one SYN whose options the capture cut, and what a test-run doesn't take (counted by reason).
        expect(report.counts.refused, JSON.stringify(report.apart)).toBeLessThanOrEqual(10);
        expect(report.counts.undecided).toBe(0);
      });
    });
  },
);
