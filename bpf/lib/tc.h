/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The TC attach points. Ingress takes a packet through PREROUTING, routing, INPUT or FORWARD, and the
 * POSTROUTING of forwarded packets; egress takes this host's own packets through OUTPUT and POSTROUTING.
 * Frames that iptables on this interface would not judge pass: not IP, tagged, sent by AF_PACKET.
 */
#ifndef IPT2EBPF_TC_H
#define IPT2EBPF_TC_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "chain.h"
#include "conntrack.h"
#include "maps.h"
#include "parse.h"
#include "record.h"
#include "reject.h"
#include "route.h"

/* skb->tc_index of a packet on its way through lo, with its F_CT in the low byte. */
#define TC_INDEX_LOOPED 0xa500
/*
 * skb->tc_index of an answer in another host's name on its way from lo into the stack, with its F_CT in the low
 * byte. Such a packet has a mark, which no packet has that comes from another network namespace: nobody else can
 * make one. MARK_NONE stands for 0.
 */
#define TC_INDEX_ANSWER 0xa600
#define MARK_NONE 0xa15e0000
/* In replays skb->priority of the host's own copy of a multicast, whose pkt_type a test-run cannot set. */
#define PRIORITY_LOOPED 0xa15f0000
/* In replays skb->priority of an ICMP error of the stack's own. */
#define PRIORITY_ERROR 0xa15d0000
#define FAMILY_PACKET 17
/* On to the next program of the interface, and to the stack when there is none. */
#define ACTION_PASS TC_ACT_UNSPEC

/*
 * Jiffies by which this packet's connections and limits are judged: a replay says in skb->tstamp when its packet
 * was seen (nanoseconds since the epoch), so that all runners go by one clock.
 */
static __always_inline __u64 moment(struct __sk_buff *skb, struct packet *p)
{
	__u64 seen = skb->tstamp, hz = p->config.hz;

	if (!p->config.record)
		return bpf_jiffies64();
	return seen / 1000000000 * hz + seen % 1000000000 * hz / 1000000000;
}

static __always_inline struct packet *begin(struct __sk_buff *skb, __u32 egress)
{
	__u32 zero = 0;
	struct packet *p = bpf_map_lookup_elem(&scratch, &zero);
	struct config *c = bpf_map_lookup_elem(&config, &zero);

	if (!p || !c)
		return 0;
	p->config = *c;
	p->now = moment(skb, p);
	p->egress = egress;
	p->ifindex = skb->ifindex;
	p->loopback = p->ifindex == p->config.loopback ||
		      (!egress && (skb->pkt_type == PACKET_LOOPBACK ||
				   (p->config.record && skb->priority == PRIORITY_LOOPED)));
	p->output = 0;
	p->is_answer = 0;
	p->is_error = 0;
	p->astray = 0;
	p->untracked = 0;
	p->peek = 0;
	p->confirm = 0;
	p->known = 0;
	p->reply = 0;
	p->uncounted = 0;
	begin_record(p);
	p->f[F_IIF] = INTERFACE_NONE;
	p->f[F_OIF] = INTERFACE_NONE;
	return p;
}

static __always_inline void fragment_key(struct packet *p, struct fragment_key *key)
{
	for (int i = 0; i < 4; i++) {
		key->source[i] = i && p->family == 4 ? 0 : p->f[F_SRC0 + i];
		key->destination[i] = i && p->family == 4 ? 0 : p->f[F_DST0 + i];
	}
	key->id = p->fragment_id;
	key->protocol = p->f[F_PROTO] | p->family << 16;
}

/* Carries the verdict out, or, in observe mode, only tells it. Returns the action code. */
static __always_inline int finish(struct __sk_buff *skb, struct packet *p, __u32 verdict)
{
	int action = ACTION_PASS, enforce = p->config.mode == MODE_ENFORCE;

	if (p->fragmented && !p->f[F_FRAG] && verdict != VERDICT_STACK) {
		struct fragment_key key;

		fragment_key(p, &key);
		bpf_map_update_elem(&fragments, &key, &verdict, BPF_ANY);
	}
	p->result.verdict = verdict;
	switch (verdict) {
	case VERDICT_ACCEPT:
		confirm(p);
		if (enforce && p->f[F_MARK] != skb->mark)
			skb->mark = p->f[F_MARK];
		if (enforce && p->result.hook == HOOK_FORWARD)
			skb->tc_index = p->output;
		if (!p->egress || !p->loopback)
			break;
		if (p->astray && !p->config.record) {
			skb->tc_index = TC_INDEX_ANSWER | (p->f[F_CT] & 0xff);
			skb->mark = p->f[F_MARK] ? p->f[F_MARK] : MARK_NONE;
			action = bpf_redirect(p->astray, BPF_F_INGRESS);
		} else {
			skb->tc_index = TC_INDEX_LOOPED | (p->f[F_CT] & 0xff);
		}
		break;
	case VERDICT_DROP:
		if (enforce)
			action = TC_ACT_SHOT;
		break;
	case VERDICT_REJECT:
		if (enforce)
			action = answer(skb, p);
		break;
	case VERDICT_STACK:
		leave_unconfirmed(p, 0);
		break;
	}
	record(p);
	return action;
}

