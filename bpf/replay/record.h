/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the netfilter runner's programs write and Node reads through mmap: one recorder, reset by Node
 * before each packet. The offsets are repeated in src/kernel/netfilter/events.ts, which checks them
 * against this file's BTF when the object is loaded.
 */
#ifndef IPT2EBPF_REPLAY_RECORD_H
#define IPT2EBPF_REPLAY_RECORD_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;

#define MAX_EVENTS 24
/* REJECT quotes up to 576 bytes (IPv4) or 1,280 (IPv6): answers are kept whole. Covers any masked copy length. */
#define MAX_HEADER 2048

/*
 * skb->priority carries who a packet is: clones keep it, no rule of iptables looks at it (CLASSIFY alone
 * changes it). The numbers are repeated in src/kernel/netfilter/instrument.ts.
 */
#define LOCAL_PRIORITY 0x1bf70001 /* a local packet under test: its socket sets it */
#define ANSWER_PRIORITY 0x1bf70003 /* what else the host sends: an nft chain sets it */

enum event_kind {
	EVENT_ENTERED = 1, /* PRE_ROUTING, before everything else */
	EVENT_BORN = 2, /* LOCAL_OUT, before everything else */
	EVENT_DELIVERED = 3, /* LOCAL_IN, after all tables, before conntrack confirms */
	EVENT_SENT = 4, /* POST_ROUTING, after all tables, before conntrack confirms */
	EVENT_FREED = 5, /* dropped: reason says why */
};

struct event {
	__u32 kind;
	__u32 reason; /* EVENT_FREED: enum skb_drop_reason */
	__u64 skb;
	__u32 family; /* NFPROTO_IPV4 2, NFPROTO_IPV6 10 */
	__u32 priority; /* skb->priority: LOCAL_PRIORITY, ANSWER_PRIORITY, SWALLOWED_PRIORITY or anything */
	__u32 mark;
	__u32 output_ifindex;
	__u64 nfct; /* skb->_nfct: pointer to the connection, low 3 bits = enum ip_conntrack_info */
	__u32 connection_mark;
	__u32 answer; /* 1: not the packet under test, but sent by the host because of it */
	__u32 length; /* skb->len */
	__u32 header_length; /* bytes of header that are valid */
	__u8 header[MAX_HEADER]; /* from the IP header on */
};

struct recorder {
	__u32 process; /* only packets handled in this process's context */
	__u32 namespace_inode;
	__u32 count;
	__u32 lost; /* events that found no room */
	struct event events[MAX_EVENTS];
};

#endif
