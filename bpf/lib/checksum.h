/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is the layer-4 checksum right, as nf_ip_checksum and nf_ip6_checksum ask? Trusted without a look: what the
 * device verified, GRO frames, and (CHECKSUM_LIVE) packets of this machine whose sum the device is yet to fill
 * in: the field then holds the pseudo header's sum alone; one wrong packet in 65,536 looks like that and passes.
 */
#ifndef IPT2EBPF_CHECKSUM_H
#define IPT2EBPF_CHECKSUM_H

#include "parse.h"
#include "tuple.h"

/* 65,535 / SUM_BYTES, rounded up */
#define SUM_PIECES 128

static __always_inline __u32 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u32)sum;
}

/* The pseudo header's sum over host-order halves. */
static __always_inline __u32 pseudo_sum(struct packet *p, __u32 bytes)
{
	__u64 sum = p->f[F_PROTO] + bytes;

	for (int i = 0; i < 4; i++) {
		if (i && p->family == 4)
			break;
		sum += (p->f[F_SRC0 + i] >> 16) + (p->f[F_SRC0 + i] & 0xffff);
		sum += (p->f[F_DST0 + i] >> 16) + (p->f[F_DST0 + i] & 0xffff);
	}
	return fold(sum);
}

/* Adds a piece of the frame to a sum of little-endian halves; a piece that cannot be read adds nothing. */
__attribute__((noinline)) __u32 sum_piece(struct __sk_buff *skb, struct packet *p, __u32 at, __u32 bytes, __u32 sum)
{
	if (!p || !bytes || bytes > SUM_BYTES)
		return sum;
	if (bytes & 3)
		*(__u32 *)&p->sum[bytes & (SUM_BYTES - 1) & ~3u] = 0;
	bytes = bounded(bytes, SUM_BYTES - 1);
	if (bpf_skb_load_bytes(skb, at - p->missing, p->sum, bytes))
		return sum;
	return bpf_csum_diff(0, 0, (__be32 *)p->sum, (bytes + 3) & ~3u, sum);
}

/* The sum over `bytes` of the frame from `at` on, as big-endian halves, folded. */
__attribute__((noinline)) __u32 sum_frame(struct __sk_buff *skb, struct packet *p, __u32 at, __u32 bytes)
{
	__u32 sum = 0;

	if (!p)
		return 0;
	p->cursor = at;
	p->left = bytes;
	for (int i = 0; i < SUM_PIECES; i++) {
		__u32 left = AFRESH(p->left), piece = left < SUM_BYTES ? left : SUM_BYTES;

		if (!left)
			break;
		at = AFRESH(p->cursor);
		sum = sum_piece(skb, p, at, piece, sum);
		p->cursor = at + piece;
		p->left = left - piece;
	}
	return bpf_ntohs((__u16)fold(sum));
}

/* `field`: offset of the checksum in the layer-4 header. Returns 1 when the packet is damaged. */
__attribute__((noinline)) int checksum_wrong(struct __sk_buff *skb, struct packet *p, __u32 field)
{
	__u32 bytes, pseudo, with_pseudo;

	if (!p)
		return 0;
	if (!p->config.checksum || p->fragmented || skb->gso_size)
		return 0;
	if (bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY) >= 0)
		return 0;
	bytes = p->end - p->l4;
	with_pseudo = p->family == 6 || p->f[F_PROTO] == PROTOCOL_TCP || p->f[F_PROTO] == PROTOCOL_UDP;
	/* The kernel sums the IP header along, which gives 0xffff: a sum of zero is as good. */
	pseudo = with_pseudo ? pseudo_sum(p, bytes) : 0xffff;
	if (p->config.checksum == CHECKSUM_LIVE && with_pseudo && l4_16(p, field) == pseudo)
		return 0;
	return fold(sum_frame(skb, p, p->l4, bytes) + pseudo) != 0xffff;
}

/* Tracking checks what comes in, and what looped through lo only when nothing was known of it. */
static __always_inline int arrived_damaged(struct __sk_buff *skb, struct packet *p, __u32 field)
{
	return !p->egress && !p->peek && checksum_wrong(skb, p, field);
}

#endif
