/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Answers of REJECT (net/ipv4/netfilter/nf_reject_ipv4.c, net/ipv6/netfilter/nf_reject_ipv6.c, net/ipv4/icmp.c):
 * the rejected frame is rewritten into the answer and redirected, out of the interface it came in by, or, for
 * a packet of this host, to lo. Nothing answers a RST, a damaged packet, a later fragment, a broadcast, a
 * multicast or an ICMP error; ICMP is rate-limited. Answers pass OUTPUT on their way out, RELATED to what they
 * answer, where they may be rejected and answered in turn; those to this host are then judged as what comes in by
 * lo. But the stack takes a packet from another
 * host's address on lo only where the route is found already: what was rejected on its way to another interface
 * is answered in the name of its destination, and enters the stack by that interface.
 */
#ifndef IPT2EBPF_REJECT_H
#define IPT2EBPF_REJECT_H

#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include "checksum.h"
#include "conntrack.h"
#include "maps.h"
#include "route.h"

/*
 * skb->priority of an answer on its way out, with the F_CT it is judged by in the low byte: 0 where the packet
 * it answers has no connection (nf_conntrack_core.c nf_conntrack_attach).
 */
#define PRIORITY_ANSWER 0xa15e0000
#define PRIORITY_ANSWER_MASK 0xfffffe00
/* The answer is in the name of another host: skb->tc_index is the interface that leads there. */
#define PRIORITY_ANSWER_ASTRAY 0x100
#define ANSWER_TTL 64
/* An ICMP error and all it quotes: 576 bytes from IPv4, the minimum MTU from IPv6. */
#define ICMP4_BYTES 576
#define ICMP6_BYTES 1280
#define ICMP_BURST 50
#define ICMP_PER_SECOND 1000

static __always_inline int is_multicast(struct packet *p, __u32 field)
{
	return p->family == 4 ? p->f[field] >> 28 == 0xe || p->f[field] == 0xffffffff : p->f[field] >> 24 == 0xff;
}

/* The global bucket of net/ipv4/icmp.c icmp_global_allow: the last of map `limits`. Replays want every answer. */
static __always_inline int icmp_allowed(struct packet *p)
{
	__u32 index = LIMITS - 1, hz = p->config.hz ? p->config.hz : 1, now = (__u32)p->now;
	__u64 *bucket = bpf_map_lookup_elem(&limits, &index);
	__u64 seen, credit;

	if (p->config.record)
		return 1;
	if (p->config.unlimited)
		return 1;
	if (!bucket)
		return 0;
	seen = *(volatile __u64 *)bucket;
	/* Credit in jiffies times messages a second. */
	credit = seen ? (seen >> 32) + (__u64)(now - (__u32)seen) * ICMP_PER_SECOND : (__u64)ICMP_BURST * hz;
	if (credit > (__u64)ICMP_BURST * hz)
		credit = (__u64)ICMP_BURST * hz;
	if (credit < hz)
		return 0;
	return __sync_val_compare_and_swap(bucket, seen, (credit - hz) << 32 | now) == seen;
}

static __always_inline void put16(struct packet *p, __u32 at, __u32 value)
{
	*(__u16 *)&p->sum[at] = bpf_htons(value);
}

static __always_inline void put32(struct packet *p, __u32 at, __u32 value)
{
	*(__u32 *)&p->sum[at] = bpf_htonl(value);
}

