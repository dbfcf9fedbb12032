/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counters per original rule and chain policy, as `iptables -L -v` shows them. */
#ifndef IPT2EBPF_COUNTERS_H
#define IPT2EBPF_COUNTERS_H

#include "maps.h"

/* A rule's matches held, or a policy was reached: packets and layer-3 bytes. */
static __always_inline void count_hit(struct packet *p, __u32 id)
{
	struct counter *counter;

	if (p->uncounted)
		return;
	counter = bpf_map_lookup_elem(&counters, &id);
	if (counter) {
		counter->packets++;
		counter->bytes += p->f[F_LENGTH];
	}
	if (p->config.record) {
		__u32 at = p->result.hit_count++;

		if (at < MAX_HITS)
			p->result.hits[at & (MAX_HITS - 1)] = id;
	}
}

#endif
