/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps that all attach points of a host share: load once, pin, attach pinned. Sizes come from the program
 * that includes this file. `connections` evicts the least recently used entry when full, where the kernel
 * would refuse the new connection; it takes no spin locks, so two packets of one connection on two CPUs may
 * lose one state update of each other, and an entry evicted under a reader may lend it another's state once.
 */
#ifndef IPT2EBPF_MAPS_H
#define IPT2EBPF_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "layout.h"
#include "packet.h"

#ifndef COUNTERS
#define COUNTERS 1
#endif
#ifndef LIMITS
#define LIMITS 1
#endif
#ifndef CONNECTIONS
#define CONNECTIONS 65536
#endif
#ifndef FRAGMENTS
#define FRAGMENTS 4096
#endif
#ifndef UNCONFIRMED
#define UNCONFIRMED 256
#endif
#ifndef EVENT_BYTES
#define EVENT_BYTES (256 * 1024)
#endif

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct result);
} results SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LIMITS);
	__type(key, __u32);
	__type(value, __u64);
} limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, INTERFACE_SLOTS);
	__type(key, __u32);
	__type(value, __u32);
} interfaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CONNECTIONS);
	__type(key, struct connection_key);
	__type(value, struct connection);
} connections SEC(".maps");

/*
 * Connections of packets that were refused, by the stack or with an answer: no rule accepted them, but the ICMP
 * error about one belongs to its connection (nf_conntrack_core.c nf_conntrack_attach).
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, UNCONFIRMED);
	__type(key, struct connection_key);
	__type(value, struct connection);
} unconfirmed SEC(".maps");

/* Verdict of a datagram's first piece, for its later pieces. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FRAGMENTS);
	__type(key, struct fragment_key);
	__type(value, __u32);
} fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENT_BYTES);
} events SEC(".maps");

#endif