/* Ethernet and IP headers of the answer into p->sum, which is sent from byte 2 on. Returns the IP header's size. */
static __always_inline __u32 put_headers(struct packet *p, __u32 payload, __u32 protocol, __u32 source4)
{
	const __u32 ip = HEAD_START + ETH_HLEN;

	for (int i = 0; i < 6; i++) {
		p->sum[HEAD_START + i] = p->head[HEAD_START + 6 + i];
		p->sum[HEAD_START + 6 + i] = p->head[HEAD_START + i];
	}
	if (p->family == 4) {
		__u32 sum = 0;

		put16(p, ip - 2, ETH_P_IP);
		put32(p, ip, 0x45000000 | (20 + payload));
		put32(p, ip + 4, protocol == PROTOCOL_TCP ? 0x4000 : 0);
		put32(p, ip + 8, ANSWER_TTL << 24 | protocol << 16);
		put32(p, ip + 12, source4);
		put32(p, ip + 16, p->f[F_SRC0]);
		for (int i = 0; i < 20; i += 2)
			sum += bpf_ntohs(*(__u16 *)&p->sum[ip + i]);
		put16(p, ip + 10, ~fold(sum) & 0xffff);
		return 20;
	}
	put16(p, ip - 2, ETH_P_IPV6);
	put32(p, ip, 0x60000000);
	put32(p, ip + 4, payload << 16 | protocol << 8 | ANSWER_TTL);
	for (int i = 0; i < 4; i++) {
		put32(p, ip + 8 + 4 * i, p->f[F_DST0 + i]);
		put32(p, ip + 24 + 4 * i, p->f[F_SRC0 + i]);
	}
	return 40;
}

/* The pseudo header's sum of an answer: the rejected packet's addresses the other way round. */
static __always_inline __u32 answer_sum(struct packet *p, __u32 bytes, __u32 protocol)
{
	__u64 sum = protocol + bytes;

	for (int i = 0; i < 4; i++) {
		if (i && p->family == 4)
			break;
		sum += (p->f[F_SRC0 + i] >> 16) + (p->f[F_SRC0 + i] & 0xffff);
		sum += (p->f[F_DST0 + i] >> 16) + (p->f[F_DST0 + i] & 0xffff);
	}
	return fold(sum);
}

/*
 * The stack writes into the options of what it receives (routes, times, zeroes behind the end of the list), and
 * that spoils the sum that is taken before a RST is sent: no RST then, unless connection tracking has summed the
 * packet before.
 */
__attribute__((noinline)) int options_rewritten(struct packet *p)
{
	__u32 ended = 0;

	if (!p)
		return 0;
	p->cursor = ETH_HLEN + 20;
	for (int i = 0; i < 40; i++) {
		__u32 at = AFRESH(p->cursor);

		if (at >= AFRESH(p->l4))
			break;
		__u32 kind = head8(p, at), length = head8(p, at + 1), pointer = head8(p, at + 2);

		if (ended && kind)
			return 1;
		if (kind <= 1) {
			ended |= !kind;
			p->cursor = at + 1;
			continue;
		}
		if (kind == 7 && pointer <= length)
			return 1;
		if (kind == 68 && (pointer <= length || (head8(p, at + 3) & 0xf) != 3))
			return 1;
		p->cursor = at + length;
	}
	return 0;
}

/* Returns 1 when the frame now holds the RST. */
__attribute__((noinline)) int answer_reset(struct __sk_buff *skb, struct packet *p)
{
	__u32 flags, ip, bytes, sum;

	if (!p || p->f[F_PROTO] != PROTOCOL_TCP || p->f[F_FRAG] || p->f[F_AVAIL] < 20)
		return 0;
	flags = l4_8(p, 13);
	if (flags & FLAG_RST || checksum_wrong(skb, p, 16))
		return 0;
	if (p->config.checksum && !p->egress && p->family == 4 && p->l4 > ETH_HLEN + 20 &&
	    (p->result.state == STATE_NONE || p->result.state == STATE_UNTRACKED) && options_rewritten(p))
		return 0;

	__u32 length = p->end - p->l4 - (l4_8(p, 12) >> 4) * 4;
	__u32 sequence = flags & FLAG_ACK ? l4_32(p, 8) : 0;
	__u32 acknowledged = flags & FLAG_ACK ? 0 : l4_32(p, 4) + length + !!(flags & FLAG_SYN) + !!(flags & FLAG_FIN);

	ip = put_headers(p, 20, PROTOCOL_TCP, p->f[F_DST0]);
	__u32 at = HEAD_START + ETH_HLEN + (ip == 20 ? 20 : 40);

	put16(p, at, p->f[F_DPORT]);
	put16(p, at + 2, p->f[F_SPORT]);
	put32(p, at + 4, sequence);
	put32(p, at + 8, acknowledged);
	put16(p, at + 12, 0x5000 | FLAG_RST | (flags & FLAG_ACK ? 0 : FLAG_ACK));
	put32(p, at + 14, 0);
	put16(p, at + 18, 0);
	sum = answer_sum(p, 20, PROTOCOL_TCP);
	for (int i = 0; i < 20; i += 2)
		sum += bpf_ntohs(*(__u16 *)&p->sum[at + i]);
	put16(p, at + 16, ~fold(sum) & 0xffff);
	bytes = ip == 20 ? ETH_HLEN + 40 : ETH_HLEN + 60;
	if (bpf_skb_change_tail(skb, bytes, 0))
		return 0;
	if (ip == 20)
		return !bpf_skb_store_bytes(skb, 0, &p->sum[HEAD_START], ETH_HLEN + 40, 0);
	return !bpf_skb_store_bytes(skb, 0, &p->sum[HEAD_START], ETH_HLEN + 60, 0);
}

