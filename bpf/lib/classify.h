/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The walker: from a diagram's root to the leaf that the packet's fields lead to. One kind of node
 * (src/program/table-format.ts), a few loads each. A global function, so that the verifier looks at it once.
 */
#ifndef IPT2EBPF_CLASSIFY_H
#define IPT2EBPF_CLASSIFY_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "packet.h"
#include "table.h"

/* Returns the leaf's value. The table's writer keeps every walk within LIMIT_WALK nodes. */
__attribute__((noinline)) __u32 classify(struct packet *p, __u32 root)
{
	__u32 at = root;

	if (!p)
		return 0;
	for (int i = 0; i < LIMIT_WALK; i++) {
		if (at & LEAF)
			break;
		__u32 head = T(at);
		__u32 distance = p->f[head & (FIELD_SLOTS - 1)] - T(at + 1);
		__u32 next = at + 3;

		if (distance <= T(at + 2))
			next = at + 4 + (__u32)((__u64)distance >> ((head >> 8) & 63));
		at = T(next);
	}
	return at & ~LEAF;
}

#endif
