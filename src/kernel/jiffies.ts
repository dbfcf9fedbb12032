// SPDX-License-Identifier: Apache-2.0
// The kernel's jiffies64, which nothing in /proc tells everywhere: a program of three instructions asks for it
// (helper bpf_jiffies64, Linux 5.6) and is run once by BPF_PROG_TEST_RUN.
import { closeSync } from 'node:fs';
import { loadProgram, TestRunner } from './bpf.js';
import { SystemCallError } from './errno.js';

const SCHED_CLS = 3;
/** call bpf_jiffies64 (118); exit */
const LOW = Buffer.from('85000000760000009500000000000000', 'hex');
/** call bpf_jiffies64; r0 >>= 32; exit: a run returns 32 bits */
const HIGH = Buffer.from('850000007600000077000000200000009500000000000000', 'hex');
const FRAME = Buffer.alloc(64);

/** Throws SystemCallError where programs may not be loaded or run. */
export function jiffies64(): bigint {
  const high = run(HIGH);
  const low = run(LOW);
  // The low half ran over in between.
  const again = run(HIGH);
  return again === high ? join(high, low) : join(again, run(LOW));
}

function join(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

function run(instructions: Buffer): number {
  const fd = loadProgram({ type: SCHED_CLS, instructions, license: 'Dual BSD/GPL', name: 'jiffies' });
  if (fd < 0) throw new SystemCallError('bpf(PROG_LOAD jiffies)', -fd);
  try {
    const { errno, returned } = new TestRunner(fd).run({ dataIn: FRAME });
    if (errno !== 0) throw new SystemCallError('bpf(PROG_TEST_RUN jiffies)', errno);
    return returned;
  } finally {
    closeSync(fd);
  }
}
