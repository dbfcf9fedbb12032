/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a frame to the field vector: Ethernet, IPv4 with options, IPv6 with extension headers, the first
 * bytes of layer 4. What ip_rcv and ip6_rcv would refuse is told apart, so that no rule judges it and no
 * connection comes of it (net/ipv4/ip_input.c, net/ipv6/ip6_input.c, net/ipv6/exthdrs_core.c ipv6_find_hdr).
 */
#ifndef IPT2EBPF_PARSE_H
#define IPT2EBPF_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "packet.h"
#include "table.h"

enum parsed {
	PARSED_OTHER, /* not IP, or tagged: other programs' business */
	PARSED_IP,
	PARSED_REFUSED, /* the stack drops it before any hook */
};

#define IPV6_HEADERS 10 /* extension headers followed; more than any sane packet has */
#define EXT_HOP_BY_HOP 0
#define EXT_ROUTING 43
#define EXT_FRAGMENT 44
#define EXT_AUTH 51
#define EXT_NONE 59
#define EXT_DESTINATION 60

static __always_inline __u32 head8(struct packet *p, __u32 at)
{
	return p->head[(HEAD_START + at) & HEAD_MASK];
}

static __always_inline __u32 head16(struct packet *p, __u32 at)
{
	return bpf_ntohs(*(__u16 *)&p->head[(HEAD_START + at) & HEAD_MASK]);
}

static __always_inline __u32 head32(struct packet *p, __u32 at)
{
	return bpf_ntohl(*(__u32 *)&p->head[(HEAD_START + at) & HEAD_MASK]);
}

/* Layer 4, wherever it was loaded to. Only bytes below F_AVAIL mean something. */
static __always_inline __u32 l4_8(struct packet *p, __u32 at)
{
	return p->head[(p->l4_head + at) & HEAD_MASK];
}

static __always_inline __u32 l4_16(struct packet *p, __u32 at)
{
	return bpf_ntohs(*(__u16 *)&p->head[(p->l4_head + at) & HEAD_MASK]);
}

static __always_inline __u32 l4_32(struct packet *p, __u32 at)
{
	return bpf_ntohl(*(__u32 *)&p->head[(p->l4_head + at) & HEAD_MASK]);
}

/* Global functions, as all with a loop here: the verifier looks at each once. */
__attribute__((noinline)) int header_sum_wrong(struct packet *p, __u32 bytes)
{
	__u32 sum = 0;

	if (!p)
		return 1;
	for (__u32 i = 0; i < 60; i += 2) {
		if (i >= bytes)
			break;
		sum += head16(p, ETH_HLEN + i);
	}
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum != 0xffff;
}

/* F_* of the header at head[], once p->end is known. */
static __always_inline void fields_of_ipv4(struct packet *p)
{
	__u32 fragment = head16(p, ETH_HLEN + 6);

	p->l4 = ETH_HLEN + (head8(p, ETH_HLEN) & 15) * 4;
	p->f[F_SRC0] = head32(p, ETH_HLEN + 12);
	p->f[F_DST0] = head32(p, ETH_HLEN + 16);
	p->f[F_PROTO] = head8(p, ETH_HLEN + 9);
	p->f[F_TTL] = head8(p, ETH_HLEN + 8);
	p->f[F_LENGTH] = p->end - ETH_HLEN;
	p->f[F_FRAG] = fragment & 0x1fff;
	p->more_fragments = fragment & 0x2000;
	p->fragment_id = head16(p, ETH_HLEN + 4);
	p->fragmented = (fragment & 0x3fff) != 0;
}

/* The same, but for what stands behind extension headers. */
static __always_inline void fields_of_ipv6(struct packet *p)
{
	for (int i = 0; i < 4; i++) {
		p->f[F_SRC0 + i] = head32(p, ETH_HLEN + 8 + 4 * i);
		p->f[F_DST0 + i] = head32(p, ETH_HLEN + 24 + 4 * i);
	}
	p->f[F_TTL] = head8(p, ETH_HLEN + 7);
	/* As skb->len has it (net/netfilter/xt_length.c): nobody looks at what the header of a sent packet says. */
	p->f[F_LENGTH] = p->end - ETH_HLEN;
}

static __always_inline int parse_ipv4(struct packet *p, __u32 loaded)
{
	__u32 bytes = (head8(p, ETH_HLEN) & 15) * 4, total = head16(p, ETH_HLEN + 2);

	/* What a raw socket sends is judged whatever version it claims. */
	if ((!p->egress && head8(p, ETH_HLEN) >> 4 != 4) || bytes < 20 || ETH_HLEN + bytes > p->frame_length)
		return PARSED_REFUSED;
	if (!p->egress && p->config.checksum && header_sum_wrong(p, bytes))
		return PARSED_REFUSED;
	if (total < bytes || ETH_HLEN + total > p->frame_length)
		return PARSED_REFUSED;
	p->family = 4;
	p->index = 0;
	p->end = ETH_HLEN + total;
	fields_of_ipv4(p);
	return PARSED_IP;
}

