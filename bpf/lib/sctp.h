/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SCTP associations with the meaning of net/netfilter/nf_conntrack_proto_sctp.c: chunks, verification tags
 * (RFC 9260 section 8.5), CRC-32c. Transitions are data, from src/ruleset/evaluate/conntrack/sctp-state.ts.
 */
#ifndef IPT2EBPF_SCTP_H
#define IPT2EBPF_SCTP_H

#include "checksum.h"
#include "maps.h"
#include "parse.h"
#include "tcp.h"

#define SCTP_HEADER 12
#define CHUNK_DATA 0
#define CHUNK_INIT 1
#define CHUNK_INIT_ACK 2
#define CHUNK_HEARTBEAT 4
#define CHUNK_HEARTBEAT_ACK 5
#define CHUNK_ABORT 6
#define CHUNK_SHUTDOWN_ACK 8
#define CHUNK_COOKIE_ECHO 10
#define CHUNK_COOKIE_ACK 11
#define CHUNK_SHUTDOWN_COMPLETE 14
/* Chunks of a packet looked at; more are a full packet of the smallest ones. */
#define CHUNK_MASK (PACKET_CHUNKS - 1)

/* Takes one piece of the frame into p->crc. The checksum's own bytes, in the first piece, count as zero. */
__attribute__((noinline)) int crc_piece(struct __sk_buff *skb, struct packet *p, __u32 at, __u32 bytes, int first)
{
	if (!p || !bytes || bytes > SUM_BYTES)
		return 0;
	if (bpf_skb_load_bytes(skb, at - p->missing, p->sum, bounded(bytes, SUM_BYTES - 1)))
		return 0;
	if (first)
		*(__u32 *)&p->sum[8] = 0;
	for (__u32 i = 0; i < SUM_BYTES; i++) {
		if (i >= bytes)
			break;
		__u32 crc = AFRESH(p->crc);

		p->crc = T(T(TABLE_CRC) + ((crc ^ p->sum[i]) & 255)) ^ (crc >> 8);
	}
	return 0;
}

/* Returns 1 when the packet is damaged. */
__attribute__((noinline)) int crc_wrong(struct __sk_buff *skb, struct packet *p)
{
	if (!p || !p->config.checksum || skb->gso_size || bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY) >= 0)
		return 0;
	p->cursor = p->l4;
	p->left = p->end - p->l4;
	p->crc = 0xffffffff;
	for (int i = 0; i < SUM_PIECES; i++) {
		__u32 left = AFRESH(p->left), at = AFRESH(p->cursor);
		__u32 piece = left < SUM_BYTES ? left : SUM_BYTES;

		if (!left)
			break;
		crc_piece(skb, p, at, piece, !i);
		p->cursor = at + piece;
		p->left = left - piece;
	}
	/* Stored least significant byte first. */
	return ~AFRESH(p->crc) != bpf_htonl(l4_32(p, 8));
}

/* Chunk types of the packet as bits, its chunks into p->chunks. Returns 0 where they cannot stand together. */
__attribute__((noinline)) int read_chunks(struct __sk_buff *skb, struct packet *p)
{
	__u32 alone = 0, count = 0;
	__u8 head[4];

	if (!p)
		return 0;
	p->cursor = p->l4 + SCTP_HEADER;
	p->chunk_types = 0;
	for (int i = 0; i < PACKET_CHUNKS; i++) {
		__u32 at = AFRESH(p->cursor), length, first;

		if (at + 4 > AFRESH(p->end))
			break;
		if (bpf_skb_load_bytes(skb, at - p->missing, head, 4))
			return 0;
		length = head[2] << 8 | head[3];
		if (head[0] == CHUNK_INIT || head[0] == CHUNK_INIT_ACK || head[0] == CHUNK_SHUTDOWN_COMPLETE)
			alone = 1;
		first = alone || head[0] == CHUNK_COOKIE_ACK || head[0] == CHUNK_COOKIE_ECHO;
		if ((first && i) || !length)
			return 0;
		p->chunks[i & CHUNK_MASK] = head[0] | head[1] << 8 | at << 16;
		if (head[0] < 16)
			p->chunk_types |= 1 << head[0];
		count++;
		p->cursor = at + ((length + 3) & ~3u);
	}
	p->chunk_count = count;
	return count > 0;
}

