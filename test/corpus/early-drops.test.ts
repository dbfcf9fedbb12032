// SPDX-License-Identifier: Apache-2.0
// The program at XDP, on the VM and on this kernel, over packets whose fate the real netfilter decided: what it drops
// was dropped there, by the same rule, and with TC behind it every packet fares, and is counted, as with TC alone.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadInput, type LoadedInput } from '../../src/input/load.js';
import { KernelExecutor } from '../../src/kernel/executor.js';
import { lackingFor } from '../../src/kernel/feature.js';
import { readObject } from '../../src/object/object.js';
import type { AttachKind } from '../../src/program/attach-kind.js';
import { buildProgram } from '../../src/program/build.js';
import { parseIngress } from '../../src/replay/ingress.js';
import { openProgramRunner } from '../../src/replay/program-runner.js';
import { replayPackets } from '../../src/replay/source.js';
import type { VerdictRecord } from '../../src/replay/verdict.js';
import { openVmExecutor } from '../../src/replay/vm-executor.js';
import { hasClang } from '../support/clang.js';
import { DATA_FOLDER, missingData } from './data-folder.js';
import { caseNames } from './kernel-cases.js';

const FOLDER = 'kernel-cases-basic';

type Machine = 'vm' | 'kernel';

interface Run {
  readonly records: readonly VerdictRecord[];
  /** Map `counters`, in hexadecimal. */
  readonly counters: string;
}

async function replay(on: Machine, path: string, input: LoadedInput, attach: AttachKind[]): Promise<Run> {
  const alone = !attach.includes('tc');
  const built = await buildProgram(input.ruleset, input.host, { attach: alone ? ['tc', 'xdp'] : attach });
  const object = readObject(built.object);
  const executor =
    on === 'vm' ? openVmExecutor(object, input.host) : KernelExecutor.create(object, input.host);
  const runner = openProgramRunner(executor, { model: built.model, ruleset: input.ruleset }, input.host, {
    checksums: 'verify',
    ...(alone && { only: 'xdp' }),
  });
  const { rule } = parseIngress('ingress.json', readFileSync(join(path, 'ingress.json'), 'utf8'), input.host);
  const records: VerdictRecord[] = [];
  for await (const batch of replayPackets([join(path, 'packets.pcap')], rule!, input.host))
    records.push(...batch.decided, ...(await runner.run(batch.packets)));
  const counters = executor
    .entries('counters')
    .map(({ value }) => Buffer.from(value).toString('hex'))
    .join(' ');
  await runner.close();
  return { records: records.sort((a, b) => a.index - b.index), counters };
}

function recorded(path: string): VerdictRecord[] {
  const lines = readFileSync(join(path, 'expected.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as VerdictRecord);
}

/** Packets that XDP dropped, and those among them that the kernel did not drop. */
function compare(path: string, records: readonly VerdictRecord[]): { drops: number; wrong: string[] } {
  const expected = recorded(path);
  const dropped = records.filter(({ verdict }) => verdict === 'drop');
  const wrong = dropped
    .filter(({ index }) => expected[index]?.verdict !== 'drop')
    .map(({ index }) => `${path} ${String(index)}: ${JSON.stringify(expected[index])}`);
  return { drops: dropped.length, wrong };
}

describe.each(['vm', 'kernel'] as const)('%s', (on) => {
  const lacks = [
    missingData(FOLDER),
    hasClang ? undefined : 'clang is not installed',
    ...(on === 'kernel' ? lackingFor('kernel') : []),
  ].find((sentence) => sentence !== undefined);
  if (lacks !== undefined) process.stderr.write(`early drops on ${on}: NOT RUN: ${lacks}\n`);

  it.skipIf(lacks !== undefined)('drops at XDP only what the real netfilter dropped', async () => {
    let packets = 0;
    let drops = 0;
    const wrong: string[] = [];
    const others = new Set<string>();
    for (const name of caseNames(FOLDER)) {
      const path = join(DATA_FOLDER, FOLDER, name);
      const { records } = await replay(on, path, await loadInput([path]), ['xdp']);
      const result = compare(path, records);
      packets += records.length;
      drops += result.drops;
      wrong.push(...result.wrong);
      for (const { verdict } of records) others.add(verdict);
    }
    process.stderr.write(
      `early drops on ${on}: ${String(packets)} packets, ${String(drops)} dropped at XDP\n`,
    );
    expect(wrong).toEqual([]);
    expect(drops).toBe(63);
    expect([...others].sort()).toEqual(['deferred', 'drop']);
  });

  it.skipIf(lacks !== undefined)('with XDP before TC, every packet fares as with TC alone', async () => {
    for (const name of caseNames(FOLDER)) {
      const path = join(DATA_FOLDER, FOLDER, name);
      const input = await loadInput([path]);
      if (!input.ruleset.rules.some(({ table }) => table === 'raw')) continue;
      const [both, tc] = [
        await replay(on, path, input, ['tc', 'xdp']),
        await replay(on, path, input, ['tc']),
      ];
      expect(both, name).toEqual(tc);
    }
  });

  it.skipIf(lacks !== undefined)('finds a table that drops too much', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-early-'));
    try {
      const name = caseNames(FOLDER).find((each) =>
        readFileSync(join(DATA_FOLDER, FOLDER, each, 'rules.v4'), 'utf8').includes('*raw'),
      )!;
      cpSync(join(DATA_FOLDER, FOLDER, name), folder, { recursive: true });
      const rules = join(folder, 'rules.v4');
      const wider = readFileSync(rules, 'utf8').replace(
        /(\*raw\n(?::.*\n)+)/,
        '$1-A PREROUTING -p udp -j DROP\n',
      );
      writeFileSync(rules, wider);
      const { records } = await replay(on, folder, await loadInput([folder]), ['xdp']);
      expect(compare(folder, records).wrong.length).toBeGreaterThan(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
