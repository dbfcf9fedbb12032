// SPDX-License-Identifier: Apache-2.0
// Generated programs on the VM and on this kernel against what the real netfilter decided for the same
// packets. Fragments are counted apart: a program sees the pieces of a datagram, INPUT sees it whole.
import { describe, expect, it } from 'vitest';
import type { LoadedInput } from '../../src/input/load.js';
import { KernelExecutor } from '../../src/kernel/executor.js';
import { lackingFor } from '../../src/kernel/feature.js';
import { readObject } from '../../src/object/object.js';
import { parseEthernet } from '../../src/packet/ethernet.js';
import { ParsedPacket } from '../../src/packet/parse.js';
import { buildProgram } from '../../src/program/build.js';
import { openProgramRunner } from '../../src/replay/program-runner.js';
import type { Runner } from '../../src/replay/runner.js';
import { openVmExecutor } from '../../src/replay/vm-executor.js';
import { hasClang } from '../support/clang.js';
import { missingData } from './data-folder.js';
import { caseNames, runCase } from './kernel-cases.js';

const FOLDER = 'kernel-cases-basic';

async function openProgram(on: 'vm' | 'kernel', input: LoadedInput): Promise<Runner> {
  const { model, object: bytes } = await buildProgram(input.ruleset, input.host);
  const object = readObject(bytes);
  const executor =
    on === 'vm' ? openVmExecutor(object, input.host) : KernelExecutor.create(object, input.host);
  const source = { model, ruleset: input.ruleset };
  return openProgramRunner(executor, source, input.host, { checksums: 'verify', trace: true });
}

function isFragment(frame: Uint8Array): boolean {
  const header = parseEthernet(frame);
  if (header === undefined || frame.length < header.payloadOffset + 40) return false;
  const family = { 0x0800: 'ipv4', 0x86dd: 'ipv6' } as const;
  const found = family[header.etherType as keyof typeof family];
  if (found === undefined) return false;
  return new ParsedPacket(frame, found, header.payloadOffset, frame.length).isFragment;
}

/** Why this machine can't run the suite; undefined when it can. */
function lacking(on: 'vm' | 'kernel'): string | undefined {
  const lacks = [
    missingData(FOLDER),
    hasClang ? undefined : 'clang is not installed',
    ...(on === 'kernel' ? lackingFor('kernel') : []),
  ];
  return lacks.find((sentence) => sentence !== undefined);
}

describe.each(['vm', 'kernel'] as const)('%s', (on) => {
  const lacks = lacking(on);
  if (lacks !== undefined) process.stderr.write(`${FOLDER} on ${on}: NOT RUN: ${lacks}\n`);

  it.skipIf(lacks !== undefined)(`decides ${FOLDER} as the real netfilter did`, async () => {
    let packets = 0;
    let fragments = 0;
    const refused: string[] = [];
    const differing: string[] = [];
    for (const name of caseNames(FOLDER)) {
      const pieces = new Set<number>();
      const result = await runCase(FOLDER, name, async (input) => {
        const runner = await openProgram(on, input);
        return {
          ...runner,
          run: (batch) => {
            for (const { index, frame } of batch) if (isFragment(frame)) pieces.add(index);
            return runner.run(batch);
          },
        };
      });
      packets += result.packets;
      fragments += pieces.size;
      for (const { index, field, expected, actual } of result.differing) {
        if (pieces.has(index)) continue;
        const line = `${name}/${String(index)} ${field}: ${JSON.stringify(expected)} != ${JSON.stringify(actual)}`;
        (actual.verdict === 'refused' ? refused : differing).push(line);
      }
    }
    process.stderr.write(
      `${FOLDER} on ${on}: ${String(packets)} packets, ${String(fragments)} fragments apart, ` +
        `${String(refused.length)} refused, ${String(differing.length)} differ\n`,
    );
    expect(refused).toEqual([]);
    expect(differing).toEqual([]);
    expect(packets).toBe(7257);
  });
});