/* ICMP type << 8 | code of a REJECT_* kind. */
static __always_inline __u32 icmp_kind(__u32 kind)
{
	switch (kind) {
	case REJECT_ICMP_NET_UNREACHABLE:
		return 0x300;
	case REJECT_ICMP_HOST_UNREACHABLE:
		return 0x301;
	case REJECT_ICMP_PROTO_UNREACHABLE:
		return 0x302;
	case REJECT_ICMP_NET_PROHIBITED:
		return 0x309;
	case REJECT_ICMP_HOST_PROHIBITED:
		return 0x30a;
	case REJECT_ICMP_ADMIN_PROHIBITED:
		return 0x30d;
	case REJECT_ICMP6_NO_ROUTE:
		return 0x100;
	case REJECT_ICMP6_ADM_PROHIBITED:
		return 0x101;
	case REJECT_ICMP6_ADDR_UNREACHABLE:
		return 0x103;
	case REJECT_ICMP6_PORT_UNREACHABLE:
		return 0x104;
	case REJECT_ICMP6_POLICY_FAIL:
		return 0x105;
	case REJECT_ICMP6_REJECT_ROUTE:
		return 0x106;
	}
	return 0x303;
}

/* No answer to ICMP errors and unknown types (RFC 1122 section 3.2.2, RFC 4443 section 2.4). */
static __always_inline int is_icmp_error(struct packet *p)
{
	__u32 type = p->f[F_SPORT] >> 8;

	if (p->f[F_PROTO] == PROTOCOL_ICMP && p->family == 4)
		return !p->f[F_AVAIL] || type > 18 || type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
	return p->f[F_PROTO] == PROTOCOL_ICMPV6 && p->family == 6 && type < 128;
}

/* nf_reject_verify_csum: protocols whose own checksum is not looked at are answered as they are. */
static __always_inline int is_damaged(struct __sk_buff *skb, struct packet *p)
{
	if (p->family == 6 && (p->f[F_PROTO] == FIELD_PROTO_NONE || p->l4 >= p->end))
		return 1;
	switch (p->f[F_PROTO]) {
	case PROTOCOL_UDP:
		return (p->f[F_AVAIL] < 8 || l4_16(p, 6)) && checksum_wrong(skb, p, 6);
	case PROTOCOL_GRE:
	case 50: /* ESP */
	case 51: /* AH */
	case PROTOCOL_SCTP:
	case PROTOCOL_UDPLITE:
		return 0;
	case PROTOCOL_TCP:
		return checksum_wrong(skb, p, 16);
	}
	return checksum_wrong(skb, p, 2);
}

