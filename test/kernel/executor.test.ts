// SPDX-License-Identifier: Apache-2.0
// The `kernel` executor against small programs whose answers are known from the kernel's documentation.
import { expect, it } from 'vitest';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { KernelExecutor } from '../../src/kernel/executor.js';
import { VerifierError } from '../../src/kernel/verifier-log.js';
import { compileC } from '../../src/object/clang.js';
import { readObject, type BpfObject } from '../../src/object/object.js';
import type { ExecutorInput } from '../../src/replay/executor.js';
import { describeOn } from './needs.js';

const PRELUDE = `
#include <linux/bpf.h>
#define SEC(n) __attribute__((section(n), used))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
static __attribute__((unused)) void *(*bpf_map_lookup_elem)(void *, const void *) = (void *)1;
static __attribute__((unused)) long (*bpf_ringbuf_output)(void *, void *, __u64, __u64) = (void *)130;
static __attribute__((unused)) long (*bpf_fib_lookup)(void *, struct bpf_fib_lookup *, int, __u32) = (void *)69;
char program_license[] __attribute__((section("license"), used)) = "GPL";
`;

const FRAME = Buffer.from(
  '02000000001002000000aa010800' + // Ethernet
    '4500001c00010000401100000a0000c8cb007105' + // 10.0.0.200 > 203.0.113.5, UDP
    '03e80035000800000000000000000000000000000000',
  'hex',
);

const INPUT: ExecutorInput = {
  frame: FRAME,
  device: 'eth1',
  ingressDevice: 'eth1',
  packetType: 'host',
  mark: 7,
  priority: 0,
  timestampNs: 0n,
};

async function compile(text: string): Promise<BpfObject> {
  return readObject(await compileC({ name: 'test.bpf.c', text: PRELUDE + text }));
}

describeOn('kernel', 'kernel executor', () => {
  it('gives programs the context, takes back action, frame and mark, and keeps maps between runs', async () => {
    const object = await compile(`
      struct { __uint(type, 2); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64[4]); } seen SEC(".maps");
      struct { __uint(type, 27); __uint(max_entries, 4096); } events SEC(".maps");
      SEC("tc/ingress") int in(struct __sk_buff *skb) {
        __u32 zero = 0; __u64 *v = bpf_map_lookup_elem(&seen, &zero);
        if (!v) return 2;
        v[0]++; v[1] = skb->ifindex; v[2] = skb->ingress_ifindex; v[3] = skb->pkt_type;
        bpf_ringbuf_output(&events, &v[0], 8, 0);
        skb->mark += 1;
        return 7;
      }`);
    const executor = KernelExecutor.create(object, DEFAULT_HOST);
    try {
      const value = executor.value('seen');
      for (let run = 1; run <= 2; run++) {
        expect(executor.run('tc/ingress', INPUT)).toMatchObject({ action: 7, mark: 8 });
        const words = new BigUint64Array(Uint8Array.from(value).buffer);
        const eth1 = BigInt(executor.interfaceIndex('eth1')!);
        expect([...words]).toEqual([BigInt(run), eth1, eth1, 0n]);
      }
      expect(executor.drain('events').map((record) => record[0])).toEqual([1, 2]);
      expect(executor.drain('events')).toEqual([]);
      expect(executor.entries('seen')).toHaveLength(1);
    } finally {
      executor.close();
    }
  });

  it('routes by the host it was given', async () => {
    const object = await compile(`
      SEC("tc/ingress") int in(struct __sk_buff *skb) {
        struct bpf_fib_lookup fib = { .family = 2, .ifindex = skb->ifindex, .ipv4_dst = 0x057100cb };
        long result = bpf_fib_lookup(skb, &fib, sizeof(fib), 4 /* SKIP_NEIGH */);
        return result < 0 ? -1 : fib.ifindex;
      }`);
    const executor = KernelExecutor.create(object, DEFAULT_HOST);
    try {
      expect(executor.run('tc/ingress', INPUT)).toMatchObject({ action: executor.interfaceIndex('eth0') });
    } finally {
      executor.close();
    }
  });

  it('refuses frames that BPF_PROG_TEST_RUN does not take', async () => {
    const executor = KernelExecutor.create(
      await compile('SEC("tc/ingress") int in(struct __sk_buff *skb) { return 0; }'),
      DEFAULT_HOST,
    );
    try {
      for (const length of [0, 13, 33, 5000]) {
        const frame = Buffer.concat([FRAME, Buffer.alloc(5000)]).subarray(0, length);
        expect(executor.run('tc/ingress', { ...INPUT, frame })).toHaveProperty('refused');
      }
      expect(executor.run('tc/ingress', INPUT)).toMatchObject({ action: 0 });
    } finally {
      executor.close();
    }
  });

  it('shows the C line and the last words of a verifier that refuses', async () => {
    const object = await compile(`
      SEC("tc/ingress") int in(struct __sk_buff *skb) {
        unsigned char *data = (void *)(long)skb->data;
        return data[20];
      }`);
    const refused = (verbose: boolean): VerifierError => {
      try {
        KernelExecutor.create(object, DEFAULT_HOST, { verbose }).close();
      } catch (error) {
        if (error instanceof VerifierError) return error;
        throw error;
      }
      throw new Error('the verifier took it');
    };
    const short = refused(false);
    expect(short.message).toMatch(/refused program `in` \(EACCES\)/);
    expect(short.message).toContain('return data[20];');
    expect(short.reason).toMatch(/outside of the packet/);
    expect(short.message).toMatch(/lines? omitted/);
    expect(refused(true).message.split('\n').length).toBeGreaterThan(short.message.split('\n').length);
  });
});
