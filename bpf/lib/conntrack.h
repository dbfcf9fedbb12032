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
#include "connection.h"
#include "related.h"
#include "sctp.h"
#include "tcp.h"

#define NO_NEXT_HEADER 59

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

#endif
