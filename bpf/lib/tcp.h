/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The TCP states of net/netfilter/nf_conntrack_proto_tcp.c nf_conntrack_tcp_packet, without window tracking:
 * sequence numbers count as inside, a RST closes whatever its number, lifetimes are those of the state. The
 * transitions are data (table header), from src/ruleset/evaluate/conntrack/tcp-state.ts.
 */
#ifndef IPT2EBPF_TCP_H
#define IPT2EBPF_TCP_H

#include "checksum.h"
#include "maps.h"
#include "parse.h"

#define FLAG_FIN 1
#define FLAG_SYN 2
#define FLAG_RST 4
#define FLAG_ACK 16
#define FLAG_URG 32

enum track_outcome {
	TRACK_ACCEPT,
	TRACK_INVALID,
	TRACK_REPEAT, /* the entry is of a closed connection: forget it and begin anew */
	TRACK_GONE, /* accepted, and the entry is to be forgotten */
};

static __always_inline __u32 segment_kind(__u32 flags)
{
	if (flags & FLAG_RST)
		return SEGMENT_RST;
	if (flags & FLAG_SYN)
		return flags & FLAG_ACK ? SEGMENT_SYNACK : SEGMENT_SYN;
	if (flags & FLAG_FIN)
		return SEGMENT_FIN;
	return flags & FLAG_ACK ? SEGMENT_ACK : SEGMENT_NONE;
}

/* Combinations a TCP may send; PSH, ECE and CWR go with any. */
static __always_inline int flags_sane(__u32 flags)
{
	switch (flags & (FLAG_FIN | FLAG_SYN | FLAG_RST | FLAG_ACK | FLAG_URG)) {
	case FLAG_SYN:
	case FLAG_SYN | FLAG_URG:
	case FLAG_SYN | FLAG_ACK:
	case FLAG_RST:
	case FLAG_RST | FLAG_ACK:
	case FLAG_FIN | FLAG_ACK:
	case FLAG_FIN | FLAG_ACK | FLAG_URG:
	case FLAG_ACK:
	case FLAG_ACK | FLAG_URG:
		return 1;
	}
	return 0;
}

static __always_inline __u32 next_state(__u32 reply, __u32 kind, __u32 state)
{
	__u32 word = T(TABLE_TCP_NEXT + 2 * (reply * 6 + kind) + ((state >> 3) & 1));

	return (word >> (4 * (state & 7))) & 15;
}

static __always_inline void set_timeout(struct packet *p, struct connection *c, __u32 state, int unacknowledged)
{
	__u64 lifetime = T(TABLE_TIMEOUT + TIMEOUT_TCP + state), most = T(TABLE_TIMEOUT + TIMEOUT_TCP_UNACK);

	c->expires = p->now + (unacknowledged && lifetime > most ? most : lifetime);
}

/* `c` is the entry in the map, or the pending one of a connection that begins (known 0). */
__attribute__((noinline)) int track_tcp(struct __sk_buff *skb, struct packet *p, struct connection *c, int known,
					int reply)
{
	__u32 bytes, header, flags, kind, old, next;

	if (!p || !c)
		return TRACK_INVALID;
	bytes = p->end - p->l4;
	header = (l4_8(p, 12) >> 4) * 4;
	flags = l4_8(p, 13);
	kind = segment_kind(flags);
	if (p->f[F_AVAIL] < 20 || header < 20 || header > bytes)
		return TRACK_INVALID;
	if (arrived_damaged(skb, p, 16) || !flags_sane(flags))
		return TRACK_INVALID;
	if (!known) {
		__u32 first = next_state(0, kind, TCP_NONE);

		if (first == TCP_INVALID || (first != TCP_SYN_SENT && !p->config.tcp_loose))
			return TRACK_INVALID;
		c->last_segment = SEGMENT_NONE;
	}
	old = c->tcp_state & 15;
	next = next_state(reply, kind, old);
	if (next == TCP_SYN_SENT && (old == TCP_TIME_WAIT || old == TCP_CLOSE)) {
		if (c->tcp_flags & CT_TCP_CLOSE_INIT ||
		    (c->last_reply == reply && c->last_segment == SEGMENT_RST))
			return TRACK_REPEAT;
		next = TCP_IGNORE;
	}
	if (next == TCP_INVALID)
		return TRACK_INVALID;
	if (next == TCP_IGNORE) {
		if (!(kind == SEGMENT_SYNACK && c->last_segment == SEGMENT_SYN && c->last_reply != reply &&
		      l4_32(p, 8) == c->last_end)) {
			c->last_segment = kind;
			c->last_reply = reply;
			c->last_end = l4_32(p, 4) + bytes - header + !!(flags & FLAG_SYN) + !!(flags & FLAG_FIN);
			if (kind == SEGMENT_SYN && !reply) {
				c->tcp_flags &= ~(CT_TCP_CHALLENGE | CT_TCP_SIMULTANEOUS);
				if (old == TCP_LAST_ACK)
					c->tcp_flags |= CT_TCP_CHALLENGE;
			}
			return TRACK_ACCEPT;
		}
		/* It acknowledges a SYN that was ignored before: both ends agree, and the entry follows them. */
		next = TCP_SYN_RECV;
		c->tcp_flags &= ~(CT_TCP_CHALLENGE | CT_TCP_CLOSE_INIT);
	} else if (next == TCP_TIME_WAIT && old == TCP_LAST_ACK) {
		if (kind == SEGMENT_ACK && c->last_reply != reply && c->last_segment == SEGMENT_SYN &&
		    c->tcp_flags & CT_TCP_CHALLENGE) {
			c->tcp_flags &= ~CT_TCP_CHALLENGE;
			return TRACK_ACCEPT;
		}
	} else if (next == TCP_SYN_SENT2) {
		c->tcp_flags |= CT_TCP_SIMULTANEOUS;
	} else if (next == TCP_SYN_RECV && reply && kind == SEGMENT_ACK && c->tcp_flags & CT_TCP_SIMULTANEOUS) {
		next = TCP_ESTABLISHED;
	}
	c->last_segment = kind;
	c->last_reply = reply;
	c->tcp_state = next;
	if (old != next && next == TCP_FIN_WAIT)
		c->tcp_flags |= CT_TCP_CLOSE_INIT;
	if (!(c->status & CT_SEEN_REPLY)) {
		/* Refused before anything was answered: not worth remembering. */
		if (kind == SEGMENT_RST)
			return TRACK_GONE;
		if (kind == SEGMENT_SYN && old == TCP_SYN_SENT)
			return TRACK_ACCEPT;
		set_timeout(p, c, next, next == TCP_ESTABLISHED);
		return TRACK_ACCEPT;
	}
	if (!(c->status & CT_ASSURED) && (old == TCP_SYN_RECV || old == TCP_ESTABLISHED) &&
	    next == TCP_ESTABLISHED)
		c->status |= CT_ASSURED;
	set_timeout(p, c, next, 0);
	return TRACK_ACCEPT;
}

#endif