/* The fate of a datagram's later pieces is that of its first. Returns 0 when none is known. */
static __always_inline __u32 first_piece(struct packet *p)
{
	struct fragment_key key;
	__u32 *verdict;

	fragment_key(p, &key);
	verdict = bpf_map_lookup_elem(&fragments, &key);
	p->result.reason = REASON_FRAGMENT;
	return !verdict ? 0 : *verdict == VERDICT_ACCEPT ? VERDICT_ACCEPT : VERDICT_DROP;
}

static __always_inline int is_tracked(struct packet *p)
{
	return (T(TABLE_TRACK) >> (p->index & 1)) & 1;
}

/*
 * A packet of this host to itself keeps the connection, or the exemption, it got on the way out, even when that
 * is gone by now. What had neither is tracked anew. In replays the record just made tells: a runner cannot hand
 * tc_index on.
 */
static __always_inline void loop(struct __sk_buff *skb, struct packet *p)
{
	__u32 zero = 0, given = 0;
	struct result *out = bpf_map_lookup_elem(&results, &zero);

	if ((skb->tc_index & 0xff00) == TC_INDEX_LOOPED || (skb->tc_index & 0xff00) == TC_INDEX_ANSWER) {
		given = skb->tc_index & 0xff;
		skb->tc_index = 0;
	} else if (p->config.record && out && out->hook == HOOK_OUTPUT) {
		given = out->ct;
	}
	if (given == STATE_UNTRACKED) {
		p->untracked = 1;
		p->f[F_CT] = STATE_UNTRACKED;
		p->result.state = STATE_UNTRACKED;
	} else if (is_tracked(p) && given != STATE_INVALID) {
		p->peek = 1;
		track(skb, p);
		p->peek = 0;
		if (given & CTF_TRACKED) {
			/* On its way out it was confirmed, unless it answers what never was. */
			p->f[F_CT] = given & CTF_REPLY ? given : given | CTF_CONFIRMED;
			p->result.state = given & CTF_STATE_MASK;
			p->result.direction = !!(given & CTF_REPLY);
			p->known = 1;
		}
	}
}

static __always_inline __u32 judge_received(struct __sk_buff *skb, struct packet *p)
{
	__u32 verdict;
	int way;

	p->result.hook = HOOK_PREROUTING;
	p->f[F_IIF] = interface_id(p->ifindex);
	/* Tracking reassembles before the first hook: later pieces are judged with their first. */
	if (p->f[F_FRAG] && is_tracked(p)) {
		verdict = first_piece(p);
		return verdict ? verdict : VERDICT_ACCEPT;
	}
	if (p->loopback)
		loop(skb, p);
	verdict = run_phase(p, PHASE_PREROUTING_RAW);
	if (verdict != VERDICT_ACCEPT)
		return verdict;
	if (is_tracked(p) && !p->known)
		track(skb, p);
	verdict = run_phase(p, PHASE_PREROUTING);
	if (verdict != VERDICT_ACCEPT)
		return verdict;
	way = route(skb, p);
	/*
	 * By now the host may have addresses, and be in groups, that its snapshot does not know. What it may take is
	 * judged as what it takes; in replays it is the snapshot's.
	 */
	if (way == ROUTE_STACK && !p->config.record)
		way = HOOK_INPUT;
	if (way == ROUTE_STACK || way == ROUTE_REFUSED) {
		p->result.reason = REASON_STACK;
		return VERDICT_STACK;
	}
	if (way == ROUTE_UNKNOWN) {
		p->result.reason = REASON_BUDGET;
		return VERDICT_DROP;
	}
	p->result.hook = way;
	/* INPUT sees whole datagrams even without tracking. */
	if (way == HOOK_INPUT && p->f[F_FRAG]) {
		verdict = first_piece(p);
		return verdict ? verdict : VERDICT_ACCEPT;
	}
	return run_phase(p, way == HOOK_INPUT ? PHASE_INPUT : PHASE_FORWARD);
}

