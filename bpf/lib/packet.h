/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known of the packet being judged. It lives in a per-CPU map value, not on the stack: 512 bytes are
 * too few, and the verifier need not follow what is in it. TC programs run with softirqs off, so one per CPU
 * is enough; nothing here survives the program.
 */
#ifndef IPT2EBPF_PACKET_H
#define IPT2EBPF_PACKET_H

#include <linux/types.h>
#include "layout.h"

/* Bytes of the frame kept at hand; the layer-4 header is loaded behind them when it lies farther out. */
#define HEAD_BYTES 128
#define L4_BYTES 64
/* The frame starts at 2, so that the IP header is aligned. */
#define HEAD_START 2
#define HEAD_MASK 255

/* Longest piece of a payload summed at once; bpf_csum_diff takes 512. */
#define SUM_BYTES 512

/* SCTP chunks kept per packet, a power of two. */
#define PACKET_CHUNKS 32

struct fragment_key {
	__u32 source[4];
	__u32 destination[4];
	__u32 id;
	__u32 protocol; /* and family << 8 */
};

struct packet {
	__u32 f[FIELD_SLOTS]; /* the field vector: F_* */
	__u8 head[HEAD_MASK + 1 + 8];

	/* The chain machine. */
	__u32 list; /* next entry of the list being executed */
	__u32 record; /* record to execute before that, 0 = none */
	__u32 policy; /* list of the base chain's policy */
	__u32 next; /* list of the next base chain, 0 = the phase ends */
	__u32 depth; /* entries on the stack */
	__u32 stack[LIMIT_DEPTH];

	/* Headers. Offsets from the start of the frame. */
	__u32 family; /* 4 or 6 */
	__u32 index; /* of the family in the table header */
	__u32 l3;
	__u32 missing; /* bytes of an Ethernet header that skb lacks: ETH_HLEN for the host's own copies, else 0 */
	__u32 l4;
	__u32 end; /* behind the last byte of the IP packet */
	__u32 l4_head; /* where the layer-4 header is in head[] */
	__u32 more_fragments;
	__u32 fragment_id;
	__u32 fragmented; /* a piece of a datagram */
	__u32 ifindex; /* of the attach point */
	__u32 output; /* ifindex the packet will leave by, 0 = unknown */
	__u32 frame_length;
	__u32 cursor; /* of loops over options: kept here, the verifier forgets its bounds and sees one state */
	__u32 left; /* bytes that a loop over the packet has still to do */
	__u32 egress; /* 1: on the way out */
	__u32 uncounted; /* 1: a walk that only looks what would become of the packet */
	__u32 loopback; /* sent by this host to itself: through lo, or a copy of its own multicast */

	__u32 is_answer; /* 1: of ours, to a rejected packet */
	__u32 is_error; /* 1: may be an ICMP error of the stack's own */
	__u32 astray; /* of an answer in another host's name: the interface by which it enters the stack, else 0 */

	/* Connection tracking. */
	__u32 untracked;
	__u32 peek; /* 1: the packet looped through lo and only finds what it was given on the way out */
	__u32 confirm; /* 1: `pending` is inserted when the packet is accepted */
	__u32 known; /* 1: the connection of `key` was in the map */
	__u32 reply; /* direction of this packet */
	struct connection_key key;
	struct connection pending;

	__u64 now; /* jiffies when the packet was first looked at */

	struct config config;
	struct result result;
	__u32 chunks[PACKET_CHUNKS]; /* SCTP: type | flags << 8 | offset << 16 */
	__u32 chunk_count;
	__u32 crc; /* of the packet so far */
	__u32 chunk_types; /* bits of the types below 16 */
	__u32 keep; /* 1: the packet does not prolong its association's life */
	__u8 sum[SUM_BYTES + 8];
};

/* Reads a member anew: what the verifier knew of the value so far is not carried around a loop. */
#define AFRESH(member) (*(volatile __u32 *)&(member))

/*
 * A length of 1 to mask + 1 bytes, told to every verifier in the register that is passed on: older ones lose what
 * was compared before. `bytes` must be in that range.
 */
static __always_inline __u32 bounded(__u32 bytes, __u32 mask)
{
	asm volatile("" : "+r"(bytes));
	return ((bytes - 1) & mask) + 1;
}

#endif
