/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One of everything that an object can hold: map kinds, data sections, subprograms, callbacks. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "shapes.h"

char _license[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, struct key);
	__type(value, __u64);
} conns SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [2] = &first } };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

__u64 counter;
static volatile const __u32 factor = 7;
int initial = 5;
__u32 numbers[4] = { 1, 2, 3, 4 };

asm(".section .rodata.tab,\"a\"\n"
    ".globl table\n"
    "table:\n"
    ".incbin \"table.bin\"\n"
    ".size table, .-table\n"
    ".previous\n");
extern const __u32 table[4] __attribute__((nodebug));

static long add(__u32 turn, void *sum)
{
	*(__u64 *)sum += turn;
	return turn == 5;
}

__noinline int global_function(__u32 a)
{
	return a * factor + initial;
}

static __noinline int local_function(struct __sk_buff *skb)
{
	return skb->len + counter;
}

/* 5 turns of the callback add 0+1+2+3+4+5 = 15; the first run finds no entry and starts at 1. */
SEC("tc/ingress")
int ingress(struct __sk_buff *skb)
{
	struct key key = { .a = skb->mark, .b = 2 };
	__u64 sum = 0;
	__u64 *seen = bpf_map_lookup_elem(&conns, &key);

	if (!seen) {
		sum = 1;
		bpf_map_update_elem(&conns, &key, &sum, 0);
	} else {
		__sync_fetch_and_add(seen, 1);
	}
	bpf_loop(10, add, &sum, 0);
	counter += sum;
	bpf_ringbuf_output(&events, &sum, sizeof(sum), 0);
	return global_function(sum) + local_function(skb) + table[sum & 3] + numbers[sum & 3] + inlined(skb->len);
}

SEC("tc/egress")
int egress(struct __sk_buff *skb)
{
	__u32 slot = 2, zero = 0;
	void *map = bpf_map_lookup_elem(&outer, &slot);
	__u32 *value = map ? bpf_map_lookup_elem(map, &zero) : 0;

	if (!value)
		return -1;
	*value += 1;
	return global_function(*value) + inlined(3);
}
