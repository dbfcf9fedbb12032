/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The token bucket of `-m limit`: the arithmetic of net/netfilter/xt_limit.c, in jiffies and 32-bit credits. */
#ifndef IPT2EBPF_LIMIT_H
#define IPT2EBPF_LIMIT_H

#include "maps.h"
#include "table.h"

/* Packets on other CPUs that may get between reading and writing a bucket before one of us goes without. */
#define LIMIT_TRIES 8

/* `record` is the address of an OP_LIMIT record. Returns 1 and takes credit, or 0. */
__attribute__((noinline)) int limit_allows(struct packet *p, __u32 record)
{
	if (!p)
		return 0;

	__u32 index = T(record + 1), cost = T(record + 2), cap = T(record + 3), per_jiffy = T(record + 4);
	__u64 *bucket = bpf_map_lookup_elem(&limits, &index);
	__u32 now = (__u32)p->now;

	if (!bucket)
		return 0;
	for (int i = 0; i < LIMIT_TRIES; i++) {
		__u64 seen = *(volatile __u64 *)bucket;
		/* Another CPU may be a few ticks ahead. */
		__u32 behind = (__u32)seen - now, elapsed = behind < p->config.hz ? 0 : -behind;
		/* Nothing stored: the bucket is full, and fills no further. */
		__u32 credit = seen ? (__u32)(seen >> 32) + elapsed * per_jiffy : cap;
		int allowed = 0;

		if (credit > cap)
			credit = cap;
		if (credit >= cost) {
			credit -= cost;
			allowed = 1;
		}
		if (__sync_val_compare_and_swap(bucket, seen, (__u64)credit << 32 | now) == seen)
			return allowed;
	}
	return 0;
}

#endif