/* Returns 1 when the frame now holds the ICMP error. */
__attribute__((noinline)) int answer_icmp(struct __sk_buff *skb, struct packet *p)
{
	__u32 kind, ip, most, quoted, room;

	if (!p || p->f[F_FRAG] || is_icmp_error(p) || is_damaged(skb, p) || !icmp_allowed(p))
		return 0;
	kind = icmp_kind(p->result.reject);
	ip = p->family == 4 ? 20 : 40;
	most = p->family == 4 ? ICMP4_BYTES : ICMP6_BYTES;
	quoted = p->end - p->l3;
	if (quoted > most - ip - 8)
		quoted = most - ip - 8;
	room = ip + 8;
	if (bpf_skb_change_tail(skb, ETH_HLEN + quoted, 0))
		return 0;
	/* The quoted packet is summed where it is, before it moves. */
	__u32 total = sum_frame(skb, p, ETH_HLEN, quoted) + kind;
	__u32 source4 = T(T(TABLE_SOURCES) + (p->egress ? 0 : interface_id(p->ifindex)));

	/* An own address answers for itself; for others, this host does. */
	if (p->result.hook != HOOK_FORWARD || !source4)
		source4 = p->f[F_DST0];
	if (bpf_skb_adjust_room(skb, room, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return 0;
	put_headers(p, 8 + quoted, p->family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6, source4);
	if (p->family == 4) {
		put32(p, HEAD_START + ETH_HLEN + 20, kind << 16);
		put32(p, HEAD_START + ETH_HLEN + 24, 0);
		put16(p, HEAD_START + ETH_HLEN + 22, ~fold(total) & 0xffff);
		return !bpf_skb_store_bytes(skb, 0, &p->sum[HEAD_START], ETH_HLEN + 28, 0);
	}
	total += answer_sum(p, 8 + quoted, PROTOCOL_ICMPV6);
	put32(p, HEAD_START + ETH_HLEN + 40, kind << 16);
	put32(p, HEAD_START + ETH_HLEN + 44, 0);
	put16(p, HEAD_START + ETH_HLEN + 42, ~fold(total) & 0xffff);
	return !bpf_skb_store_bytes(skb, 0, &p->sum[HEAD_START], ETH_HLEN + 48, 0);
}

/* RELATED to the rejected packet's connection, in the other direction. */
static __always_inline __u32 answer_state(struct packet *p)
{
	__u32 ct = p->f[F_CT];

	if (!(ct & CTF_TRACKED))
		return 0;
	return ((ct & ~CTF_STATE_MASK) ^ CTF_REPLY) | STATE_RELATED;
}

/* Answers the rejected packet where it may be answered. Returns the action code. */
static __always_inline int answer(struct __sk_buff *skb, struct packet *p)
{
	int reset = p->result.reject == REJECT_TCP_RESET, made;

	if (is_multicast(p, F_DST0) || is_multicast(p, F_SRC0))
		return TC_ACT_SHOT;
	/* No ICMP about a frame that went to many; a RST asks for the IP addresses only. */
	if (!reset && !p->egress && skb->pkt_type != PACKET_HOST)
		return TC_ACT_SHOT;
	if (p->family == 6 && !(p->f[F_SRC0] | p->f[F_SRC1] | p->f[F_SRC2] | p->f[F_SRC3]))
		return TC_ACT_SHOT;
	/* A RST goes to an anycast source, too, but not to who wrote to a broadcast address. */
	if (!(reset && p->family == 6) && classify(p, T(TABLE_UNANSWERED + (p->index & 1))))
		return TC_ACT_SHOT;
	made = reset ? answer_reset(skb, p) : answer_icmp(skb, p);
	if (!made)
		return TC_ACT_SHOT;
	if (reset)
		close_connection(p);
	leave_unconfirmed(p, CT_ANSWERED);
	p->result.answered = 1;
	skb->mark = 0;
	skb->priority = PRIORITY_ANSWER | answer_state(p);
	skb->tc_index = 0;
	p->output = p->ifindex;
	if (!p->egress && !p->loopback)
		return bpf_redirect(p->ifindex, 0);
	/* The sender is another host where a RST in a third one's name was rejected. */
	p->output = way_back(skb, p);
	if (p->output)
		return bpf_redirect_neigh(p->output, 0, 0, 0);
	p->output = p->config.loopback;
	if (!p->loopback) {
		skb->priority |= PRIORITY_ANSWER_ASTRAY;
		skb->tc_index = p->ifindex;
	}
	return bpf_redirect(p->config.loopback, 0);
}

#endif
