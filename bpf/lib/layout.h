/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Generated from src/program/layout.ts and table-format.ts by `npm run generate`: do not edit. */
#ifndef IPT2EBPF_LAYOUT_H
#define IPT2EBPF_LAYOUT_H

#include <linux/types.h>

#define NO_RULE 0xffffffffu
#define MAX_LOGS 16
#define MAX_HITS 64
#define LOG_PREFIX_BYTES 32
#define EVENT_FRAME_BYTES 96
#define INTERFACE_SLOTS 65536

/* config.mode */
#define MODE_OBSERVE 0
#define MODE_ENFORCE 1

/* config.checksum. TRUST: none is looked at; VERIFY: all are; LIVE: sums left to the device are trusted */
#define CHECKSUM_TRUST 0
#define CHECKSUM_VERIFY 1
#define CHECKSUM_LIVE 2

/* result.verdict. PASS: not judged here (not IP, VLAN, AF_PACKET, judged elsewhere). STACK: the IP stack drops it, no rule */
#define VERDICT_PASS 0
#define VERDICT_ACCEPT 1
#define VERDICT_DROP 2
#define VERDICT_REJECT 3
#define VERDICT_STACK 4

/* result.reason */
#define REASON_NONE 0
#define REASON_RULE 1
#define REASON_POLICY 2
#define REASON_HOTDROP 3
#define REASON_CONNTRACK 4
#define REASON_STACK 5
#define REASON_BUDGET 6
#define REASON_FRAGMENT 7

/* result.hook: where the walk ended */
#define HOOK_NONE 0
#define HOOK_INPUT 1
#define HOOK_FORWARD 2
#define HOOK_OUTPUT 3
#define HOOK_PREROUTING 4

/* result.state; NONE where connection tracking is off for the family */
#define STATE_NONE 0
#define STATE_NEW 1
#define STATE_ESTABLISHED 2
#define STATE_RELATED 3
#define STATE_INVALID 4
#define STATE_UNTRACKED 5

/* result.reject: kind of answer */
#define REJECT_NONE 0
#define REJECT_ICMP_NET_UNREACHABLE 1
#define REJECT_ICMP_HOST_UNREACHABLE 2
#define REJECT_ICMP_PROTO_UNREACHABLE 3
#define REJECT_ICMP_PORT_UNREACHABLE 4
#define REJECT_ICMP_NET_PROHIBITED 5
#define REJECT_ICMP_HOST_PROHIBITED 6
#define REJECT_ICMP_ADMIN_PROHIBITED 7
#define REJECT_ICMP6_NO_ROUTE 8
#define REJECT_ICMP6_ADM_PROHIBITED 9
#define REJECT_ICMP6_ADDR_UNREACHABLE 10
#define REJECT_ICMP6_PORT_UNREACHABLE 11
#define REJECT_ICMP6_POLICY_FAIL 12
#define REJECT_ICMP6_REJECT_ROUTE 13
#define REJECT_TCP_RESET 14

/* connection.status, the bits of enum ip_conntrack_status; REPLY_FIRST: the reply side stands first in the key; ANSWERED: in map `unconfirmed`, a rule answered the packet, not the stack */
#define CT_SEEN_REPLY 2
#define CT_ASSURED 4
#define CT_CONFIRMED 8
#define CT_REPLY_FIRST 0x10000
#define CT_ANSWERED 0x20000

