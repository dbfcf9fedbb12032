/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's own structures, as far as netfilter programs read them. Where a member lies is filled in from the
 * running kernel's BTF when the program is loaded; the tuple alone is read by a layout that all kernels share
 * (include/net/netfilter/nf_conntrack_tuple.h).
 */
#ifndef IPT2EBPF_KERNEL_TYPES_H
#define IPT2EBPF_KERNEL_TYPES_H

#include <linux/types.h>

#define RELOCATED __attribute__((preserve_access_index))

/* Low bits of skb->_nfct: enum ip_conntrack_info. */
#define NFCT_INFO_MASK 7ul
#define IP_CT_UNTRACKED 7
#define IP_CT_IS_REPLY 3

/* Bits of nf_conn.status (enum ip_conntrack_status). */
#define IPS_SEEN_REPLY 2
#define IPS_ASSURED 4
#define IPS_CONFIRMED 8

#define ARPHRD_ETHER 1
#define MAC_UNSET 0xffff

enum nf_hook {
	NF_PRE_ROUTING = 0,
	NF_LOCAL_IN = 1,
	NF_FORWARD = 2,
	NF_LOCAL_OUT = 3,
};

#define NF_DROP 0
#define NF_ACCEPT 1
#define NFPROTO_IPV4 2

struct net_device {
	int ifindex;
	unsigned short type;
} RELOCATED;

struct sk_buff {
	unsigned long _nfct;
	__u32 len;
	__u32 priority;
	__u32 mark;
	__u16 network_header;
	__u16 mac_header;
	unsigned char *head;
} RELOCATED;

struct nf_hook_state {
	__u8 hook;
	__u8 pf;
	struct net_device *in;
	struct net_device *out;
} RELOCATED;

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
};

struct kernel_tuple {
	__be32 source[4];
	__be16 source_port; /* ICMP: identifier */
	__u16 family;
	__be32 destination[4];
	__be16 destination_port; /* ICMP: type << 8 | code */
	__u8 protocol;
	__u8 direction;
};

struct nf_conntrack_tuple_hash {
	void *next;
	void *previous;
	struct kernel_tuple tuple;
};

_Static_assert(sizeof(struct kernel_tuple) == 40, "struct nf_conntrack_tuple");

struct nf_conn {
	__u32 timeout;
	unsigned long status;
	struct nf_conntrack_tuple_hash tuplehash[2]; /* original, reply */
} RELOCATED;

#endif
