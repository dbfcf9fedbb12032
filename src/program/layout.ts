// SPDX-License-Identifier: Apache-2.0
// Every struct that a program shares with user space, described once: `layout-header.ts` writes the C
// header with static asserts from it, `layout-codec.ts` reads and writes the bytes in TypeScript.
// All integers are little-endian (the byte order of every host we build for) and naturally aligned.
import type { Family } from '../net/family.js';

export type FieldType = 'u8' | 'u16' | 'u32' | 'u64';

export interface LayoutField {
  readonly name: string;
  readonly type: FieldType;
  /** Elements of an array; a plain member has none. */
  readonly count?: number;
  /** Unit, byte order, meaning: becomes the C comment. */
  readonly note: string;
}

export interface StructLayout {
  readonly name: string;
  readonly note: string;
  readonly fields: readonly LayoutField[];
}

/** Values a program shares with user space by name; emitted as `#define PREFIX_NAME`. */
export interface Enumeration {
  readonly prefix: string;
  readonly note: string;
  readonly values: Readonly<Record<string, number>>;
}

/** No rule: nothing decided, or the stack did. */
export const NO_RULE = 0xffffffff;
/** Ids of rules that LOG, kept per packet. */
export const MAX_LOGS = 16;
/** Ids of rules and chain policies a packet hit, kept per packet in record mode; later hits only count. */
export const MAX_HITS = 64;
/** Bytes of a LOG prefix as the kernel stores it (struct ipt_log_info: 30 with the final NUL). */
export const LOG_PREFIX_BYTES = 32;
/** Bytes of the frame that an event carries. */
export const EVENT_FRAME_BYTES = 96;

export const MODE = {
  prefix: 'MODE',
  note: 'config.mode',
  values: { OBSERVE: 0, ENFORCE: 1 },
} as const satisfies Enumeration;

export const VERDICT = {
  prefix: 'VERDICT',
  note: 'result.verdict. PASS: not judged here (not IP, VLAN, AF_PACKET, judged elsewhere). STACK: the IP stack drops it, no rule',
  values: { PASS: 0, ACCEPT: 1, DROP: 2, REJECT: 3, STACK: 4 },
} as const satisfies Enumeration;

export const REASON = {
  prefix: 'REASON',
  note: 'result.reason',
  values: { NONE: 0, RULE: 1, POLICY: 2, HOTDROP: 3, CONNTRACK: 4, STACK: 5, BUDGET: 6, FRAGMENT: 7 },
} as const satisfies Enumeration;

/** The hook the walk ended in; PREROUTING has no path of its own in the verdict record. */
export const HOOK = {
  prefix: 'HOOK',
  note: 'result.hook: where the walk ended',
  values: { NONE: 0, INPUT: 1, FORWARD: 2, OUTPUT: 3, PREROUTING: 4 },
} as const satisfies Enumeration;

export const STATE = {
  prefix: 'STATE',
  note: 'result.state; NONE where connection tracking is off for the family',
  values: { NONE: 0, NEW: 1, ESTABLISHED: 2, RELATED: 3, INVALID: 4, UNTRACKED: 5 },
} as const satisfies Enumeration;

/** `rejectWith` by name; order of src/ruleset/targets/reject.ts. */
export const REJECT_KIND = {
  prefix: 'REJECT',
  note: 'result.reject: kind of answer',
  values: {
    NONE: 0,
    ICMP_NET_UNREACHABLE: 1,
    ICMP_HOST_UNREACHABLE: 2,
    ICMP_PROTO_UNREACHABLE: 3,
    ICMP_PORT_UNREACHABLE: 4,
    ICMP_NET_PROHIBITED: 5,
    ICMP_HOST_PROHIBITED: 6,
    ICMP_ADMIN_PROHIBITED: 7,
    ICMP6_NO_ROUTE: 8,
    ICMP6_ADM_PROHIBITED: 9,
    ICMP6_ADDR_UNREACHABLE: 10,
    ICMP6_PORT_UNREACHABLE: 11,
    ICMP6_POLICY_FAIL: 12,
    ICMP6_REJECT_ROUTE: 13,
    TCP_RESET: 14,
  },
} as const satisfies Enumeration;

