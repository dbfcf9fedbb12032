// SPDX-License-Identifier: Apache-2.0
// The bpf_conformance suite in this kernel: what its verifier takes gives the right result; what it refuses is
// listed with the verifier's line. Each program becomes a function of a TC program that hands it the frame as
// its memory and compares all 64 bits of its answer.
import { describe, expect, it } from 'vitest';
import { TestRunner } from '../../src/kernel/bpf.js';
import { lackingFor } from '../../src/kernel/feature.js';
import { loadObject } from '../../src/kernel/load.js';
import { VerifierError } from '../../src/kernel/verifier-log.js';
import { assemble, programOf } from '../support/bpf-assembler.js';
import {
  conformanceDirectory,
  readConformanceCases,
  type ConformanceCase,
} from '../support/bpf-conformance.js';

/** The test run takes no frame shorter than an Ethernet header. */
const SHORTEST_FRAME = 14;

/** r1 = memory, r2 = its length, as the suite's programs expect; the bounds check is for the verifier. */
function harness({ memory, result, assembly }: ConformanceCase): Uint8Array {
  const length = String(memory.length);
  const arguments_ =
    memory.length === 0
      ? ''
      : `ldxw %r2, [%r1+76]
         ldxw %r3, [%r1+80]
         mov %r4, %r2
         add %r4, ${length}
         jgt %r4, %r3, fail
         mov %r1, %r2
         mov %r2, ${length}`;
  const main = assemble(`
    ${arguments_}
    call local program
    lddw %r1, 0x${BigInt.asUintN(64, result).toString(16)}
    jne %r0, %r1, fail
    mov %r0, 1
    exit
    fail:
    mov %r0, 0
    exit
    program:`);
  return Buffer.concat([main, assemble(assembly)]);
}

/** The verifier's reason, or undefined when the program ran: then whether its result was right. */
function runInKernel(item: ConformanceCase): { readonly refused: string } | { readonly isRight: boolean } {
  const program = programOf(harness(item));
  try {
    const loaded = loadObject({ programs: [program], maps: [] });
    try {
      const frame = new Uint8Array(Math.max(SHORTEST_FRAME, item.memory.length));
      frame.set(item.memory);
      const { errno, returned } = new TestRunner(loaded.programs.get('test')!.fd).run({ dataIn: frame });
      expect(errno, item.name).toBe(0);
      return { isRight: returned === 1 };
    } finally {
      loaded.close();
    }
  } catch (error) {
    if (!(error instanceof VerifierError)) throw error;
    return { refused: error.reason };
  }
}

const directory = conformanceDirectory();
const lacks = directory === undefined ? ['no shared data: set IPT2EBPF_DATA'] : lackingFor('kernel');
if (lacks.length > 0) process.stderr.write(`bpf_conformance in the kernel: NOT RUN: ${lacks.join('; ')}\n`);

describe.skipIf(lacks.length > 0)('bpf_conformance in the kernel', () => {
  it('gives the right result for every program that the verifier takes', () => {
    const cases = readConformanceCases(directory!);
    const wrong: string[] = [];
    const refused: string[] = [];
    for (const item of cases) {
      const outcome = runInKernel(item);
      if ('refused' in outcome) refused.push(`${item.name}: ${outcome.refused}`);
      else if (!outcome.isRight) wrong.push(item.name);
    }
    process.stderr.write(
      `bpf_conformance in the kernel: ${String(cases.length - refused.length)} of ${String(cases.length)} taken; ` +
        `refused:\n${refused.map((line) => `  ${line}\n`).join('')}`,
    );
    expect(wrong).toEqual([]);
    // A refusal without a reason would be a failure to load, not the verifier's verdict.
    expect(refused.filter((line) => line.endsWith(': '))).toEqual([]);
    expect(cases.length).toBe(162);
    expect(refused.length).toBeLessThan(cases.length / 4);
  });
});
