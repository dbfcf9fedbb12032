/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The netfilter attach points (BPF_PROG_TYPE_NETFILTER, Linux 6.4): a table's chains at the very hooks where
 * iptables walks them, each just before the table it stands for. Tracking, reassembly, routing and translation are
 * the kernel's own; what rules ask of a connection is read from the packet's entry.
 *
 * Such a program drops or accepts and can change nothing (net/netfilter/nf_bpf_link.c): what is rejected is dropped
 * without an answer, and tables that write to packets stay with iptables.
 */
#ifndef IPT2EBPF_NETFILTER_H
#define IPT2EBPF_NETFILTER_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "chain.h"
#include "interfaces.h"
#include "kernel-types.h"
#include "maps.h"
#include "parse.h"

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *packet) __ksym;

/*
 * In replays skb->priority of what the host says because of the packet under test (src/kernel/netfilter/
 * instrument.ts): judged, not recorded.
 */
#define PRIORITY_UNRECORDED 0x1bf70003

/*
 * Packets under judgement on one CPU at once: a softirq comes between what a process sends, and a process that is
 * preempted leaves its packet half judged. Hooks run with preemption, so one place per CPU is too few.
 */
#define SLOTS 8

struct slot {
	struct packet packet;
	__u32 busy;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

static __always_inline struct slot *take_slot(void)
{
	for (__u32 i = 0; i < SLOTS; i++) {
		__u32 key = i;
		struct slot *slot = bpf_map_lookup_elem(&slots, &key);

		if (slot && !__sync_val_compare_and_swap(&slot->busy, 0, 1))
			return slot;
	}
	return 0;
}

/* skb->data is the IP header on these hooks. */
static __always_inline long load_from_hook(void *source, struct packet *p, __u32 at, void *to, __u32 bytes)
{
	return bpf_dynptr_read(to, bytes, source, at - ETH_HLEN, 0);
}

static __always_inline void take_tuple(struct packet *p, const struct nf_conn *connection)
{
	struct nf_conntrack_tuple_hash way[2];

	if (bpf_probe_read_kernel(way, sizeof(way), __builtin_preserve_access_index(&connection->tuplehash)))
		return;
	for (int i = 0; i < 4; i++) {
		p->f[F_OSRC0 + i] = bpf_ntohl(way[0].tuple.source[i]);
		p->f[F_ODST0 + i] = bpf_ntohl(way[0].tuple.destination[i]);
	}
	p->f[F_OSPORT] = bpf_ntohs(way[0].tuple.source_port);
	p->f[F_ODPORT] = bpf_ntohs(way[0].tuple.destination_port);
	p->f[F_RSPORT] = bpf_ntohs(way[1].tuple.source_port);
	p->f[F_RDPORT] = bpf_ntohs(way[1].tuple.destination_port);
	p->f[F_CTPROTO] = way[0].tuple.protocol;
}

/* F_CT and what rules ask besides, from the kernel's entry (net/netfilter/xt_conntrack.c, xt_state.c). */
static __always_inline void take_connection(struct packet *p, struct sk_buff *skb)
{
	unsigned long nfct = skb->_nfct, status = 0;
	const struct nf_conn *connection = (const void *)(nfct & ~NFCT_INFO_MASK);
	__u32 info = nfct & NFCT_INFO_MASK, reply = info >= IP_CT_IS_REPLY;

	p->f[F_CT] = STATE_INVALID;
	if (info == IP_CT_UNTRACKED) {
		p->f[F_CT] = STATE_UNTRACKED;
	} else if (connection) {
		__u32 way = reply ? info - IP_CT_IS_REPLY : info, value = CTF_TRACKED;

		value |= way == 0 ? STATE_ESTABLISHED : way == 1 ? STATE_RELATED : STATE_NEW;
		bpf_probe_read_kernel(&status, sizeof(status), __builtin_preserve_access_index(&connection->status));
		value |= reply ? CTF_REPLY : 0;
		value |= status & IPS_SEEN_REPLY ? CTF_SEEN_REPLY : 0;
		value |= status & IPS_ASSURED ? CTF_ASSURED : 0;
		value |= status & IPS_CONFIRMED ? CTF_CONFIRMED : 0;
		p->f[F_CT] = value;
		if (T(TABLE_WANTS) & WANT_EXPIRES) {
			__u32 timeout = 0;
			__s32 left;

			bpf_probe_read_kernel(&timeout, sizeof(timeout),
					      __builtin_preserve_access_index(&connection->timeout));
			left = timeout - (__u32)p->now;
			p->f[F_CTEXPIRES] = left > 0 ? (__u32)left / (p->config.hz ? p->config.hz : 1) : 0;
		}
		if (T(TABLE_WANTS) & WANT_TUPLE)
			take_tuple(p, connection);
	}
	p->result.state = p->f[F_CT] & CTF_STATE_MASK;
	p->result.direction = !!(p->f[F_CT] & CTF_REPLY);
}

/* xt_mac.c: only what came by an Ethernet device, with its header still before it, has a source. */
static __always_inline void take_mac(struct packet *p, struct sk_buff *skb, struct net_device *in)
{
	__u32 mac = skb->mac_header;

	p->f[F_MAC1] = FIELD_MAC_NONE;
	__builtin_memset(&p->head[HEAD_START], 0, ETH_HLEN - 2);
	*(__u16 *)&p->head[HEAD_START + ETH_HLEN - 2] = bpf_htons(p->family == 4 ? ETH_P_IP : ETH_P_IPV6);
	if (!in || in->type != ARPHRD_ETHER || mac == MAC_UNSET || mac + ETH_HLEN > skb->network_header)
		return;
	if (bpf_probe_read_kernel(&p->head[HEAD_START], ETH_HLEN, skb->head + mac))
		return;
	p->f[F_MAC0] = head32(p, 6);
	p->f[F_MAC1] = head16(p, 10);
}

/* What every hook saw of it already: lengths and headers are as the stack wants them. Returns 0 when unreadable. */
static __always_inline int parse_in_hook(struct bpf_dynptr *packet, struct packet *p)
{
	__u32 bytes = p->frame_length - ETH_HLEN, shortest = p->family == 4 ? 20 : 40;

	if (bytes > HEAD_BYTES - ETH_HLEN)
		bytes = HEAD_BYTES - ETH_HLEN;
	if (bytes < shortest ||
	    bpf_dynptr_read(&p->head[HEAD_START + ETH_HLEN], bounded(bytes, HEAD_BYTES - 1), packet, 0, 0))
		return 0;
	p->l3 = ETH_HLEN;
	p->missing = 0;
	p->end = p->frame_length;
	if (p->family == 4) {
		fields_of_ipv4(p);
	} else {
		fields_of_ipv6(p);
		walk_to_upper_layer(packet, load_from_hook, p);
	}
	if (p->f[F_FRAG] > 2)
		p->f[F_FRAG] = 2;
	parse_l4(packet, load_from_hook, p, bytes + ETH_HLEN);
	return 1;
}

static __always_inline void begin_in_hook(struct packet *p, const struct config *c,
					  const struct nf_hook_state *state, struct sk_buff *skb)
{
	__u32 zero = 0;
	struct net_device *in = state->in, *out = state->out;
	struct result *before;

	p->config = *c;
	p->uncounted = 0;
	if (skb->priority == PRIORITY_UNRECORDED)
		p->config.record = 0;
	p->now = bpf_jiffies64();
	p->egress = state->hook == NF_LOCAL_OUT;
	p->ifindex = in ? in->ifindex : 0;
	p->output = out && state->hook != NF_LOCAL_IN ? out->ifindex : 0;
	p->f[F_IIF] = interface_id(p->ifindex);
	p->f[F_OIF] = interface_id(p->output);
	p->f[F_MARK] = skb->mark;
	p->family = state->pf == NFPROTO_IPV4 ? 4 : 6;
	p->index = state->pf != NFPROTO_IPV4;
	p->frame_length = skb->len + ETH_HLEN;
	/* In a replay a packet's record goes on from hook to hook: who reads it clears it. */
	before = p->config.record ? bpf_map_lookup_elem(&results, &zero) : 0;
	if (before) {
		p->result = *before;
	} else {
		p->result.log_count = 0;
		p->result.hit_count = 0;
	}
	p->result.verdict = VERDICT_PASS;
	p->result.reason = REASON_NONE;
	p->result.rule = NO_RULE;
	p->result.reject = REJECT_NONE;
	p->result.answered = 0;
}

static __always_inline void record_in_hook(struct packet *p, __u32 verdict)
{
	__u32 zero = 0;
	struct result *result = p->config.record ? bpf_map_lookup_elem(&results, &zero) : 0;

	if (!result)
		return;
	p->result.sequence++;
	p->result.verdict = verdict;
	p->result.mark = p->f[F_MARK];
	p->result.output = p->output;
	p->result.ct = p->f[F_CT];
	*result = p->result;
}

struct phase_of_hook {
	__u8 hook; /* HOOK_* */
	__u8 phase; /* PHASE_* */
};

/* Judges the packet by the chains of one phase. A packet that cannot be judged is dropped where others would be. */
static __always_inline int judge_in_hook(struct bpf_nf_ctx *ctx, struct phase_of_hook at)
{
	const struct nf_hook_state *state = ctx->state;
	struct sk_buff *skb = ctx->skb;
	__u32 zero = 0, verdict = VERDICT_DROP;
	struct config *c = bpf_map_lookup_elem(&config, &zero);
	struct bpf_dynptr packet;
	struct slot *slot;
	int enforce;

	if (!c)
		return NF_ACCEPT;
	enforce = c->mode == MODE_ENFORCE;
	slot = take_slot();
	if (!slot)
		return enforce ? NF_DROP : NF_ACCEPT;

	struct packet *p = &slot->packet;

	begin_in_hook(p, c, state, skb);
	p->result.hook = at.hook;
	if (!bpf_dynptr_from_skb((struct __sk_buff *)skb, 0, &packet) && parse_in_hook(&packet, p)) {
		take_mac(p, skb, state->in);
		take_connection(p, skb);
		verdict = run_phase(p, at.phase);
	} else {
		p->result.reason = REASON_BUDGET;
	}
	record_in_hook(p, verdict);
	slot->busy = 0;
	return enforce && verdict != VERDICT_ACCEPT ? NF_DROP : NF_ACCEPT;
}

static __always_inline int netfilter_raw(struct bpf_nf_ctx *ctx)
{
	struct phase_of_hook at = { HOOK_PREROUTING, PHASE_PREROUTING_RAW };

	if (ctx->state->hook == NF_LOCAL_OUT)
		at = (struct phase_of_hook){ HOOK_OUTPUT, PHASE_OUTPUT_RAW };
	return judge_in_hook(ctx, at);
}

static __always_inline int netfilter_mangle(struct bpf_nf_ctx *ctx)
{
	return judge_in_hook(ctx, (struct phase_of_hook){ HOOK_PREROUTING, PHASE_PREROUTING });
}

static __always_inline int netfilter_filter(struct bpf_nf_ctx *ctx)
{
	__u32 hook = ctx->state->hook;
	struct phase_of_hook at = { HOOK_OUTPUT, PHASE_OUTPUT };

	if (hook == NF_LOCAL_IN)
		at = (struct phase_of_hook){ HOOK_INPUT, PHASE_INPUT };
	else if (hook == NF_FORWARD)
		at = (struct phase_of_hook){ HOOK_FORWARD, PHASE_FORWARD };
	return judge_in_hook(ctx, at);
}

#endif