static __always_inline __u32 load_tag(struct __sk_buff *skb, struct packet *p, __u32 at, int *short_of)
{
	__u32 tag = 0;

	if (bpf_skb_load_bytes(skb, at - p->missing, &tag, 4))
		*short_of = 1;
	return bpf_ntohl(tag);
}

static __always_inline __u32 next_association(__u32 reply, __u32 type, __u32 state)
{
	if (type > 15)
		return state;
	return (T(T(TABLE_SCTP_NEXT) + 2 * (reply * 16 + type) + ((state >> 3) & 1)) >> (4 * (state & 7))) & 15;
}

/* What a first packet may begin. Returns 0 for none. */
static __always_inline int new_association(struct __sk_buff *skb, struct packet *p, struct connection *c, __u32 tag)
{
	for (__u32 i = 0; i < PACKET_CHUNKS; i++) {
		if (i >= AFRESH(p->chunk_count))
			break;
		__u32 chunk = p->chunks[i & CHUNK_MASK], type = chunk & 255, at = chunk >> 16;
		__u32 next = next_association(0, type, SCTP_NONE);
		int short_of = 0;

		if (next == SCTP_NONE || next == SCTP_INVALID)
			return 0;
		if (type == CHUNK_INIT) {
			if (tag || at + 20 > AFRESH(p->end))
				return 0;
			c->tags[1] = load_tag(skb, p, at + 4, &short_of);
			if (short_of)
				return 0;
		} else if (type == CHUNK_HEARTBEAT) {
			c->tags[0] = tag;
		} else if (type == CHUNK_SHUTDOWN_ACK) {
			c->tags[1] = tag;
		}
	}
	return 1;
}

/* Heartbeats carry the tag of a path whose handshake was not seen. Returns 0 for invalid, 2 to skip the chunk. */
static __always_inline int heartbeat(struct packet *p, struct connection *c, __u32 type, __u32 tag, __u32 reply)
{
	__u32 other = !reply, known = reply ? c->tags[1] : c->tags[0];

	if (!known) {
		c->tags[reply & 1] = tag;
	} else if (tag == known) {
		c->tcp_flags &= ~CT_SCTP_HEARTBEAT_FAILED;
	} else {
		if (p->chunk_types & 1 << CHUNK_DATA || p->keep)
			return 0;
		if (type == CHUNK_HEARTBEAT) {
			c->tcp_flags |= CT_SCTP_HEARTBEAT_FAILED;
			c->last_reply = reply;
			return 2;
		}
		if (!(c->tcp_flags & CT_SCTP_HEARTBEAT_FAILED) || c->last_reply == reply)
			return 0;
		c->tcp_flags &= ~CT_SCTP_HEARTBEAT_FAILED;
		c->tags[reply & 1] = tag;
		c->tags[other & 1] = 0;
	}
	return 1;
}

/* INIT and INIT ACK tell the tag of the other direction. Returns 0 for invalid. */
static __always_inline int handshake(struct connection *c, __u32 type, __u32 init, __u32 old, __u32 reply)
{
	__u32 other = !reply, known = reply ? c->tags[0] : c->tags[1];
	__u32 mine = CT_SCTP_INIT_SEEN << (reply & 1), theirs = CT_SCTP_INIT_SEEN << (other & 1);

	if (type == CHUNK_INIT) {
		if (old == SCTP_NONE || known != init) {
			if (c->tcp_flags & mine && c->tcp_flags & theirs)
				c->tcp_flags &= ~theirs;
			c->tcp_flags |= mine;
		}
	} else {
		if (!(c->tcp_flags & theirs) && known && known != init)
			return 0;
		if (c->tcp_flags & mine && c->tcp_flags & theirs && known != init)
			return 0;
	}
	c->tags[other & 1] = init;
	return 1;
}

