/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One case per value of skb->mark, with arguments from the frame; answers go to map `answers`. Run in the VM
 * and in the kernel, frame, action, mark and answers must be the same.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual BSD/GPL";

#define ANSWERS 32

struct answers {
	__s64 value[ANSWERS];
	__u8 bytes[128];
};

struct prefix {
	__u32 length;
	__u8 data[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct answers);
} answers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u64);
} prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");

struct arguments {
	__u64 a, b;
	__s32 c;
	__u32 d;
};

static __noinline void fields(struct __sk_buff *skb, struct answers *out)
{
	out->value[0] = skb->len;
	out->value[1] = skb->pkt_type;
	out->value[2] = skb->mark;
	out->value[3] = skb->protocol;
	out->value[4] = skb->vlan_present;
	out->value[5] = skb->priority;
	out->value[6] = skb->tc_index;
	out->value[7] = skb->cb[0] | skb->cb[4];
	out->value[8] = skb->tc_classid;
	out->value[9] = (long)skb->data_end - (long)skb->data;
	out->value[10] = (long)skb->data_meta - (long)skb->data;
	out->value[11] = skb->tstamp;
	out->value[12] = skb->wire_len;
	out->value[13] = skb->gso_segs;
	out->value[14] = skb->gso_size;
	out->value[15] = *(volatile __u8 *)((char *)&skb->protocol + 1);
	out->value[16] = skb->queue_mapping;
	out->value[17] = skb->vlan_tci | skb->vlan_proto;
	skb->cb[1] = 5;
	skb->tc_index = 70000;
	skb->tc_classid = 0x90009;
	skb->priority = 77;
	skb->tstamp = 12345;
	skb->mark = 99;
	*(volatile __u32 *)&skb->queue_mapping = 4;
	*(volatile __u32 *)&skb->queue_mapping = 0xffff;
	/* Else the compiler answers from what it has just stored. */
	asm volatile("" : "+r"(skb) : : "memory");
	out->value[18] = skb->cb[1];
	out->value[19] = skb->tc_index;
	out->value[20] = skb->tc_classid;
	out->value[21] = skb->priority;
	out->value[22] = skb->tstamp;
	out->value[23] = skb->mark;
	out->value[24] = skb->queue_mapping;
	out->value[25] = *(volatile __u8 *)&skb->tc_index;
}

static __noinline void arithmetic(struct arguments *in, struct answers *out)
{
	__u64 a = in->a, b = in->b;
	__u32 c = in->c, d = in->d;

	out->value[0] = a + b;
	out->value[1] = a - b;
	out->value[2] = a * b;
	out->value[3] = a / (b >> 40);
	out->value[4] = a % (b >> 40);
	out->value[5] = a << (b & 63);
	out->value[6] = a >> (b & 63);
	out->value[7] = (__s64)a >> (b & 63);
	out->value[8] = c + d;
	out->value[9] = c * d;
	out->value[10] = c / (d >> 20);
	out->value[11] = c % (d >> 20);
	out->value[12] = c << (d & 31);
	out->value[13] = (__s32)c >> (d & 31);
	out->value[14] = (__s8)a;
	out->value[15] = (__s16)a;
	out->value[16] = (__s32)a;
	out->value[17] = __builtin_bswap64(a);
	out->value[18] = __builtin_bswap32(c);
	out->value[19] = __builtin_bswap16(d);
	out->value[20] = (__s64)a < (__s64)b;
	out->value[21] = a < b;
	out->value[22] = (__s32)c < (__s32)d;
	out->value[23] = c <= d;
	out->value[24] = -a;
	out->value[25] = a & b;
	out->value[26] = a ^ b;
}

static __noinline void bytes(struct __sk_buff *skb, struct arguments *in, struct answers *out)
{
	__u32 at = in->d & 127, size = (in->c & 31) + 1;

	out->value[0] = bpf_skb_load_bytes(skb, at, out->bytes, size);
	out->value[1] = bpf_skb_load_bytes(skb, 0x7fffffff, out->bytes + 32, 4);
	out->value[2] = bpf_skb_load_bytes_relative(skb, at, out->bytes + 40, 8, in->a & 3);
	out->value[3] = bpf_skb_store_bytes(skb, at, &in->a, 8, in->b & 3);
	out->value[4] = bpf_skb_store_bytes(skb, at, &in->a, 8, 4);
	out->value[5] = bpf_skb_pull_data(skb, in->d & 255);
	out->value[6] = bpf_skb_pull_data(skb, 0);
}

