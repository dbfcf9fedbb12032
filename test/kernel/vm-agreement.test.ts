// SPDX-License-Identifier: Apache-2.0
// The VM against the kernel: helpers.c, 200 random frames per case, same answers, same frame, same maps.
import { expect, it } from 'vitest';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { KernelExecutor } from '../../src/kernel/executor.js';
import { isRefusal, type Executor, type ExecutorInput } from '../../src/replay/executor.js';
import { openVmExecutor } from '../../src/replay/vm-executor.js';
import { programObject } from '../support/clang.js';
import { describeOn } from './needs.js';

const CASES = ['fields', 'arithmetic', 'bytes', 'resize', 'sums', 'maps', 'routes', 'sends'];
const FRAMES = 200;

/** A deterministic stream of bytes. */
function byteStream(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  };
}

/** Ethernet, IPv4 or IPv6, then noise; addresses that the default host routes, sometimes. */
function makeFrame(next: () => number): Uint8Array {
  const frame = Uint8Array.from({ length: 60 + next() }, next);
  const isIpv6 = next() % 4 === 0;
  frame.set([2, 0, 0, 0, 0, 0x11, 2, 0, 0, 0, 0, 0xaa, isIpv6 ? 0x86 : 0x08, isIpv6 ? 0xdd : 0x00]);
  frame[14] = isIpv6 ? 0x60 : 0x45;
  const destinations = [
    [10, 0, 0, 9],
    [203, 0, 113, 2],
    [203, 0, 113, 77],
    [198, 51, 100, 1],
    [10, 0, 0, 255],
  ];
  const pick = destinations[next() % 8];
  const sources = [
    [10, 0, 0, 5],
    [192, 0, 2, 1],
  ];
  if (pick !== undefined) frame.set([...pick, 0, 0, 0, 0, ...sources[next() % 2]!], frame.length - 24);
  return frame;
}

function answerOf(executor: Executor, input: ExecutorInput): unknown {
  const answer = executor.run('tc/ingress', input);
  if (isRefusal(answer)) return answer;
  const { action, frame, mark } = answer;
  const value = executor.value('answers').slice();
  const view = new DataView(value.buffer);
  const numbers = Array.from({ length: 32 }, (_, index) => view.getBigInt64(index * 8, true));
  return {
    action,
    mark,
    frame: Buffer.from(frame).toString('hex'),
    numbers,
    bytes: Buffer.from(value.subarray(256)).toString('hex'),
    events: executor.drain('events').map((record) => Buffer.from(record).toString('hex')),
  };
}

describeOn('kernel', 'VM and kernel', () => {
  it.each(CASES.map((name, mark) => [name, mark] as const))('agree on %s', async (name, mark) => {
    const object = await programObject('helpers.c');
    const kernel = KernelExecutor.create(object, DEFAULT_HOST);
    const vm = openVmExecutor(object, DEFAULT_HOST);
    try {
      // The same interface has other numbers on both sides: let the one that is asked about be told apart.
      const normal = (answer: unknown, executor: Executor): string => {
        const names = new Map(
          ['lo', 'eth0', 'eth1'].map((device) => [BigInt(executor.interfaceIndex(device) ?? 0), device]),
        );
        return JSON.stringify(answer, (key, value: unknown) =>
          typeof value !== 'bigint'
            ? value
            : name === 'routes' && key === '1'
              ? names.get(value)
              : value.toString(),
        );
      };
      const next = byteStream(mark + 1);
      for (let index = 0; index < FRAMES; index++) {
        const frame = makeFrame(next);
        const input: ExecutorInput = {
          frame,
          device: 'eth1',
          ingressDevice: 'eth1',
          packetType: 'host',
          mark,
          priority: 0,
          timestampNs: 0n,
        };
        const expected = normal(answerOf(kernel, input), kernel);
        const got = normal(answerOf(vm, input), vm);
        expect(got, `frame ${String(index)}: ${Buffer.from(frame).toString('hex')}`).toBe(expected);
      }
    } finally {
      kernel.close();
      vm.close();
    }
  });
});