/* slots of the field vector (src/model/fields.ts) */
#define F_SRC0 0
#define F_SRC1 1
#define F_SRC2 2
#define F_SRC3 3
#define F_DST0 4
#define F_DST1 5
#define F_DST2 6
#define F_DST3 7
#define F_PROTO 8
#define F_FRAG 9
#define F_AVAIL 10
#define F_SPORT 11
#define F_DPORT 12
#define F_TCPFLAGS 13
#define F_TCPOPT 14
#define F_IIF 15
#define F_OIF 16
#define F_CT 17
#define F_MARK 18
#define F_LENGTH 19
#define F_TTL 20
#define F_MAC0 21
#define F_MAC1 22
#define F_CTEXPIRES 23
#define F_CTPROTO 24
#define F_OSRC0 25
#define F_OSRC1 26
#define F_OSRC2 27
#define F_OSRC3 28
#define F_ODST0 29
#define F_ODST1 30
#define F_ODST2 31
#define F_ODST3 32
#define F_OSPORT 33
#define F_ODPORT 34
#define F_RSPORT 35
#define F_RDPORT 36

/* values of fields */
#define FIELD_SLOTS 64
#define FIELD_PROTO_NONE 0x100
#define FIELD_TCPOPT_BAD 0x100
#define FIELD_MAC_NONE 0x10000

/* bits of F_CT */
#define CTF_STATE_MASK 7
#define CTF_REPLY 8
#define CTF_SEEN_REPLY 16
#define CTF_ASSURED 32
#define CTF_CONFIRMED 64
#define CTF_TRACKED 128

/* words of the table header */
#define TABLE_MAGIC 0
#define TABLE_WORDS 1
#define TABLE_TRACK 2
#define TABLE_WANTS 3
#define TABLE_TCP_OPTIONS 4
#define TABLE_ROUTE 6
#define TABLE_ENTRY 8
#define TABLE_TIMEOUT 24
#define TABLE_TCP_NEXT 52
#define TABLE_SOURCES 76
#define TABLE_UNANSWERED 77
#define TABLE_SCTP_NEXT 79
#define TABLE_CRC 80
#define TABLE_END 81

/* what rules ask for beyond the always-filled fields */
#define WANT_TCP_OPTIONS 1
#define WANT_TUPLE 2
#define WANT_EXPIRES 4

/* index of a phase in the table header */
#define PHASE_PREROUTING_RAW 0
#define PHASE_PREROUTING 1
#define PHASE_INPUT 2
#define PHASE_FORWARD 3
#define PHASE_OUTPUT_RAW 4
#define PHASE_OUTPUT 5
#define PHASE_EARLY 6

/* leaf of the routing diagram */
#define ROUTE_FORWARD 0
#define ROUTE_LOCAL 1
#define ROUTE_DROP 2

/* record operations; id = rule or policy id */
#define OP_LOOKUP 1
#define OP_PARTS 2
#define OP_BASE 3
#define OP_ACCEPT 4
#define OP_DROP 5
#define OP_REJECT 6
#define OP_HOTDROP 7
#define OP_JUMP 8
#define OP_GOTO 9
#define OP_RETURN 10
#define OP_COUNT 11
#define OP_LOG 12
#define OP_MARK 13
#define OP_NOTRACK 14
#define OP_LIMIT 15
#define OP_TEST 16
#define OP_MASK 17
#define OP_FIELD 18

/* flags beside the op. DECIDES: the verdict is what the packet is known by (filter); POLICY: a chain policy */
#define RECORD_DECIDES 0x100
#define RECORD_POLICY 0x200

/* leaves of a TEST diagram */
#define TEST_FALSE 0
#define TEST_TRUE 1
#define TEST_HOTDROP 2

/* interface ids; real ones follow. NONE: the hook has no such interface; OTHER: not in the snapshot */
#define INTERFACE_NONE 0
#define INTERFACE_OTHER 1
#define INTERFACE_LOOPBACK 2

/* bounds of loops */
#define LIMIT_WALK 160
#define LIMIT_RECORDS 0x200
#define LIMIT_DEPTH 32
#define LIMIT_TCP_OPTIONS 8

/* connection.tcp_state; IGNORE and INVALID stand in the transition table only */
#define TCP_NONE 0
#define TCP_SYN_SENT 1
#define TCP_SYN_RECV 2
#define TCP_ESTABLISHED 3
#define TCP_FIN_WAIT 4
#define TCP_CLOSE_WAIT 5
#define TCP_LAST_ACK 6
#define TCP_TIME_WAIT 7
#define TCP_CLOSE 8
#define TCP_SYN_SENT2 9
#define TCP_IGNORE 14
#define TCP_INVALID 15

