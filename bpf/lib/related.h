/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP errors and the connections of what they quote (net/netfilter/nf_conntrack_proto_icmp.c
 * nf_conntrack_inet_error, nf_conntrack_core.c nf_conntrack_attach).
 */
#ifndef IPT2EBPF_RELATED_H
#define IPT2EBPF_RELATED_H

#include "connection.h"

/* The packet quoted by an ICMP error, at `at` in the frame, loaded into p->sum. Returns 0 when unreadable. */
static __always_inline int quoted_tuple(struct __sk_buff *skb, struct packet *p, __u32 at, struct tuple *t)
{
	__u32 bytes = p->end > at ? p->end - at : 0, l4, header;

	if (bytes > 128)
		bytes = 128;
	if (bytes < (p->family == 4 ? 20 : 40))
		return 0;
	if (bpf_skb_load_bytes(skb, at - p->missing, p->sum, bounded(bytes, 127)))
		return 0;
	t->family = p->family;
	for (int i = 0; i < 4; i++) {
		t->source[i] = 0;
		t->destination[i] = 0;
	}
	if (p->family == 4) {
		if (bpf_ntohs(*(__u16 *)&p->sum[6]) & 0x1fff)
			return 0;
		l4 = (p->sum[0] & 15) * 4;
		header = p->sum[9];
		t->source[0] = bpf_ntohl(*(__u32 *)&p->sum[12]);
		t->destination[0] = bpf_ntohl(*(__u32 *)&p->sum[16]);
	} else {
		header = p->sum[6];
		l4 = 40;
		for (int i = 0; i < 4; i++) {
			t->source[i] = bpf_ntohl(*(__u32 *)&p->sum[8 + 4 * i]);
			t->destination[i] = bpf_ntohl(*(__u32 *)&p->sum[24 + 4 * i]);
		}
		for (int i = 0; i < 6; i++) {
			if (!is_extension(header) || header == EXT_NONE)
				break;
			if (l4 + 8 > bytes)
				return 0;
			__u32 k = l4 & 127;
			__u32 length = p->sum[k + 1];

			if (header == EXT_FRAGMENT && (p->sum[k + 2] << 8 | p->sum[k + 3]) & 0xfff8)
				return 0;
			l4 += header == EXT_FRAGMENT ? 8 : header == EXT_AUTH ? (length + 2) * 4 : (length + 1) * 8;
			header = p->sum[k];
		}
		if (is_extension(header) && header != EXT_NONE)
			return 0;
	}
	if (l4 > bytes)
		return 0;
	t->protocol = header;
	t->source_port = 0;
	t->destination_port = 0;

	__u32 k = l4 & 127;
	__u32 first = bpf_ntohs(*(__u16 *)&p->sum[k]), second = bpf_ntohs(*(__u16 *)&p->sum[k + 2]);

	switch (header) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
	case PROTOCOL_SCTP:
	case PROTOCOL_UDPLITE:
		if (l4 + 4 > bytes)
			return 0;
		t->source_port = first;
		t->destination_port = second;
		break;
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMPV6:
		if (l4 + 8 > bytes)
			return 0;
		t->source_port = bpf_ntohs(*(__u16 *)&p->sum[k + 4]);
		t->destination_port = first;
		break;
	case PROTOCOL_GRE:
		if (l4 + 8 <= bytes && (first & 7) == 1)
			t->destination_port = bpf_ntohs(*(__u16 *)&p->sum[k + 6]);
		break;
	}
	return 1;
}

/* RELATED when the quoted packet's connection is known and the error goes to the side that sent it. */
__attribute__((noinline)) int relate(struct __sk_buff *skb, struct packet *p, __u32 at)
{
	struct tuple t;
	struct connection *c;
	int turned, known;

	if (!p || !quoted_tuple(skb, p, at, &t))
		return 0;
	/* The error goes back to the quoted packet's sender. */
	for (int i = 0; i < 4; i++) {
		if (i && p->family == 4)
			break;
		if (p->f[F_DST0 + i] != t.source[i])
			return 0;
	}
	turned = make_key(&t, &p->key);
	if (turned < 0)
		return 0;
	c = find_connection(p);
	known = !!c;
	if (!known && p->is_error)
		c = find_unconfirmed(p, 0);
	if (!c)
		return 0;
	/* The error travels against the quoted packet. */
	set_state(p, c, STATE_RELATED, is_mirror(&t) || turned == !!(c->status & CT_REPLY_FIRST), known);
	if (!known)
		forget_unconfirmed(p);
	return 0;
}

/*
 * The error that answers an answer travels as the first packet did, and when it is accepted it confirms the
 * connection that the first packet did not get (nf_conntrack_core.c __nf_conntrack_confirm).
 */
__attribute__((noinline)) int adopt_unconfirmed(struct __sk_buff *skb, struct packet *p)
{
	struct tuple t;
	struct connection *c;

	if (!p || !quoted_tuple(skb, p, p->l4 + 8, &t) || make_key(&t, &p->key) < 0)
		return 0;
	c = find_unconfirmed(p, CT_ANSWERED);
	if (!c)
		return 0;
	p->pending = *c;
	p->pending.status &= ~CT_ANSWERED;
	p->confirm = 1;
	forget_unconfirmed(p);
	return 0;
}

#endif
