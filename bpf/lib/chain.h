/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The chain machine: executes lists of records as net/ipv4/netfilter/ip_tables.c ipt_do_table walks rules,
 * with a lookup where that has a run of rules. Jumps push the rest of the caller's list; RETURN pops it.
 */
#ifndef IPT2EBPF_CHAIN_H
#define IPT2EBPF_CHAIN_H

#include "classify.h"
#include "counters.h"
#include "events.h"
#include "limit.h"
#include "maps.h"

/* Verdicts of a phase are VERDICT_*; 0 = the walk goes on. */

static __always_inline __u32 decide(struct packet *p, __u32 head, __u32 id, __u32 verdict)
{
	p->result.rule = id;
	p->result.reason = head & RECORD_POLICY ? REASON_POLICY : REASON_RULE;
	p->result.verdict = verdict;
	return verdict;
}

/* The smallest leaf of all parts: the first rule that matches. Parts come in order of their smallest leaf. */
static __always_inline __u32 smallest(struct packet *p, __u32 record)
{
	__u32 parts = T(record + 1), best = T(record + 2);

	for (__u32 i = 0; i < 8; i++) {
		if (i >= parts || best <= T(record + 4 + 2 * i))
			break;
		__u32 leaf = classify(p, T(record + 3 + 2 * i));

		if (leaf < best)
			best = leaf;
	}
	return best;
}

/* Executes one record. Global, so that the verifier looks at it once and not once per step. */
__attribute__((noinline)) __u32 step(struct packet *p)
{
	if (!p)
		return VERDICT_DROP;

	__u32 record = p->record;

	p->record = 0;
	if (!record)
		record = T(p->list++);

	__u32 head = T(record), id = T(record + 1);

	switch (head & 0xff) {
	case OP_LOOKUP:
		p->list = classify(p, id);
		return 0;
	case OP_PARTS:
		p->list = smallest(p, record);
		return 0;
	case OP_BASE:
		p->policy = id;
		p->next = T(record + 2);
		p->list = T(record + 3);
		p->depth = 0;
		return 0;
	case OP_ACCEPT:
		count_hit(p, id);
		if (head & RECORD_DECIDES)
			decide(p, head, id, VERDICT_ACCEPT);
		if (!p->next)
			return VERDICT_ACCEPT;
		p->list = p->next;
		return 0;
	case OP_DROP:
		count_hit(p, id);
		return decide(p, head, id, VERDICT_DROP);
	case OP_REJECT:
		count_hit(p, id);
		p->result.reject = T(record + 2);
		return decide(p, head, id, VERDICT_REJECT);
	case OP_HOTDROP:
		decide(p, head, id, VERDICT_DROP);
		p->result.reason = REASON_HOTDROP;
		return VERDICT_DROP;
	case OP_JUMP: {
		__u32 depth = p->depth;

		count_hit(p, id);
		if (depth >= LIMIT_DEPTH)
			break;
		p->stack[depth & (LIMIT_DEPTH - 1)] = p->list;
		p->depth = depth + 1;
		p->list = T(record + 2);
		return 0;
	}
	case OP_GOTO:
		count_hit(p, id);
		p->list = T(record + 2);
		return 0;
	case OP_RETURN: {
		__u32 depth = p->depth - 1;

		count_hit(p, id);
		if (depth < LIMIT_DEPTH) {
			p->list = p->stack[depth & (LIMIT_DEPTH - 1)];
			p->depth = depth;
		} else {
			p->list = p->policy;
		}
		return 0;
	}
	case OP_COUNT:
		count_hit(p, id);
		return 0;
	case OP_LOG:
		count_hit(p, id);
		log_event(p, record);
		return 0;
	case OP_MARK:
		count_hit(p, id);
		p->f[F_MARK] = (p->f[F_MARK] & T(record + 2)) ^ T(record + 3);
		return 0;
	case OP_NOTRACK:
		count_hit(p, id);
		/* An answer is no longer without a mark of tracking (net/netfilter/xt_CT.c xt_ct_target). */
		if (p->f[F_CT] == STATE_INVALID && !p->is_answer) {
			p->untracked = 1;
			p->f[F_CT] = STATE_UNTRACKED;
		}
		return 0;
	case OP_LIMIT:
		if (limit_allows(p, record))
			p->record = T(record + 5);
		return 0;
	case OP_TEST: {
		__u32 leaf = classify(p, id);

		if (leaf == TEST_TRUE)
			p->record = T(record + 2);
		if (leaf != TEST_HOTDROP)
			return 0;
		decide(p, head, T(record + 3), VERDICT_DROP);
		p->result.reason = REASON_HOTDROP;
		return VERDICT_DROP;
	}
	case OP_MASK:
		p->f[id & (FIELD_SLOTS - 1)] = p->f[T(record + 2) & (FIELD_SLOTS - 1)] & T(record + 3);
		return 0;
	case OP_FIELD:
		p->f[id & (FIELD_SLOTS - 1)] = classify(p, T(record + 2));
		return 0;
	}
	/* A record the table's writer never writes: fail closed. */
	p->result.reason = REASON_BUDGET;
	p->result.verdict = VERDICT_DROP;
	return VERDICT_DROP;
}

/* Runs the base chains of a phase. A phase without rules accepts. */
__attribute__((noinline)) __u32 run_phase(struct packet *p, __u32 phase)
{
	if (!p)
		return VERDICT_DROP;
	p->list = T(TABLE_ENTRY + (p->index & 1) * 8 + (phase & 7));
	p->record = 0;
	if (!p->list)
		return VERDICT_ACCEPT;
	for (int i = 0; i < LIMIT_RECORDS; i++) {
		__u32 verdict = step(p);

		if (verdict)
			return verdict;
	}
	p->result.reason = REASON_BUDGET;
	p->result.verdict = VERDICT_DROP;
	return VERDICT_DROP;
}

#endif
