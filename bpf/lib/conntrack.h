/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connection tracking with the meaning of net/netfilter/nf_conntrack_core.c nf_conntrack_in: NEW,
 * ESTABLISHED, RELATED for ICMP errors, INVALID, UNTRACKED. An entry is made when the packet is accepted
 * for good (confirm). Not tracked as the kernel does: TCP windows (all sequence numbers count as inside), DCCP
 * (as kernels do since its tracker is gone), expectations of helpers, zones.
 */
#ifndef IPT2EBPF_CONNTRACK_H
#define IPT2EBPF_CONNTRACK_H

#include "checksum.h"
#include "maps.h"
#include "parse.h"
#include "sctp.h"
#include "tcp.h"
#include "tuple.h"

#define NO_NEXT_HEADER 59
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

/* Returns 1 when tracking of the packet has ended here. */
static __always_inline int track_icmp(struct __sk_buff *skb, struct packet *p)
{
	__u32 type = p->f[F_SPORT] >> 8;

	if (p->f[F_AVAIL] < 8 || arrived_damaged(skb, p, 2))
		return 1;
	if (p->family == 4) {
		if (type > 18)
			return 1;
		if (type != 3 && type != 4 && type != 5 && type != 11 && type != 12)
			return 0;
		relate(skb, p, p->l4 + 8);
		return 1;
	}
	/* MLD, router and neighbour discovery, multicast router discovery. */
	if ((type >= 130 && type <= 136) || type == 143 || type == 151 || type == 152) {
		p->f[F_CT] = STATE_UNTRACKED;
		p->result.state = STATE_UNTRACKED;
		p->untracked = 1;
		return 1;
	}
	if (type == 137) {
		/* Redirect: the quoted packet is in an option behind the message. */
		if (p->f[F_AVAIL] >= 48 && !(p->f[F_SPORT] & 255) && p->f[F_TTL] == 255 &&
		    p->f[F_SRC0] >> 22 == 0x3fa && l4_8(p, 40) == 4 && l4_8(p, 41))
			relate(skb, p, p->l4 + 48);
		return 1;
	}
	if (type >= 128)
		return 0;
	relate(skb, p, p->l4 + 8);
	return 1;
}

/* Returns 0 for INVALID. */
static __always_inline int track_udp(struct __sk_buff *skb, struct packet *p, struct connection *c, int known)
{
	__u32 bytes = p->end - p->l4, covered = l4_16(p, 4), sum = l4_16(p, 6);

	if (p->f[F_AVAIL] < 8)
		return 0;
	if (p->f[F_PROTO] == PROTOCOL_UDPLITE) {
		if (!sum || (covered && (covered < 8 || covered > bytes)))
			return 0;
	} else {
		if ((covered > bytes && !p->fragmented) || covered < 8)
			return 0;
		if (sum && arrived_damaged(skb, p, 6))
			return 0;
	}
	if (!known)
		c->stream = p->now + 2 * p->config.hz;
	if (!(c->status & CT_SEEN_REPLY)) {
		refresh(p, c, TIMEOUT_JIFFIES(TIMEOUT_UDP));
	} else if (p->now > c->stream) {
		refresh(p, c, TIMEOUT_JIFFIES(TIMEOUT_UDP_STREAM));
		c->status |= CT_ASSURED;
	} else {
		refresh(p, c, TIMEOUT_JIFFIES(TIMEOUT_UDP));
	}
	return 1;
}

/* Returns TRACK_*. */
static __always_inline int track_protocol(struct __sk_buff *skb, struct packet *p, struct connection *c, int known,
					  int reply)
{
	__u32 protocol = p->f[F_PROTO];

	switch (protocol) {
	case PROTOCOL_TCP:
		return track_tcp(skb, p, c, known, reply);
	case PROTOCOL_SCTP:
		return track_sctp(skb, p, c, known, reply);
	case PROTOCOL_UDP:
	case PROTOCOL_UDPLITE:
		return track_udp(skb, p, c, known) ? TRACK_ACCEPT : TRACK_INVALID;
	case PROTOCOL_ICMP:
		if (p->family != 4 || (!known && reply))
			return TRACK_INVALID;
		refresh(p, c, TIMEOUT_JIFFIES(TIMEOUT_ICMP));
		return TRACK_ACCEPT;
	case PROTOCOL_ICMPV6:
		if (p->family != 6 || (!known && reply))
			return TRACK_INVALID;
		refresh(p, c, TIMEOUT_JIFFIES(TIMEOUT_ICMPV6));
		return TRACK_ACCEPT;
	case PROTOCOL_GRE:
		if (c->status & CT_SEEN_REPLY) {
			c->status |= CT_ASSURED;
			refresh(p, c, TIMEOUT_JIFFIES(TIMEOUT_GRE_STREAM));
		} else {
			refresh(p, c, TIMEOUT_JIFFIES(TIMEOUT_GRE));
		}
		return TRACK_ACCEPT;
	}
	refresh(p, c, TIMEOUT_JIFFIES(TIMEOUT_GENERIC));
	return TRACK_ACCEPT;
}

/*
 * Finds or begins the packet's connection and sets F_CT. With p->peek set it is looked up and nothing more.
 */
__attribute__((noinline)) int track(struct __sk_buff *skb, struct packet *p)
{
	struct connection *c;
	struct tuple t;
	int turned, known, reply;

	if (!p)
		return 0;
	p->result.state = p->untracked ? STATE_UNTRACKED : STATE_INVALID;
	if (p->untracked)
		return 0;
	if (p->f[F_PROTO] == FIELD_PROTO_NONE || p->f[F_PROTO] == NO_NEXT_HEADER || p->f[F_FRAG] || p->l4 > p->end)
		return 0;
	if (p->f[F_PROTO] == (p->family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6) && track_icmp(skb, p))
		return 0;
	if (!packet_tuple(p, &t))
		return 0;
	turned = make_key(&t, &p->key);
	if (turned < 0)
		return 0;
	c = find_connection(p);
	if (!c && p->peek)
		return 0;
	known = !!c;
	if (known) {
		reply = turned != !!(c->status & CT_REPLY_FIRST);
		if (!p->peek) {
			int outcome = track_protocol(skb, p, c, 1, reply);

			if (outcome == TRACK_INVALID)
				return 0;
			if (outcome == TRACK_REPEAT || outcome == TRACK_GONE)
				forget_connection(p);
			known = outcome != TRACK_REPEAT;
			if (known && reply)
				c->status |= CT_SEEN_REPLY;
		}
		if (known) {
			__u32 state = reply || c->status & CT_SEEN_REPLY ? STATE_ESTABLISHED : STATE_NEW;

			set_state(p, c, state, reply, 1);
			return 0;
		}
	}
	/* A connection begins, or begins anew in place of a closed one. */
	c = &p->pending;
	__builtin_memset(c, 0, sizeof(*c));
	reply = 0;
	if (t.protocol == PROTOCOL_ICMP || t.protocol == PROTOCOL_ICMPV6)
		reply = turned;
	else if (turned || is_mirror(&t))
		c->status = CT_REPLY_FIRST;
	if (track_protocol(skb, p, c, 0, reply) != TRACK_ACCEPT)
		return 0;
	p->confirm = 1;
	set_state(p, c, STATE_NEW, 0, 0);
	return 0;
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