/* kinds of TCP segments by the flag that counts most */
#define SEGMENT_SYN 0
#define SEGMENT_SYNACK 1
#define SEGMENT_FIN 2
#define SEGMENT_ACK 3
#define SEGMENT_RST 4
#define SEGMENT_NONE 5

/* index of a lifetime in the table header */
#define TIMEOUT_GENERIC 0
#define TIMEOUT_ICMP 1
#define TIMEOUT_ICMPV6 2
#define TIMEOUT_UDP 3
#define TIMEOUT_UDP_STREAM 4
#define TIMEOUT_GRE 5
#define TIMEOUT_GRE_STREAM 6
#define TIMEOUT_TCP_UNACK 7
#define TIMEOUT_TCP 8
#define TIMEOUT_SCTP 18

/* connection.tcp_flags */
#define CT_TCP_CLOSE_INIT 1
#define CT_TCP_SIMULTANEOUS 2
#define CT_TCP_CHALLENGE 4

/* connection.tcp_state of SCTP; INVALID stands in the transition table only */
#define SCTP_NONE 0
#define SCTP_CLOSED 1
#define SCTP_COOKIE_WAIT 2
#define SCTP_COOKIE_ECHOED 3
#define SCTP_ESTABLISHED 4
#define SCTP_SHUTDOWN_SENT 5
#define SCTP_SHUTDOWN_RECD 6
#define SCTP_SHUTDOWN_ACK_SENT 7
#define SCTP_HEARTBEAT_SENT 8
#define SCTP_INVALID 15

/* connection.tcp_flags of SCTP; INIT_SEEN is shifted by direction */
#define CT_SCTP_INIT_SEEN 1
#define CT_SCTP_HEARTBEAT_FAILED 4

/* map `config`, ARRAY of one */
struct config {
	__u32 mode; /* MODE_*: OBSERVE passes every packet and only counts */
	__u32 record; /* 1: write `result` per packet (replays); 0 on live hosts */
	__u32 hz; /* jiffies a second of the running kernel */
	__u32 loopback; /* ifindex of lo */
	__u32 checksum; /* CHECKSUM_* */
	__u32 tcp_loose; /* sysctl net.netfilter.nf_conntrack_tcp_loose */
	__u32 forward4; /* sysctl net.ipv4.ip_forward */
	__u32 forward6; /* sysctl net.ipv6.conf.all.forwarding */
	__u32 zero; /* always 0: keeps the verifier from propagating constants */
	__u32 unlimited; /* 1: no rate limit on ICMP answers (replays, whose reference has none) */
};
_Static_assert(__builtin_offsetof(struct config, mode) == 0, "config.mode");
_Static_assert(__builtin_offsetof(struct config, record) == 4, "config.record");
_Static_assert(__builtin_offsetof(struct config, hz) == 8, "config.hz");
_Static_assert(__builtin_offsetof(struct config, loopback) == 12, "config.loopback");
_Static_assert(__builtin_offsetof(struct config, checksum) == 16, "config.checksum");
_Static_assert(__builtin_offsetof(struct config, tcp_loose) == 20, "config.tcp_loose");
_Static_assert(__builtin_offsetof(struct config, forward4) == 24, "config.forward4");
_Static_assert(__builtin_offsetof(struct config, forward6) == 28, "config.forward6");
_Static_assert(__builtin_offsetof(struct config, zero) == 32, "config.zero");
_Static_assert(__builtin_offsetof(struct config, unlimited) == 36, "config.unlimited");
_Static_assert(sizeof(struct config) == 40, "config");