/** `rejectWith` text of a REJECT_KIND value; undefined for NONE. */
export function rejectKindName(kind: number): string | undefined {
  const entry = Object.entries(REJECT_KIND.values).find(([, value]) => value === kind);
  return entry === undefined || kind === 0 ? undefined : entry[0].toLowerCase().replaceAll('_', '-');
}

export const CHECKSUM = {
  prefix: 'CHECKSUM',
  note: 'config.checksum. TRUST: none is looked at; VERIFY: all are; LIVE: sums left to the device are trusted',
  values: { TRUST: 0, VERIFY: 1, LIVE: 2 },
} as const satisfies Enumeration;

/** One per object: written by the loader before attaching, by a runner before the first packet. */
export const CONFIG = {
  name: 'config',
  note: 'map `config`, ARRAY of one',
  fields: [
    { name: 'mode', type: 'u32', note: 'MODE_*: OBSERVE passes every packet and only counts' },
    { name: 'record', type: 'u32', note: '1: write `result` per packet (replays); 0 on live hosts' },
    { name: 'hz', type: 'u32', note: 'jiffies a second of the running kernel' },
    { name: 'loopback', type: 'u32', note: 'ifindex of lo' },
    { name: 'checksum', type: 'u32', note: 'CHECKSUM_*' },
    { name: 'tcp_loose', type: 'u32', note: 'sysctl net.netfilter.nf_conntrack_tcp_loose' },
    { name: 'forward4', type: 'u32', note: 'sysctl net.ipv4.ip_forward' },
    { name: 'forward6', type: 'u32', note: 'sysctl net.ipv6.conf.all.forwarding' },
    { name: 'zero', type: 'u32', note: 'always 0: keeps the verifier from propagating constants' },
    {
      name: 'unlimited',
      type: 'u32',
      note: '1: no rate limit on ICMP answers (replays, whose reference has none)',
    },
  ],
} as const satisfies StructLayout;

/** What the last packet met. One entry, memory-mapped by replays; not per CPU: replays use one. */
export const RESULT = {
  name: 'result',
  note: 'map `results`, mmapable ARRAY of one: the last packet, written when config.record is 1',
  fields: [
    { name: 'sequence', type: 'u64', note: 'packets recorded so far' },
    { name: 'verdict', type: 'u32', note: 'VERDICT_*' },
    { name: 'reason', type: 'u32', note: 'REASON_*' },
    { name: 'rule', type: 'u32', note: 'deciding rule id or chain policy id; NO_RULE when none' },
    { name: 'hook', type: 'u32', note: 'HOOK_*' },
    { name: 'state', type: 'u32', note: 'STATE_*' },
    { name: 'direction', type: 'u32', note: '0 original, 1 reply' },
    { name: 'mark', type: 'u32', note: 'packet mark after the walk' },
    { name: 'output', type: 'u32', note: 'ifindex of the output interface (FORWARD, OUTPUT); 0 when none' },
    { name: 'reject', type: 'u32', note: 'REJECT_*' },
    { name: 'answered', type: 'u32', note: '1: the frame now holds the answer to a rejected packet' },
    { name: 'log_count', type: 'u32', note: 'LOG rules hit; at most MAX_LOGS are kept' },
    { name: 'hit_count', type: 'u32', note: 'rules and policies hit; at most MAX_HITS are kept' },
    { name: 'logs', type: 'u32', count: MAX_LOGS, note: 'rule ids, in order' },
    { name: 'hits', type: 'u32', count: MAX_HITS, note: 'rule ids and policy ids, in order' },
    { name: 'ct', type: 'u32', note: 'field F_CT after the walk' },
    { name: 'pad', type: 'u32', note: 'to 8 bytes' },
  ],
} as const satisfies StructLayout;

export const COUNTER = {
  name: 'counter',
  note: 'map `counters`, PERCPU_ARRAY: by rule id, then by policy id',
  fields: [
    { name: 'packets', type: 'u64', note: '' },
    { name: 'bytes', type: 'u64', note: 'layer 3 and up, as iptables counts' },
  ],
} as const satisfies StructLayout;

