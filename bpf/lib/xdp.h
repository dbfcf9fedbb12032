/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The XDP attach point: drops early what table raw's PREROUTING drops, where that is certain from the frame alone
 * (src/model/early.ts), and passes all else on to the TC programs of the same object, which decide it. Such a drop
 * comes before tracking on either way, so that no later packet can tell the difference.
 *
 * A packet that passes is counted where it is decided: so the chains are walked once to see, and a second time, with
 * counters, for a drop.
 */
#ifndef IPT2EBPF_XDP_H
#define IPT2EBPF_XDP_H

#include <linux/bpf.h>
#include "chain.h"
#include "interfaces.h"
#include "maps.h"
#include "parse.h"
#include "record.h"

/* By ifindex: the interface's own MAC address in the low six bytes, in their order on the wire; 0 = not judged. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, INTERFACE_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} stations SEC(".maps");

static __always_inline long load_from_xdp(void *frame, struct packet *p, __u32 at, void *to, __u32 bytes)
{
	return bpf_xdp_load_bytes(frame, at, to, bytes);
}

/* A frame for another station is nothing to this host's stack: a device above may be meant (macvlan), or nobody. */
static __always_inline int is_for_this_station(struct packet *p)
{
	/* A key in what a global function is given is no key to the verifier of 6.1. */
	__u32 ifindex = p->ifindex;
	__u64 *station = bpf_map_lookup_elem(&stations, &ifindex);

	if (!station || !*station)
		return 0;
	if (head8(p, 0) & 1)
		return 1;
	return *(__u32 *)&p->head[HEAD_START] == (__u32)*station &&
	       *(__u16 *)&p->head[HEAD_START + 4] == (__u16)(*station >> 32);
}

/* Returns 0 for what is decided elsewhere: not IP, tagged, not for us, refused by the stack, or a piece. */
__attribute__((noinline)) int parse_in_xdp(struct xdp_md *frame, struct packet *p)
{
	__u32 loaded, protocol;

	if (!p)
		return 0;
	loaded = p->frame_length;
	if (loaded < ETH_HLEN + 20)
		return 0;
	if (loaded > HEAD_BYTES)
		loaded = HEAD_BYTES;
	if (bpf_xdp_load_bytes(frame, 0, &p->head[HEAD_START], bounded(loaded, HEAD_BYTES - 1)))
		return 0;
	protocol = head16(p, ETH_HLEN - 2);
	if ((protocol != ETH_P_IP && protocol != ETH_P_IPV6) || !is_for_this_station(p))
		return 0;
	p->l3 = ETH_HLEN;
	if (protocol == ETH_P_IP) {
		if (parse_ipv4(p, loaded) != PARSED_IP)
			return 0;
	} else {
		if (parse_ipv6(p, loaded) != PARSED_IP)
			return 0;
		walk_to_upper_layer(frame, load_from_xdp, p);
	}
	if (p->fragmented)
		return 0;
	parse_l4(frame, load_from_xdp, p, loaded);
	p->f[F_MAC0] = head32(p, 6);
	p->f[F_MAC1] = head16(p, 10);
	p->f[F_MARK] = 0;
	p->f[F_CT] = STATE_INVALID;
	return 1;
}

static __always_inline struct packet *begin_in_xdp(struct xdp_md *frame)
{
	__u32 zero = 0;
	struct packet *p = bpf_map_lookup_elem(&scratch, &zero);
	struct config *c = bpf_map_lookup_elem(&config, &zero);

	if (!p || !c)
		return 0;
	p->config = *c;
	p->now = bpf_jiffies64();
	p->egress = 0;
	p->loopback = 0;
	p->missing = 0;
	p->is_answer = 0;
	p->untracked = 0;
	p->uncounted = 1;
	p->output = 0;
	p->ifindex = frame->ingress_ifindex;
	p->frame_length = frame->data_end - frame->data;
	p->f[F_IIF] = interface_id(p->ifindex);
	p->f[F_OIF] = INTERFACE_NONE;
	begin_record(p);
	p->result.hook = HOOK_PREROUTING;
	return p;
}

static __always_inline int xdp_early(struct xdp_md *frame)
{
	struct packet *p = begin_in_xdp(frame);
	int action = XDP_PASS;

	if (!p)
		return XDP_PASS;
	/* Who observes lets every packet through, to where it is counted. */
	if (p->config.mode == MODE_ENFORCE && parse_in_xdp(frame, p) &&
	    run_phase(p, PHASE_EARLY) == VERDICT_DROP && p->result.reason != REASON_BUDGET) {
		p->uncounted = 0;
		run_phase(p, PHASE_EARLY);
		action = XDP_DROP;
	}
	if (action == XDP_PASS)
		p->result.verdict = VERDICT_PASS;
	record(p);
	return action;
}

#endif