/* map `results`, mmapable ARRAY of one: the last packet, written when config.record is 1 */
struct result {
	__u64 sequence; /* packets recorded so far */
	__u32 verdict; /* VERDICT_* */
	__u32 reason; /* REASON_* */
	__u32 rule; /* deciding rule id or chain policy id; NO_RULE when none */
	__u32 hook; /* HOOK_* */
	__u32 state; /* STATE_* */
	__u32 direction; /* 0 original, 1 reply */
	__u32 mark; /* packet mark after the walk */
	__u32 output; /* ifindex of the output interface (FORWARD, OUTPUT); 0 when none */
	__u32 reject; /* REJECT_* */
	__u32 answered; /* 1: the frame now holds the answer to a rejected packet */
	__u32 log_count; /* LOG rules hit; at most MAX_LOGS are kept */
	__u32 hit_count; /* rules and policies hit; at most MAX_HITS are kept */
	__u32 logs[16]; /* rule ids, in order */
	__u32 hits[64]; /* rule ids and policy ids, in order */
	__u32 ct; /* field F_CT after the walk */
	__u32 pad; /* to 8 bytes */
};
_Static_assert(__builtin_offsetof(struct result, sequence) == 0, "result.sequence");
_Static_assert(__builtin_offsetof(struct result, verdict) == 8, "result.verdict");
_Static_assert(__builtin_offsetof(struct result, reason) == 12, "result.reason");
_Static_assert(__builtin_offsetof(struct result, rule) == 16, "result.rule");
_Static_assert(__builtin_offsetof(struct result, hook) == 20, "result.hook");
_Static_assert(__builtin_offsetof(struct result, state) == 24, "result.state");
_Static_assert(__builtin_offsetof(struct result, direction) == 28, "result.direction");
_Static_assert(__builtin_offsetof(struct result, mark) == 32, "result.mark");
_Static_assert(__builtin_offsetof(struct result, output) == 36, "result.output");
_Static_assert(__builtin_offsetof(struct result, reject) == 40, "result.reject");
_Static_assert(__builtin_offsetof(struct result, answered) == 44, "result.answered");
_Static_assert(__builtin_offsetof(struct result, log_count) == 48, "result.log_count");
_Static_assert(__builtin_offsetof(struct result, hit_count) == 52, "result.hit_count");
_Static_assert(__builtin_offsetof(struct result, logs) == 56, "result.logs");
_Static_assert(__builtin_offsetof(struct result, hits) == 120, "result.hits");
_Static_assert(__builtin_offsetof(struct result, ct) == 376, "result.ct");
_Static_assert(__builtin_offsetof(struct result, pad) == 380, "result.pad");
_Static_assert(sizeof(struct result) == 384, "result");

/* map `counters`, PERCPU_ARRAY: by rule id, then by policy id */
struct counter {
	__u64 packets;
	__u64 bytes; /* layer 3 and up, as iptables counts */
};
_Static_assert(__builtin_offsetof(struct counter, packets) == 0, "counter.packets");
_Static_assert(__builtin_offsetof(struct counter, bytes) == 8, "counter.bytes");
_Static_assert(sizeof(struct counter) == 16, "counter");

/* map `connections`: both directions of a connection share one key. The side that sorts first (address, then port, as big-endian bytes) stands first */
struct connection_key {
	__u32 first[4]; /* address, network order; IPv4 in word 0 */
	__u32 second[4]; /* address, network order */
	__u16 first_port; /* network order; ICMP: identifier */
	__u16 second_port; /* network order; ICMP: request type << 8 | code */
	__u8 protocol; /* IP protocol */
	__u8 family; /* 4 or 6 */
	__u16 pad; /* zero */
};
_Static_assert(__builtin_offsetof(struct connection_key, first) == 0, "connection_key.first");
_Static_assert(__builtin_offsetof(struct connection_key, second) == 16, "connection_key.second");
_Static_assert(__builtin_offsetof(struct connection_key, first_port) == 32, "connection_key.first_port");
_Static_assert(__builtin_offsetof(struct connection_key, second_port) == 34, "connection_key.second_port");
_Static_assert(__builtin_offsetof(struct connection_key, protocol) == 36, "connection_key.protocol");
_Static_assert(__builtin_offsetof(struct connection_key, family) == 37, "connection_key.family");
_Static_assert(__builtin_offsetof(struct connection_key, pad) == 38, "connection_key.pad");
_Static_assert(sizeof(struct connection_key) == 40, "connection_key");

