/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a received packet goes: to this host, on to another, or nowhere. Own addresses and martians are table
 * data (the host's snapshot); the next hop comes from the kernel's own tables by bpf_fib_lookup. What the
 * stack will drop is told, so that no rule of INPUT or FORWARD judges it and no connection comes of it
 * (net/ipv4/route.c ip_route_input_slow, ip_forward.c, ip_options.c; net/ipv6/ip6_output.c ip6_forward).
 */
#ifndef IPT2EBPF_ROUTE_H
#define IPT2EBPF_ROUTE_H

#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <bpf/bpf_helpers.h>
#include "classify.h"
#include "interfaces.h"
#include "maps.h"
#include "parse.h"

#define ROUTE_STACK 0 /* the stack drops it, unless the host has addresses or groups that its snapshot lacks */
#define ROUTE_UNKNOWN 5 /* a route this program cannot follow */
#define ROUTE_REFUSED 6 /* the stack refuses to forward it */
#define FAMILY_INET 2
#define FAMILY_INET6 10

/* Options a received IPv4 packet must not carry: broken ones, and source routes. */
__attribute__((noinline)) int options_refused(struct packet *p)
{
	__u32 routed = 0;

	if (!p)
		return 1;
	p->cursor = ETH_HLEN + 20;
	for (int i = 0; i < 40; i++) {
		__u32 at = AFRESH(p->cursor);

		if (at >= AFRESH(p->l4))
			break;
		__u32 kind = head8(p, at), length = head8(p, at + 1), pointer = head8(p, at + 2);

		if (kind == 0)
			break;
		if (kind == 1) {
			p->cursor = at + 1;
			continue;
		}
		if (AFRESH(p->l4) - at < 2 || length < 2 || length > AFRESH(p->l4) - at)
			return 1;
		if (kind == 131 || kind == 137)
			routed = 1;
		if (kind == 7 && (length < 3 || pointer < 4 || (pointer <= length && pointer + 3 > length)))
			return 1;
		if (kind == 68 && (length < 4 || pointer < 5))
			return 1;
		if (kind == 148 && length < 4)
			return 1;
		p->cursor = at + length;
	}
	return routed;
}

static __always_inline int is_link_local(struct packet *p, __u32 field)
{
	return p->f[field] >> 22 == 0x3fa;
}

__attribute__((noinline)) int forwards(struct __sk_buff *skb, struct packet *p)
{
	struct bpf_fib_lookup fib = {};
	int measured;
	long answer;

	if (!p)
		return ROUTE_STACK;
	if (skb->pkt_type != PACKET_HOST)
		return ROUTE_STACK;
	/* The lookup below knows no link-local address; a snapshot may lack that of an interface born later. */
	if (!p->config.record && p->family == 6 && is_link_local(p, F_DST0))
		return ROUTE_STACK;
	if (!(p->family == 4 ? p->config.forward4 : p->config.forward6))
		return ROUTE_STACK;
	fib.ifindex = p->ifindex;
	fib.l4_protocol = p->f[F_PROTO];
	fib.sport = bpf_htons(p->f[F_SPORT]);
	fib.dport = bpf_htons(p->f[F_DPORT]);
	/* With a length the lookup compares it with the route's MTU; IPv4 without DF is fragmented instead. */
	measured = !skb->gso_size && (p->family == 6 || head8(p, ETH_HLEN + 6) & 0x40);
	if (measured)
		fib.tot_len = p->f[F_LENGTH];
	if (p->family == 4) {
		fib.family = FAMILY_INET;
		fib.tos = head8(p, ETH_HLEN + 1) & 0x1c;
		fib.ipv4_src = bpf_htonl(p->f[F_SRC0]);
		fib.ipv4_dst = bpf_htonl(p->f[F_DST0]);
	} else {
		fib.family = FAMILY_INET6;
		fib.flowinfo = bpf_htonl(head32(p, ETH_HLEN) & 0x0fffffff);
		/*
		 * The lookup refuses link-local addresses: a source of that kind routes like none, a destination
		 * like one that only the default route knows.
		 */
		for (int i = 0; i < 4; i++) {
			if (!is_link_local(p, F_SRC0))
				fib.ipv6_src[i] = bpf_htonl(p->f[F_SRC0 + i]);
			if (!is_link_local(p, F_DST0))
				fib.ipv6_dst[i] = bpf_htonl(p->f[F_DST0 + i]);
		}
	}
	answer = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	/* Link-local addresses are on the link that the packet came by, which the lookup does not heed. */
	if (p->family == 6 && p->f[F_DST0] == 0xfe800000 && !p->f[F_DST1]) {
		answer = BPF_FIB_LKUP_RET_SUCCESS;
		fib.ifindex = p->ifindex;
	} else if (p->family == 6 && is_link_local(p, F_DST0) && fib.ifindex != p->ifindex) {
		return ROUTE_STACK;
	}
	if (p->f[F_TTL] <= 1 && answer != BPF_FIB_LKUP_RET_NOT_FWDED)
		return ROUTE_REFUSED;
	switch (answer) {
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		break;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		if (measured)
			return ROUTE_REFUSED;
		break;
	case BPF_FIB_LKUP_RET_BLACKHOLE:
	case BPF_FIB_LKUP_RET_UNREACHABLE:
	case BPF_FIB_LKUP_RET_PROHIBIT:
		return ROUTE_REFUSED;
	case BPF_FIB_LKUP_RET_UNSUPP_LWT:
		return ROUTE_UNKNOWN;
	default:
		return ROUTE_STACK;
	}
	/* A link-local or unspecified source goes nowhere else. */
	if (p->family == 6 && fib.ifindex != p->ifindex) {
		if (is_link_local(p, F_SRC0))
			return ROUTE_REFUSED;
		if (!(p->f[F_SRC0] | p->f[F_SRC1] | p->f[F_SRC2] | p->f[F_SRC3]))
			return ROUTE_REFUSED;
	}
	p->output = fib.ifindex;
	p->f[F_OIF] = interface_id(fib.ifindex);
	p->f[F_TTL] -= 1;
	return HOOK_FORWARD;
}

/* The interface that leads to the packet's source; 0 when that is this host, or nobody knows. */
__attribute__((noinline)) int way_back(struct __sk_buff *skb, struct packet *p)
{
	struct bpf_fib_lookup fib = {};
	long answer;

	if (!p || (p->family == 6 && is_link_local(p, F_SRC0)))
		return 0;
	fib.ifindex = p->ifindex;
	fib.family = p->family == 4 ? FAMILY_INET : FAMILY_INET6;
	if (p->family == 4) {
		fib.ipv4_dst = bpf_htonl(p->f[F_SRC0]);
	} else {
		for (int i = 0; i < 4; i++)
			fib.ipv6_dst[i] = bpf_htonl(p->f[F_SRC0 + i]);
	}
	answer = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	return answer == BPF_FIB_LKUP_RET_SUCCESS || answer == BPF_FIB_LKUP_RET_NO_NEIGH ? fib.ifindex : 0;
}

/* Returns HOOK_INPUT, HOOK_FORWARD (then p->output and F_OIF are set) or ROUTE_*. */
__attribute__((noinline)) int route(struct __sk_buff *skb, struct packet *p)
{
	__u32 leaf;

	if (!p)
		return ROUTE_STACK;
	/* Through lo the route was found on the way out. */
	if (p->loopback)
		return HOOK_INPUT;
	leaf = classify(p, T(TABLE_ROUTE + (p->index & 1)));
	if (leaf == ROUTE_DROP)
		return ROUTE_STACK;
	if (p->family == 4 && p->l4 > ETH_HLEN + 20 && options_refused(p))
		return ROUTE_REFUSED;
	if (leaf == ROUTE_LOCAL)
		return HOOK_INPUT;
	return forwards(skb, p);
}

#endif