static __noinline void resize(struct __sk_buff *skb, struct arguments *in, struct answers *out)
{
	out->value[0] = bpf_skb_change_tail(skb, in->d & 511, in->c & 15 ? 0 : 1);
	out->value[1] = skb->len;
	out->value[2] = bpf_skb_change_tail(skb, 60000, 0);
	out->value[3] = bpf_skb_adjust_room(skb, (__s32)(in->a & 127) - 64, in->a >> 8 & 1, in->b & 15 ? 0 : 1);
	out->value[4] = skb->len;
	out->value[5] = bpf_skb_adjust_room(skb, 8, 2, 0);
	out->value[6] = bpf_skb_adjust_room(skb, 0x1000, 1, 0);
	out->value[7] = bpf_skb_change_head(skb, in->b >> 8 & 31, 0);
	out->value[8] = skb->len;
	out->value[9] = (long)skb->data_end - (long)skb->data;
}

static __noinline void sums(struct __sk_buff *skb, struct arguments *in, struct answers *out)
{
	out->value[0] = bpf_l3_csum_replace(skb, 24, in->c & 0xffff, in->d & 0xffff, 2);
	out->value[1] = bpf_l3_csum_replace(skb, 24, in->c, in->d, 4);
	out->value[2] = bpf_l3_csum_replace(skb, 24, 0, in->d, 0);
	out->value[3] = bpf_l3_csum_replace(skb, 25, in->c, in->d, 4);
	out->value[4] = bpf_l3_csum_replace(skb, 24, in->c, in->d, 3);
	out->value[5] = bpf_l3_csum_replace(skb, 4000, in->c, in->d, 4);
	out->value[6] = bpf_l4_csum_replace(skb, 40, in->c, in->d, 4 | BPF_F_PSEUDO_HDR);
	out->value[7] = bpf_l4_csum_replace(skb, 36, in->c, in->d, 4 | BPF_F_MARK_MANGLED_0);
	out->value[8] = bpf_l4_csum_replace(skb, 44, in->c & 0xffff, in->d & 0xffff, 2);
	out->value[9] = bpf_l4_csum_replace(skb, 46, 1, in->d, 0);
	__s64 sum = bpf_csum_diff((__be32 *)&in->a, 8, (__be32 *)&in->b, 8, in->d);
	/* Kernels before 6.13 give 32 bits, unfolded. */
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff);
	out->value[10] = (sum & 0xffff) + (sum >> 16);
	sum = bpf_csum_diff(0, 0, (__be32 *)in, 16, 0);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff);
	out->value[11] = (sum & 0xffff) + (sum >> 16);
	out->value[12] = bpf_csum_update(skb, in->d);
	out->value[13] = bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY);
	out->value[14] = bpf_csum_level(skb, 4);
}