/* map `connections`, LRU_HASH */
struct connection {
	__u64 expires; /* jiffies64; the entry is dead from then on */
	__u32 status; /* CT_* */
	__u32 tcp_state; /* TCP_* or SCTP_*, or 0 */
	__u64 stream; /* UDP: jiffies64 from which a replied flow is a stream */
	__u32 mark; /* connection mark */
	__u32 tcp_flags; /* CT_TCP_* or CT_SCTP_* */
	__u16 last_segment; /* SEGMENT_* of the last TCP segment believed or ignored */
	__u16 last_reply; /* 1: that segment, or the last SCTP heartbeat with a wrong tag, came from the reply side */
	__u32 last_end; /* sequence number behind the last ignored segment, host order */
	__u32 tags[2]; /* SCTP verification tags by direction, host order */
};
_Static_assert(__builtin_offsetof(struct connection, expires) == 0, "connection.expires");
_Static_assert(__builtin_offsetof(struct connection, status) == 8, "connection.status");
_Static_assert(__builtin_offsetof(struct connection, tcp_state) == 12, "connection.tcp_state");
_Static_assert(__builtin_offsetof(struct connection, stream) == 16, "connection.stream");
_Static_assert(__builtin_offsetof(struct connection, mark) == 24, "connection.mark");
_Static_assert(__builtin_offsetof(struct connection, tcp_flags) == 28, "connection.tcp_flags");
_Static_assert(__builtin_offsetof(struct connection, last_segment) == 32, "connection.last_segment");
_Static_assert(__builtin_offsetof(struct connection, last_reply) == 34, "connection.last_reply");
_Static_assert(__builtin_offsetof(struct connection, last_end) == 36, "connection.last_end");
_Static_assert(__builtin_offsetof(struct connection, tags) == 40, "connection.tags");
_Static_assert(sizeof(struct connection) == 48, "connection");

/* map `events`, ring buffer: one per packet that meets a LOG rule */
struct event {
	__u64 time; /* jiffies64 */
	__u32 rule; /* rule id */
	__u32 hook; /* HOOK_* */
	__u32 input; /* ifindex, 0 for OUTPUT */
	__u32 output; /* ifindex, 0 for INPUT */
	__u32 mark;
	__u32 level; /* syslog level */
	__u32 length; /* bytes of the frame */
	__u32 captured; /* bytes in `frame` */
	__u8 prefix[32]; /* NUL-terminated */
	__u8 frame[96]; /* from the Ethernet header on */
};
_Static_assert(__builtin_offsetof(struct event, time) == 0, "event.time");
_Static_assert(__builtin_offsetof(struct event, rule) == 8, "event.rule");
_Static_assert(__builtin_offsetof(struct event, hook) == 12, "event.hook");
_Static_assert(__builtin_offsetof(struct event, input) == 16, "event.input");
_Static_assert(__builtin_offsetof(struct event, output) == 20, "event.output");
_Static_assert(__builtin_offsetof(struct event, mark) == 24, "event.mark");
_Static_assert(__builtin_offsetof(struct event, level) == 28, "event.level");
_Static_assert(__builtin_offsetof(struct event, length) == 32, "event.length");
_Static_assert(__builtin_offsetof(struct event, captured) == 36, "event.captured");
_Static_assert(__builtin_offsetof(struct event, prefix) == 40, "event.prefix");
_Static_assert(__builtin_offsetof(struct event, frame) == 72, "event.frame");
_Static_assert(sizeof(struct event) == 168, "event");

#endif