/* An ICMP error about what this host could not send is its own, whatever name it bears. */
static __always_inline void speak_for_oneself(struct packet *p)
{
	if (!p->astray || p->f[F_PROTO] == PROTOCOL_TCP)
		return;
	for (int i = 0; i < 4; i++)
		p->f[F_SRC0 + i] = p->f[F_DST0 + i];
}

static __always_inline int tc_ingress(struct __sk_buff *skb)
{
	struct packet *p = begin(skb, 0);
	int parsed;

	if (!p)
		return ACTION_PASS;
	if ((skb->tc_index & 0xff00) == TC_INDEX_ANSWER && skb->mark) {
		if (skb->mark == MARK_NONE)
			skb->mark = 0;
		p->astray = p->ifindex;
		p->ifindex = p->config.loopback;
		p->loopback = 1;
	} else if (p->config.record && skb->priority == (PRIORITY_ANSWER | PRIORITY_ANSWER_ASTRAY)) {
		p->astray = p->ifindex;
	}
	parsed = parse(skb, p);
	speak_for_oneself(p);
	if (parsed == PARSED_OTHER) {
		p->result.verdict = VERDICT_PASS;
		record(p);
		return ACTION_PASS;
	}
	if (parsed == PARSED_REFUSED) {
		p->result.verdict = VERDICT_STACK;
		p->result.reason = REASON_STACK;
		record(p);
		return ACTION_PASS;
	}
	return finish(skb, p, judge_received(skb, p));
}

/* `answers`: F_CT of an answer to a packet of a connection, else 0. */
static __always_inline __u32 judge_sent(struct __sk_buff *skb, struct packet *p, __u32 answers)
{
	__u32 verdict;

	p->result.hook = HOOK_OUTPUT;
	p->output = p->ifindex;
	p->f[F_OIF] = interface_id(p->ifindex);
	/* OUTPUT judged the whole datagram, before it was cut. */
	if (p->f[F_FRAG]) {
		verdict = first_piece(p);
		return verdict ? verdict : VERDICT_ACCEPT;
	}
	/* An answer brings its connection with it. */
	if (answers) {
		p->f[F_CT] = answers;
		p->result.state = answers & CTF_STATE_MASK;
		p->result.direction = !!(answers & CTF_REPLY);
		if (!(answers & (CTF_CONFIRMED | CTF_REPLY)))
			adopt_unconfirmed(skb, p);
	}
	verdict = run_phase(p, PHASE_OUTPUT_RAW);
	if (verdict != VERDICT_ACCEPT)
		return verdict;
	if (is_tracked(p) && !answers)
		track(skb, p);
	return run_phase(p, PHASE_OUTPUT);
}

static __always_inline int tc_egress(struct __sk_buff *skb)
{
	struct packet *p = begin(skb, 1);
	struct bpf_sock *sk = skb->sk;
	__u32 answers = 0;

	if (!p)
		return ACTION_PASS;
	if ((skb->ingress_ifindex || p->loopback) && (skb->priority & PRIORITY_ANSWER_MASK) == PRIORITY_ANSWER) {
		p->is_answer = 1;
		answers = skb->priority & 0xff;
		if (skb->priority & PRIORITY_ANSWER_ASTRAY)
			p->astray = skb->tc_index ? skb->tc_index : p->ifindex;
		skb->priority = 0;
		skb->tc_index = 0;
	} else if (skb->ingress_ifindex) {
		/* Forwarded, and judged on the way in: it must leave by the interface that was predicted then. */
		__u32 predicted = skb->tc_index;

		if (predicted && predicted != (p->ifindex & 0xffff) && p->config.mode == MODE_ENFORCE)
			return TC_ACT_SHOT;
		record(p);
		return ACTION_PASS;
	}
	if ((sk && sk->family == FAMILY_PACKET) || parse(skb, p) != PARSED_IP) {
		record(p);
		return ACTION_PASS;
	}
	/* Nothing tells an error of the stack's own from one that a raw socket sends: a replay says which it is. */
	p->is_error = !p->config.record || skb->priority == PRIORITY_ERROR;
	speak_for_oneself(p);
	return finish(skb, p, judge_sent(skb, p, answers));
}

#endif