static __noinline void maps(struct arguments *in, struct answers *out)
{
	__u32 key = in->d & 7;
	struct prefix prefix = { .length = in->c & 63 };
	__u64 *found;

	__builtin_memcpy(prefix.data, &in->a, 4);
	found = bpf_map_lookup_elem(&hash, &key);
	out->value[0] = found ? (__s64)*found : -1;
	out->value[1] = bpf_map_update_elem(&hash, &key, &in->a, in->b & 3);
	found = bpf_map_lookup_elem(&hash, &key);
	out->value[2] = found ? (__s64)*found : -1;
	key = in->d >> 8 & 7;
	out->value[3] = bpf_map_delete_elem(&hash, &key);
	out->value[4] = bpf_map_update_elem(&array, &key, &in->b, in->b >> 8 & 3);
	found = bpf_map_lookup_elem(&array, &key);
	out->value[5] = found ? (__s64)*found : -1;
	out->value[6] = bpf_map_delete_elem(&array, &key);
	out->value[7] = bpf_map_update_elem(&prefixes, &prefix, &in->b, 0);
	prefix.length = 32;
	prefix.data[3] ^= in->d;
	found = bpf_map_lookup_elem(&prefixes, &prefix);
	out->value[8] = found ? (__s64)*found : -1;
	prefix.length = in->c >> 8 & 63;
	out->value[9] = bpf_map_delete_elem(&prefixes, &prefix);
	found = bpf_ringbuf_reserve(&events, 8, 0);
	if (found) {
		*found = in->a;
		if (in->d & 1)
			bpf_ringbuf_submit(found, 0);
		else
			bpf_ringbuf_discard(found, 0);
	}
	out->value[10] = bpf_ringbuf_output(&events, in, sizeof(*in), 0);
	out->value[11] = __sync_fetch_and_add(&out->value[0], 3);
	out->value[12] = __sync_lock_test_and_set(&out->value[1], 7);
	out->value[13] = __sync_val_compare_and_swap(&out->value[2], out->value[2], 8);
	out->value[14] = __sync_fetch_and_xor(&out->value[3], in->a);
	out->value[15] = __sync_fetch_and_and(&out->value[4], in->b);
	out->value[16] = __sync_fetch_and_or(&out->value[5], in->a);
}

static __noinline void routes(struct __sk_buff *skb, struct arguments *in, struct answers *out)
{
	struct bpf_fib_lookup fib = {};

	fib.family = in->d & 1 ? 2 : 10;
	fib.ifindex = skb->ifindex;
	fib.tot_len = in->d & 2 ? in->c & 0x7ff : 0;
	if (in->d & 1) {
		__builtin_memcpy(&fib.ipv4_dst, &in->a, 4);
		__builtin_memcpy(&fib.ipv4_src, &in->b, 4);
	} else {
		/* 2001:db8:x::x */
		fib.ipv6_src[0] = fib.ipv6_dst[0] = in->d & 4 ? 0xb80d0120 : in->d & 8 ? 0x04030120 : 0x80fe;
		if (in->d & 16)
			fib.ipv6_src[0] = in->d & 32 ? 0x02ff : 0x80fe;
		fib.ipv6_src[1] = fib.ipv6_dst[1] = (in->a & 3) << 8;
		fib.ipv6_dst[3] = (in->b & 3) << 24;
		fib.ipv6_src[3] = 0x77000000;
	}
	out->value[0] = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	out->value[1] = out->value[0] == 0 || out->value[0] == 7 ? fib.ifindex : 0;
	out->value[2] = out->value[0] == 8 ? fib.tot_len : 0;
	__builtin_memcpy(out->bytes, fib.ipv6_dst, 16);
}

static __noinline void sends(struct __sk_buff *skb, struct arguments *in, struct answers *out)
{
	out->value[0] = bpf_redirect(skb->ifindex, in->d & 3);
	out->value[1] = bpf_clone_redirect(skb, 9999, 0);
	out->value[2] = bpf_clone_redirect(skb, skb->ifindex, 2);
}

SEC("tc/ingress")
int cases(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct answers *out = bpf_map_lookup_elem(&answers, &zero);
	struct arguments in;

	if (!out)
		return -1;
	for (int i = 0; i < ANSWERS; i++)
		out->value[i] = 0;
	for (int i = 0; i < 128; i++)
		out->bytes[i] = 0;
	if (bpf_skb_load_bytes(skb, skb->len - sizeof(in), &in, sizeof(in)))
		return -2;
	switch (skb->mark) {
	case 0:
		fields(skb, out);
		return 0;
	case 1:
		arithmetic(&in, out);
		return 1;
	case 2:
		bytes(skb, &in, out);
		return 2;
	case 3:
		resize(skb, &in, out);
		return 3;
	case 4:
		sums(skb, &in, out);
		return 4;
	case 5:
		maps(&in, out);
		return 5;
	case 6:
		routes(skb, &in, out);
		return 6;
	case 7:
		sends(skb, &in, out);
		return 7;
	}
	return -3;
}