static __always_inline int is_extension(__u32 header)
{
	return header == EXT_HOP_BY_HOP || header == EXT_ROUTING || header == EXT_FRAGMENT ||
	       header == EXT_AUTH || header == EXT_NONE || header == EXT_DESTINATION;
}

/* Copies bytes of the packet, `at` counted from the start of the frame; 0 when all are there. */
typedef long (*load_bytes)(void *source, struct packet *p, __u32 at, void *to, __u32 bytes);

static __always_inline long load_from_skb(void *skb, struct packet *p, __u32 at, void *to, __u32 bytes)
{
	return bpf_skb_load_bytes(skb, at - p->missing, to, bytes);
}

/* Fills F_PROTO, F_FRAG and p->l4. */
static __always_inline void walk_to_upper_layer(void *source, load_bytes load, struct packet *p)
{
	__u32 header, at;
	__u8 bytes[8];

	header = head8(p, ETH_HLEN + 6);
	p->cursor = ETH_HLEN + 40;
	p->f[F_FRAG] = 0;
	p->more_fragments = 0;
	p->fragmented = 0;
	for (int i = 0; i < IPV6_HEADERS; i++) {
		at = AFRESH(p->cursor);
		if (!is_extension(header) || header == EXT_NONE) {
			p->f[F_PROTO] = header;
			p->l4 = at;
			return;
		}
		if (at + 8 > p->end || load(source, p, at, bytes, 8))
			break;
		if (header == EXT_FRAGMENT) {
			__u32 offset = bytes[2] << 8 | bytes[3];

			p->fragmented = 1;
			p->more_fragments = offset & 1;
			p->f[F_FRAG] = offset >> 3;
			p->fragment_id = bytes[4] << 24 | bytes[5] << 16 | bytes[6] << 8 | bytes[7];
			if (offset >> 3) {
				p->f[F_PROTO] = is_extension(bytes[0]) && bytes[0] != EXT_NONE ?
							FIELD_PROTO_NONE : bytes[0];
				p->l4 = at + 8;
				return;
			}
			at += 8;
		} else {
			at += header == EXT_AUTH ? (bytes[1] + 2) * 4 : (bytes[1] + 1) * 8;
		}
		p->cursor = at;
		header = bytes[0];
	}
	p->f[F_PROTO] = FIELD_PROTO_NONE;
	p->l4 = p->cursor;
}

/* Global, so that the verifier walks it once. */
__attribute__((noinline)) int find_upper_layer(struct __sk_buff *skb, struct packet *p)
{
	if (p)
		walk_to_upper_layer(skb, load_from_skb, p);
	return 0;
}

static __always_inline int is_loopback6(struct packet *p, __u32 at)
{
	return !head32(p, at) && !head32(p, at + 4) && !head32(p, at + 8) && head32(p, at + 12) == 1;
}

/* All but what stands behind the fixed header. */
static __always_inline int parse_ipv6(struct packet *p, __u32 loaded)
{
	__u32 payload, hop_by_hop;

	if (loaded < ETH_HLEN + 40 || (!p->egress && head8(p, ETH_HLEN) >> 4 != 6))
		return PARSED_REFUSED;
	if (!p->loopback && !p->egress) {
		if (is_loopback6(p, ETH_HLEN + 8) || is_loopback6(p, ETH_HLEN + 24))
			return PARSED_REFUSED;
		if (head8(p, ETH_HLEN + 24) == 0xff && (head8(p, ETH_HLEN + 25) & 15) < 2)
			return PARSED_REFUSED;
		if (head8(p, ETH_HLEN + 8) == 0xff)
			return PARSED_REFUSED;
	}
	payload = head16(p, ETH_HLEN + 4);
	hop_by_hop = head8(p, ETH_HLEN + 6) == EXT_HOP_BY_HOP;
	p->end = ETH_HLEN + 40 + payload;
	/* A jumbogram says its length elsewhere (RFC 2675): all bytes at hand count. */
	if (!payload && hop_by_hop)
		p->end = p->frame_length;
	if (p->end > p->frame_length) {
		if (!p->egress)
			return PARSED_REFUSED;
		p->end = p->frame_length;
	}
	p->family = 6;
	p->index = 1;
	fields_of_ipv6(p);
	return PARSED_IP;
}

