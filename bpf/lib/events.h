/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* LOG: an event in the ring buffer, with the rule and its prefix. A full buffer loses events, never packets. */
#ifndef IPT2EBPF_EVENTS_H
#define IPT2EBPF_EVENTS_H

#include "maps.h"
#include "table.h"

/* `record` is the address of an OP_LOG record. */
__attribute__((noinline)) int log_event(struct packet *p, __u32 record)
{
	if (!p)
		return 0;
	if (p->config.record) {
		__u32 at = p->result.log_count++;

		if (at < MAX_LOGS)
			p->result.logs[at & (MAX_LOGS - 1)] = T(record + 1);
	}

	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	event->time = p->now;
	event->rule = T(record + 1);
	event->hook = p->result.hook;
	event->input = p->egress ? 0 : p->ifindex;
	event->output = p->output;
	event->mark = p->f[F_MARK];
	event->level = T(record + 2);
	event->length = p->frame_length;

	__u32 captured = p->frame_length;

	if (captured > EVENT_FRAME_BYTES)
		captured = EVENT_FRAME_BYTES;
	event->captured = captured;
	for (int i = 0; i < LOG_PREFIX_BYTES / 4; i++)
		((__u32 *)event->prefix)[i] = T(record + 3 + i);
	for (int i = 0; i < EVENT_FRAME_BYTES; i++)
		event->frame[i] = p->head[HEAD_START + i];
	bpf_ringbuf_submit(event, 0);
	return 0;
}

#endif