export const CONNECTION_KEY = {
  name: 'connection_key',
  note: 'map `connections`: both directions of a connection share one key. The side that sorts first (address, then port, as big-endian bytes) stands first',
  fields: [
    { name: 'first', type: 'u32', count: 4, note: 'address, network order; IPv4 in word 0' },
    { name: 'second', type: 'u32', count: 4, note: 'address, network order' },
    { name: 'first_port', type: 'u16', note: 'network order; ICMP: identifier' },
    { name: 'second_port', type: 'u16', note: 'network order; ICMP: request type << 8 | code' },
    { name: 'protocol', type: 'u8', note: 'IP protocol' },
    { name: 'family', type: 'u8', note: '4 or 6' },
    { name: 'pad', type: 'u16', note: 'zero' },
  ],
} as const satisfies StructLayout;

export const CONNECTION = {
  name: 'connection',
  note: 'map `connections`, LRU_HASH',
  fields: [
    { name: 'expires', type: 'u64', note: 'jiffies64; the entry is dead from then on' },
    { name: 'status', type: 'u32', note: 'CT_*' },
    { name: 'tcp_state', type: 'u32', note: 'TCP_* or SCTP_*, or 0' },
    { name: 'stream', type: 'u64', note: 'UDP: jiffies64 from which a replied flow is a stream' },
    { name: 'mark', type: 'u32', note: 'connection mark' },
    { name: 'tcp_flags', type: 'u32', note: 'CT_TCP_* or CT_SCTP_*' },
    { name: 'last_segment', type: 'u16', note: 'SEGMENT_* of the last TCP segment believed or ignored' },
    {
      name: 'last_reply',
      type: 'u16',
      note: '1: that segment, or the last SCTP heartbeat with a wrong tag, came from the reply side',
    },
    { name: 'last_end', type: 'u32', note: 'sequence number behind the last ignored segment, host order' },
    { name: 'tags', type: 'u32', count: 2, note: 'SCTP verification tags by direction, host order' },
  ],
} as const satisfies StructLayout;

export const CONNECTION_STATUS = {
  prefix: 'CT',
  note: 'connection.status, the bits of enum ip_conntrack_status; REPLY_FIRST: the reply side stands first in the key; ANSWERED: in map `unconfirmed`, a rule answered the packet, not the stack',
  values: { SEEN_REPLY: 2, ASSURED: 4, CONFIRMED: 8, REPLY_FIRST: 0x10000, ANSWERED: 0x20000 },
} as const satisfies Enumeration;

/** Map `limits`: ARRAY of u64, low half = jiffies at the last packet, high half = credit; 0 = full. */
export const EVENT = {
  name: 'event',
  note: 'map `events`, ring buffer: one per packet that meets a LOG rule',
  fields: [
    { name: 'time', type: 'u64', note: 'jiffies64' },
    { name: 'rule', type: 'u32', note: 'rule id' },
    { name: 'hook', type: 'u32', note: 'HOOK_*' },
    { name: 'input', type: 'u32', note: 'ifindex, 0 for OUTPUT' },
    { name: 'output', type: 'u32', note: 'ifindex, 0 for INPUT' },
    { name: 'mark', type: 'u32', note: '' },
    { name: 'level', type: 'u32', note: 'syslog level' },
    { name: 'length', type: 'u32', note: 'bytes of the frame' },
    { name: 'captured', type: 'u32', note: 'bytes in `frame`' },
    { name: 'prefix', type: 'u8', count: LOG_PREFIX_BYTES, note: 'NUL-terminated' },
    { name: 'frame', type: 'u8', count: EVENT_FRAME_BYTES, note: 'from the Ethernet header on' },
  ],
} as const satisfies StructLayout;

export const STRUCTS: readonly StructLayout[] = [CONFIG, RESULT, COUNTER, CONNECTION_KEY, CONNECTION, EVENT];

export const ENUMERATIONS: readonly Enumeration[] = [
  MODE,
  CHECKSUM,
  VERDICT,
  REASON,
  HOOK,
  STATE,
  REJECT_KIND,
  CONNECTION_STATUS,
];

/**
 * Map `interfaces`: ARRAY of u32 indexed by ifindex, value = interface id of the program
 * (`ProgramSpec.interfaces`), 0 = an interface no rule names. Filled by whoever loads the object.
 */
export const INTERFACE_SLOTS = 65536;

/** Which evaluation a family goes through; used as an index in the table's header. */
export const FAMILY_INDEX: Readonly<Record<Family, number>> = { ipv4: 0, ipv6: 1 };
