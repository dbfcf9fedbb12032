/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Watches packets that the netfilter runner injects into its namespace: which entered, which got
 * through every table and how they looked then, which were freed and why, and which answers (REJECT,
 * ICMP errors) were born on the way. Decides nothing: every netfilter program accepts.
 *
 * Kernel: 6.4 (netfilter programs). Attached at INT_MIN+1 on PRE_ROUTING and LOCAL_OUT, at INT_MAX-2
 * on LOCAL_IN and POST_ROUTING: INT_MAX-1 is IPv6 conntrack confirm, INT_MAX IPv4's.
 */
#include "record.h"

#define SEC(name) __attribute__((section(name), used))
#define RELOCATED __attribute__((preserve_access_index))
#define __uint(name, value) int(*name)[value]
#define __type(name, type_name) typeof(type_name) *name

#define BPF_MAP_TYPE_ARRAY 2
#define BPF_F_MMAPABLE 1024
#define NF_ACCEPT 1
#define NFCT_PTRMASK 7ULL

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static __u64 (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static long (*const bpf_probe_read_kernel)(void *to, __u32 size, const void *from) = (void *)113;

/* The kernel's own structures, as far as they are read; offsets are relocated to the running kernel. */
struct ns_common {
	__u32 inum;
} RELOCATED;
struct net {
	struct ns_common ns;
} RELOCATED;
typedef struct {
	struct net *net;
} possible_net_t;
struct net_device {
	int ifindex;
	possible_net_t nd_net;
} RELOCATED;
struct sk_buff {
	struct net_device *dev;
	unsigned long _nfct;
	__u32 len;
	__u32 data_len;
	__u32 priority;
	__u32 mark;
	__u16 network_header;
	__u16 protocol;
	__u8 *head;
} RELOCATED;
struct nf_hook_state {
	__u8 hook;
	__u8 pf;
	struct net_device *in;
	struct net_device *out;
} RELOCATED;
struct nf_conn {
	__u32 mark;
} RELOCATED;
struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct recorder);
} recorder SEC(".maps");

static __attribute__((always_inline)) struct recorder *active_recorder(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&recorder, &key);
}

static __attribute__((always_inline)) int in_process(const struct recorder *r)
{
	return (__u32)(bpf_get_current_pid_tgid() >> 32) == r->process;
}

static __attribute__((always_inline)) struct event *next_event(struct recorder *r)
{
	__u32 index = r->count;

	if (index >= MAX_EVENTS) {
		r->lost++;
		return 0;
	}
	r->count = index + 1;
	return &r->events[index];
}

static __attribute__((always_inline)) void describe(struct event *event, struct sk_buff *skb)
{
	__u64 nfct = skb->_nfct;
	__u32 length = skb->len - skb->data_len;
	const struct nf_conn *connection = (const void *)(nfct & ~NFCT_PTRMASK);

	event->skb = (__u64)skb;
	event->mark = skb->mark;
	event->priority = skb->priority;
	event->nfct = nfct;
	event->length = skb->len;
	event->connection_mark = 0;
	if (connection)
		bpf_probe_read_kernel(&event->connection_mark, sizeof(event->connection_mark),
				      __builtin_preserve_access_index(&connection->mark));
	if (length >= MAX_HEADER)
		length = MAX_HEADER - 1;
	event->header_length = length;
	/* Hidden from the compiler, which would drop the mask that bounds it for the verifier. */
	asm volatile("" : "+r"(length));
	/* skb->data is the IP header on all four hooks. */
	bpf_probe_read_kernel(event->header, length & 0x7ff, skb->head + skb->network_header);
}

static __attribute__((always_inline)) int record_hook(struct bpf_nf_ctx *ctx, __u32 kind)
{
	struct recorder *r = active_recorder();
	const struct nf_hook_state *state = ctx->state;
	struct sk_buff *skb = ctx->skb;
	struct net_device *out;
	struct event *event;

	if (!r)
		return NF_ACCEPT;
	event = next_event(r);
	if (!event)
		return NF_ACCEPT;
	event->kind = kind;
	event->reason = 0;
	event->family = state->pf;
	event->output_ifindex = 0;
	out = state->out;
	if (out && (kind == EVENT_SENT || kind == EVENT_BORN))
		event->output_ifindex = out->ifindex;
	event->answer = skb->priority == ANSWER_PRIORITY ||
			(kind == EVENT_BORN && skb->priority != LOCAL_PRIORITY);
	describe(event, skb);
	return NF_ACCEPT;
}

SEC("netfilter") int entered(struct bpf_nf_ctx *ctx)
{
	return record_hook(ctx, EVENT_ENTERED);
}

SEC("netfilter") int born(struct bpf_nf_ctx *ctx)
{
	return record_hook(ctx, EVENT_BORN);
}

SEC("netfilter") int delivered(struct bpf_nf_ctx *ctx)
{
	return record_hook(ctx, EVENT_DELIVERED);
}

SEC("netfilter") int sent(struct bpf_nf_ctx *ctx)
{
	return record_hook(ctx, EVENT_SENT);
}

/* kfree_skb(skb, location, reason, rx_sk) */
SEC("tp_btf/kfree_skb") int freed(__u64 *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx[0];
	struct recorder *r = active_recorder();
	struct net_device *device;
	struct event *event;
	struct net *net;

	if (!r || !r->process)
		return 0;
	/* Before routing a local packet has no device: its priority tells. */
	if (!in_process(r) || skb->priority != LOCAL_PRIORITY) {
		device = skb->dev;
		if (!device)
			return 0;
		net = device->nd_net.net;
		if (!net || net->ns.inum != r->namespace_inode)
			return 0;
	}
	event = next_event(r);
	if (!event)
		return 0;
	event->kind = EVENT_FREED;
	event->reason = (__u32)ctx[2];
	event->skb = (__u64)skb;
	event->priority = skb->priority;
	event->answer = skb->priority == ANSWER_PRIORITY;
	event->header_length = 0;
	return 0;
}

char program_license[] SEC("license") = "GPL";
