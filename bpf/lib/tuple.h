/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What identifies a connection (net/netfilter/nf_conntrack_core.c nf_ct_get_tuple): one key for both
 * directions. The side that sorts first stands first; for ICMP the side that asks does, and the identifier
 * and the request's type and code take the places of the ports.
 */
#ifndef IPT2EBPF_TUPLE_H
#define IPT2EBPF_TUPLE_H

#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include "packet.h"

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif
#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_GRE 47
#define PROTOCOL_ICMPV6 58
#define PROTOCOL_SCTP 132
#define PROTOCOL_UDPLITE 136

/* One direction, host order. Ports: the ICMP identifier and type << 8 | code; a GRE call id. */
struct tuple {
	__u32 source[4];
	__u32 destination[4];
	__u32 source_port;
	__u32 destination_port;
	__u32 protocol;
	__u32 family;
};

/* The type that answers `type`; 0x100 when there is none. `request`: set when `type` asks. */
static __always_inline __u32 icmp_answer(__u32 protocol, __u32 type, int *request)
{
	*request = 0;
	if (protocol == PROTOCOL_ICMP) {
		switch (type) {
		case 8:
			*request = 1;
			return 0;
		case 0:
			return 8;
		case 13:
		case 15:
		case 17:
			*request = 1;
			return type + 1;
		case 14:
		case 16:
		case 18:
			return type - 1;
		}
		return 0x100;
	}
	if (type == 128 || type == 139) {
		*request = 1;
		return type + 1;
	}
	return type == 129 || type == 140 ? type - 1 : 0x100;
}

/* -1, 0 or 1 */
static __always_inline int compare_sides(const struct tuple *t)
{
	for (int i = 0; i < 4; i++) {
		if (t->source[i] != t->destination[i])
			return t->source[i] < t->destination[i] ? -1 : 1;
	}
	if (t->source_port == t->destination_port)
		return 0;
	return t->source_port < t->destination_port ? -1 : 1;
}

/* A tuple that is its own answer: the kernel then finds the reply's entry first. */
static __always_inline int is_mirror(const struct tuple *t)
{
	return t->protocol != PROTOCOL_ICMP && t->protocol != PROTOCOL_ICMPV6 && !compare_sides(t);
}

/*
 * Fills `key`. Returns 1 when the tuple runs from the key's second side to its first, 0 the other way (and
 * when both sides are the same), -1 for ICMP types that no answer belongs to.
 */
static __always_inline int make_key(const struct tuple *t, struct connection_key *key)
{
	__u32 first_port = t->source_port, second_port = t->destination_port;
	int turned;

	if (t->protocol == PROTOCOL_ICMP || t->protocol == PROTOCOL_ICMPV6) {
		int request;
		__u32 answer = icmp_answer(t->protocol, t->destination_port >> 8, &request);

		if (answer > 255)
			return -1;
		turned = !request;
		if (turned)
			second_port = answer << 8 | (t->destination_port & 255);
	} else {
		turned = compare_sides(t) > 0;
		if (turned) {
			first_port = t->destination_port;
			second_port = t->source_port;
		}
	}
	for (int i = 0; i < 4; i++) {
		key->first[i] = bpf_htonl(turned ? t->destination[i] : t->source[i]);
		key->second[i] = bpf_htonl(turned ? t->source[i] : t->destination[i]);
	}
	key->first_port = bpf_htons(first_port);
	key->second_port = bpf_htons(second_port);
	key->protocol = t->protocol;
	key->family = t->family;
	key->pad = 0;
	return turned;
}

#endif
