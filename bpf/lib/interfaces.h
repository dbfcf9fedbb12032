/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interfaces by the numbers that rules know them by. */
#ifndef IPT2EBPF_INTERFACES_H
#define IPT2EBPF_INTERFACES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "maps.h"

static __always_inline __u32 interface_id(__u32 ifindex)
{
	__u32 *id;

	if (!ifindex)
		return INTERFACE_NONE;
	id = bpf_map_lookup_elem(&interfaces, &ifindex);
	return id && *id ? *id : INTERFACE_OTHER;
}

#endif
