// SPDX-License-Identifier: Apache-2.0
// The vm executor beyond what the kernel comparisons cover: where a fault points, and what it makes of routes.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { compileC } from '../../src/object/clang.js';
import { readObject } from '../../src/object/object.js';
import { createFibLookup } from '../../src/replay/fib.js';
import { openVmExecutor } from '../../src/replay/vm-executor.js';
import { VmFault } from '../../src/vm/fault.js';
import { hasClang } from '../support/clang.js';

const LIBRARY = join(import.meta.dirname, '../../bpf/lib');

const FAULTY = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "layout.h"
struct packet {
	__u32 before;
	struct result result;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} scratch SEC(".maps");
SEC("tc/ingress")
int faulty(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct packet *p = bpf_map_lookup_elem(&scratch, &zero);

	if (!p)
		return 0;
	p->result.hits[0] = 5;
	p->result.hits[1] = 9;
	p->result.hit_count = 2;
	return *(volatile __u8 *)(long)skb->len;
}
`;

describe.skipIf(!hasClang)('a fault in a program (needs clang)', () => {
  it('names instruction, C line and the last rule that the packet met', async () => {
    const bytes = await compileC({ name: 'faulty.c', text: FAULTY }, { includeDirs: [LIBRARY] });
    const executor = openVmExecutor(readObject(bytes), DEFAULT_HOST);
    const run = (): unknown =>
      executor.run('tc/ingress', {
        frame: new Uint8Array(60),
        device: 'eth0',
        ingressDevice: 'eth0',
        packetType: 'host',
        mark: 0,
        priority: 0,
        timestampNs: 0n,
      });
    expect(run).toThrow(VmFault);
    expect(run).toThrow(
      /read of 1 bytes at 0x3c is no pointer\n.*faulty\+\d+: \(71\).*\n {2}faulty\.c:26: return/,
    );
    try {
      run();
    } catch (error) {
      expect((error as VmFault).lastRule).toBe(9);
    }
  });
});

describe('bpf_fib_lookup over a host', () => {
  const names = new Map([
    [1, 'lo'],
    [2, 'eth0'],
    [3, 'eth1'],
  ]);
  const lookup = createFibLookup(DEFAULT_HOST, names);
  /** What the default host answers for a destination, asked from eth1; offsets as in include/uapi/linux/bpf.h. */
  const ask = (destination: number[], length = 0): { answer: number; ifindex: number; nextHop: number[] } => {
    const bytes = new Uint8Array(64);
    const view = new DataView(bytes.buffer);
    bytes[0] = destination.length === 4 ? 2 : 10;
    view.setUint16(6, length, true);
    view.setUint32(8, 3, true);
    bytes.set(destination, 32);
    const answer = lookup(view, 0, 0);
    return { answer, ifindex: view.getUint32(8, true), nextHop: [...bytes.slice(32, 36)] };
  };

  it.each([
    ['a neighbour of eth0', [203, 0, 113, 77], 0, { answer: 7, ifindex: 2, nextHop: [203, 0, 113, 77] }],
    ['beyond the gateway', [198, 51, 100, 1], 0, { answer: 7, ifindex: 2, nextHop: [203, 0, 113, 1] }],
    ['an own address', [203, 0, 113, 2], 0, { answer: 4, ifindex: 3, nextHop: [203, 0, 113, 2] }],
    ['a directed broadcast', [10, 0, 0, 255], 0, { answer: 4, ifindex: 3, nextHop: [10, 0, 0, 255] }],
    ['a packet that fits', [203, 0, 113, 77], 1500, { answer: 7, ifindex: 2, nextHop: [203, 0, 113, 77] }],
    ['a packet too long', [203, 0, 113, 77], 1501, { answer: 8, ifindex: 3, nextHop: [203, 0, 113, 77] }],
    [
      'link-local',
      [0xfe, 0x80, ...Array<number>(13).fill(0), 1],
      0,
      { answer: 4, ifindex: 3, nextHop: [0xfe, 0x80, 0, 0] },
    ],
  ])('%s', (_, destination, length, expected) => {
    expect(ask(destination, length)).toEqual(expected);
  });
});