#define TAG_JUDGED_LATER                                                                                    \
	(1 << CHUNK_INIT | 1 << CHUNK_SHUTDOWN_COMPLETE | 1 << CHUNK_COOKIE_ECHO | 1 << CHUNK_ABORT |           \
	 1 << CHUNK_SHUTDOWN_ACK | 1 << CHUNK_HEARTBEAT | 1 << CHUNK_HEARTBEAT_ACK)

/* Judges chunk `i` of the packet. Returns 0 for invalid. Global: the verifier looks at one chunk, not at 32. */
__attribute__((noinline)) int track_chunk(struct __sk_buff *skb, struct packet *p, struct connection *c, __u32 i,
					  int reply)
{
	__u32 chunk, type, at, tag, mine, other, old, next;

	if (!p || !c)
		return 0;
	chunk = p->chunks[i & CHUNK_MASK];
	type = chunk & 255;
	at = chunk >> 16;
	tag = l4_32(p, 4);
	mine = reply ? c->tags[1] : c->tags[0];
	other = reply ? c->tags[0] : c->tags[1];
	if (type == CHUNK_INIT && tag)
		return 0;
	if ((type == CHUNK_ABORT || type == CHUNK_SHUTDOWN_COMPLETE) && tag != (chunk & 0x100 ? other : mine))
		return 0;
	if (type == CHUNK_COOKIE_ECHO && tag != mine)
		return 0;
	if (type == CHUNK_COOKIE_ACK)
		c->tcp_flags &= ~(CT_SCTP_INIT_SEEN | CT_SCTP_INIT_SEEN << 1);
	if (type == CHUNK_HEARTBEAT || type == CHUNK_HEARTBEAT_ACK) {
		int outcome = heartbeat(p, c, type, tag, reply);

		if (!outcome)
			return 0;
		if (outcome == 2) {
			p->keep = 1;
			return 1;
		}
	}
	old = c->tcp_state & 15;
	next = next_association(reply, type, old);
	if (next == SCTP_INVALID)
		return 0;
	if (type == CHUNK_INIT || type == CHUNK_INIT_ACK) {
		int short_of = at + 20 > p->end;
		__u32 init = load_tag(skb, p, at + 4, &short_of);

		if (short_of || !handshake(c, type, init, old, reply))
			return 0;
		if (type == CHUNK_INIT && next == SCTP_CLOSED && old == SCTP_CLOSED)
			p->keep = 1;
	}
	c->tcp_state = next;
	if (old != next && next == SCTP_ESTABLISHED)
		c->status |= CT_ASSURED;
	return 1;
}

/* Returns TRACK_*. As track_tcp. */
__attribute__((noinline)) int track_sctp(struct __sk_buff *skb, struct packet *p, struct connection *c, int known,
					 int reply)
{
	__u32 tag;

	if (!p || !c)
		return TRACK_INVALID;
	if (p->f[F_AVAIL] < SCTP_HEADER || (!p->egress && !p->fragmented && crc_wrong(skb, p)))
		return TRACK_INVALID;
	if (!read_chunks(skb, p))
		return TRACK_INVALID;
	tag = l4_32(p, 4);
	if (!known) {
		if (p->chunk_types & (1 << CHUNK_ABORT | 1 << CHUNK_SHUTDOWN_COMPLETE | 1 << CHUNK_COOKIE_ACK))
			return TRACK_INVALID;
		if (!new_association(skb, p, c, tag))
			return TRACK_INVALID;
	}
	if (!(p->chunk_types & TAG_JUDGED_LATER) && tag != (reply ? c->tags[1] : c->tags[0]))
		return TRACK_INVALID;
	p->keep = 0;
	for (__u32 i = 0; i < PACKET_CHUNKS; i++) {
		if (i >= AFRESH(p->chunk_count))
			break;
		if (!track_chunk(skb, p, c, i, reply))
			return TRACK_INVALID;
	}
	if (!p->keep)
		c->expires = p->now + T(TABLE_TIMEOUT + TIMEOUT_SCTP + (c->tcp_state & 15));
	return TRACK_ACCEPT;
}

#endif
