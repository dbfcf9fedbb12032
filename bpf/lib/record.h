/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What became of a packet, where a replay reads it: map `results`. */
#ifndef IPT2EBPF_RECORD_H
#define IPT2EBPF_RECORD_H

#include "maps.h"

static __always_inline void begin_record(struct packet *p)
{
	p->result.verdict = VERDICT_PASS;
	p->result.reason = REASON_NONE;
	p->result.rule = NO_RULE;
	p->result.hook = HOOK_NONE;
	p->result.state = STATE_NONE;
	p->result.direction = 0;
	p->result.reject = REJECT_NONE;
	p->result.answered = 0;
	p->result.log_count = 0;
	p->result.hit_count = 0;
}

static __always_inline void record(struct packet *p)
{
	__u32 zero = 0;
	struct result *result;

	if (!p->config.record)
		return;
	result = bpf_map_lookup_elem(&results, &zero);
	if (!result)
		return;
	p->result.sequence = result->sequence + 1;
	p->result.mark = p->f[F_MARK];
	p->result.output = p->output;
	p->result.ct = p->f[F_CT];
	*result = p->result;
}

#endif
