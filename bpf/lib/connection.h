/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entries of the connection map: found by a packet's tuple, told to rules as F_CT, confirmed when a packet is accepted
 * for good, and, of packets that were refused, kept for the errors about them.
 */
#ifndef IPT2EBPF_CONNECTION_H
#define IPT2EBPF_CONNECTION_H

#include "maps.h"
#include "parse.h"
#include "tuple.h"

#define TIMEOUT_JIFFIES(index) ((__u64)T(TABLE_TIMEOUT + (index)))

static __always_inline void refresh(struct packet *p, struct connection *c, __u64 lifetime)
{
	c->expires = p->now + lifetime;
}

/* The packet's own tuple. Returns 0 when the part that holds ports is cut. */
static __always_inline int packet_tuple(struct packet *p, struct tuple *t)
{
	__u32 protocol = p->f[F_PROTO], avail = p->f[F_AVAIL];

	for (int i = 0; i < 4; i++) {
		t->source[i] = i && p->family == 4 ? 0 : p->f[F_SRC0 + i];
		t->destination[i] = i && p->family == 4 ? 0 : p->f[F_DST0 + i];
	}
	t->protocol = protocol;
	t->family = p->family;
	t->source_port = 0;
	t->destination_port = 0;
	switch (protocol) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
	case PROTOCOL_SCTP:
	case PROTOCOL_UDPLITE:
		if (avail < 4)
			return 0;
		t->source_port = p->f[F_SPORT];
		t->destination_port = p->f[F_DPORT];
		break;
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMPV6:
		if (avail < 8)
			return 0;
		t->source_port = l4_16(p, 4);
		t->destination_port = p->f[F_SPORT];
		break;
	case PROTOCOL_GRE:
		if (avail >= 8 && (p->f[F_SPORT] & 7) == 1)
			t->destination_port = l4_16(p, 6);
		break;
	}
	return 1;
}

/* Fields that rules read: state, direction, status, and on demand the tuple and what is left of its life. */
static __always_inline void set_state(struct packet *p, const struct connection *c, __u32 state, int reply,
				      int known)
{
	__u32 value = state | CTF_TRACKED;
	const struct connection_key *key = &p->key;

	if (reply)
		value |= CTF_REPLY;
	if (c->status & CT_SEEN_REPLY)
		value |= CTF_SEEN_REPLY;
	if (c->status & CT_ASSURED)
		value |= CTF_ASSURED;
	if (known)
		value |= CTF_CONFIRMED;
	p->f[F_CT] = value;
	p->result.state = state;
	p->result.direction = reply;
	p->reply = reply;
	p->known = known;
	if (T(TABLE_WANTS) & WANT_EXPIRES) {
		__u64 left = known && c->expires > p->now ? c->expires - p->now : 0;

		p->f[F_CTEXPIRES] = (__u32)(left / (p->config.hz ? p->config.hz : 1));
	}
	if (T(TABLE_WANTS) & WANT_TUPLE) {
		int second = !!(c->status & CT_REPLY_FIRST);

		for (int i = 0; i < 4; i++) {
			p->f[F_OSRC0 + i] = bpf_ntohl(second ? key->second[i] : key->first[i]);
			p->f[F_ODST0 + i] = bpf_ntohl(second ? key->first[i] : key->second[i]);
		}
		p->f[F_OSPORT] = bpf_ntohs(second ? key->second_port : key->first_port);
		p->f[F_ODPORT] = bpf_ntohs(second ? key->first_port : key->second_port);
		p->f[F_CTPROTO] = key->protocol;
		p->f[F_RSPORT] = p->f[F_ODPORT];
		p->f[F_RDPORT] = p->f[F_OSPORT];
		if (key->protocol == PROTOCOL_ICMP || key->protocol == PROTOCOL_ICMPV6) {
			int request;

			p->f[F_RSPORT] = p->f[F_OSPORT];
			p->f[F_RDPORT] = (icmp_answer(key->protocol, p->f[F_ODPORT] >> 8, &request) << 8 |
					  (p->f[F_ODPORT] & 255)) & 0xffff;
		}
	}
}

static __always_inline struct connection *find_connection(struct packet *p)
{
	/* On the stack: before 6.2 a key cannot be in memory that came as a function's argument. */
	struct connection_key key = p->key;
	struct connection *c = bpf_map_lookup_elem(&connections, &key);

	if (c && c->expires <= p->now) {
		bpf_map_delete_elem(&connections, &key);
		return 0;
	}
	return c;
}

/* The connection of a packet that was refused, by a rule's answer (CT_ANSWERED) or by the stack (0). */
static __always_inline struct connection *find_unconfirmed(struct packet *p, __u32 by)
{
	struct connection_key key = p->key;
	struct connection *c = bpf_map_lookup_elem(&unconfirmed, &key);

	return c && c->expires > p->now && (c->status & CT_ANSWERED) == by ? c : 0;
}

static __always_inline void forget_unconfirmed(struct packet *p)
{
	struct connection_key key = p->key;

	bpf_map_delete_elem(&unconfirmed, &key);
}

static __always_inline void forget_connection(struct packet *p)
{
	struct connection_key key = p->key;

	bpf_map_delete_elem(&connections, &key);
}

/* The packet leaves the host or reaches it: its connection counts from now on. */
static __always_inline void confirm(struct packet *p)
{
	if (!p->confirm)
		return;
	p->pending.status |= CT_CONFIRMED;
	bpf_map_update_elem(&connections, &p->key, &p->pending, BPF_ANY);
}

/* The packet is refused: what answers it, the stack at once, belongs to its connection all the same. */
static __always_inline void leave_unconfirmed(struct packet *p, __u32 by)
{
	if (!p->confirm)
		return;
	p->pending.status |= by;
	/* This jiffy and the next. */
	if (!by)
		refresh(p, &p->pending, 2);
	bpf_map_update_elem(&unconfirmed, &p->key, &p->pending, BPF_ANY);
}

/* A RST of our own answers the packet: its connection is closed (nf_conntrack_tcp_set_closing). */
static __always_inline void close_connection(struct packet *p)
{
	struct connection *c;

	if (!p->known)
		return;
	c = find_connection(p);
	if (!c || c->tcp_state == TCP_CLOSE)
		return;
	c->tcp_state = TCP_CLOSE;
	refresh(p, c, TIMEOUT_JIFFIES(TIMEOUT_TCP + TCP_CLOSE));
}

#endif