/* Bit k: byte k of the table header's TCP_OPTIONS words is `kind`. No branches: each would double the states. */
__attribute__((noinline)) __u32 option_bits(__u32 kind)
{
	__u32 bits = 0;

	for (int k = 0; k < LIMIT_TCP_OPTIONS; k++) {
		__u32 difference = ((T(TABLE_TCP_OPTIONS + (k >> 2)) >> (8 * (k & 3))) ^ kind) & 255;

		/* Only 0 - 1 has the top bit. */
		asm("" : "+r"(difference));
		bits |= (difference - 1) >> 31 << k;
	}
	return bits;
}

/* The kinds of TCP options that rules ask for and this packet has (xt_tcpudp.c tcp_find_option). */
__attribute__((noinline)) __u32 tcp_options(struct packet *p)
{
	__u32 bytes, found = 0;

	if (!p)
		return 0;
	bytes = (l4_8(p, 12) >> 4) * 4;
	if (bytes < 20 || bytes > p->end - p->l4)
		return FIELD_TCPOPT_BAD;
	p->cursor = 20;
	for (int i = 0; i < 40; i++) {
		__u32 at = AFRESH(p->cursor);

		if (at >= bytes)
			break;
		__u32 kind = l4_8(p, at), length = l4_8(p, at + 1);

		found |= option_bits(kind);
		p->cursor = at + (kind < 2 || at + 1 == bytes ? 1 : length ? length : 1);
	}
	return found;
}

/* Loads the layer-4 header and the fields read from it. */
static __always_inline void parse_l4(void *source, load_bytes load, struct packet *p, __u32 loaded)
{
	__u32 bytes = p->end > p->l4 ? p->end - p->l4 : 0;

	p->l4_head = HEAD_START + p->l4;
	if (bytes > L4_BYTES - 1)
		bytes = L4_BYTES - 1;
	if (p->l4 + bytes > loaded) {
		p->l4_head = HEAD_START + HEAD_BYTES;
		if (bytes && load(source, p, p->l4, &p->head[HEAD_START + HEAD_BYTES], bounded(bytes, L4_BYTES - 1)))
			bytes = 0;
	}
	p->f[F_AVAIL] = bytes;
	p->f[F_SPORT] = bytes >= 2 && !p->f[F_FRAG] ? l4_16(p, 0) : 0;
	p->f[F_DPORT] = bytes >= 4 && !p->f[F_FRAG] ? l4_16(p, 2) : 0;
	p->f[F_TCPFLAGS] = bytes >= 20 ? l4_8(p, 13) : 0;
	if (T(TABLE_WANTS) & WANT_TCP_OPTIONS)
		p->f[F_TCPOPT] = p->f[F_PROTO] == IPPROTO_TCP && bytes >= 20 ? tcp_options(p) : 0;
}

/* p->config, p->egress, p->loopback are set before. */
__attribute__((noinline)) int parse(struct __sk_buff *skb, struct packet *p)
{
	__u32 loaded, protocol;
	int outcome;

	if (!p)
		return PARSED_OTHER;
	/* A copy of what this host sent to many comes back without a link layer (net/core/dev.c dev_loopback_xmit). */
	p->missing = !p->egress && skb->pkt_type == PACKET_LOOPBACK ? ETH_HLEN : 0;
	p->frame_length = loaded = skb->len + p->missing;
	if (skb->vlan_present || loaded < ETH_HLEN + 20)
		return PARSED_OTHER;
	if (loaded > HEAD_BYTES)
		loaded = HEAD_BYTES;
	if (p->missing) {
		if (bpf_skb_load_bytes(skb, 0, &p->head[HEAD_START + ETH_HLEN], loaded - ETH_HLEN))
			return PARSED_OTHER;
		protocol = bpf_ntohs(skb->protocol);
	} else {
		if (bpf_skb_load_bytes(skb, 0, &p->head[HEAD_START], loaded))
			return PARSED_OTHER;
		protocol = head16(p, ETH_HLEN - 2);
	}
	if (protocol != ETH_P_IP && protocol != ETH_P_IPV6)
		return PARSED_OTHER;
	if (!p->egress && skb->pkt_type == PACKET_OTHERHOST)
		return PARSED_REFUSED;
	p->l3 = ETH_HLEN;
	if (protocol == ETH_P_IP) {
		outcome = parse_ipv4(p, loaded);
	} else {
		outcome = parse_ipv6(p, loaded);
		if (outcome == PARSED_IP)
			find_upper_layer(skb, p);
	}
	if (outcome != PARSED_IP)
		return outcome;
	if (p->f[F_FRAG] > 2)
		p->f[F_FRAG] = 2;
	parse_l4(skb, load_from_skb, p, loaded);
	p->f[F_MAC0] = head32(p, 6);
	p->f[F_MAC1] = p->loopback || p->egress || p->missing ? FIELD_MAC_NONE : head16(p, 10);
	p->f[F_MARK] = skb->mark;
	p->f[F_CT] = STATE_INVALID;
	return PARSED_IP;
}

#endif
