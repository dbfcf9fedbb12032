// SPDX-License-Identifier: Apache-2.0
// The decision table: one flat array of little-endian 32-bit words that bpf/lib/classify.h walks and
// bpf/lib/chain.h executes. Word addresses below are indices into it; address 0 is never a target.
//
// node    [field | shift << 8, low, span, outside, kid 0, kid 1...]
//         d = f[field] - low (mod 2^32); next = d <= span ? kid[d >> shift] : outside
//         shift is 0 to 32, so that one kid can stand for the whole span.
// next    a node's address, or LEAF | value. A value is a list's address (chains) or a plain number.
// list    addresses of records, executed in order; the last one leaves the list for good.
// record  [op | flags, ...] as OP documents.
import { CT_FIELD, FIELD, FIELD_SLOTS, MAC_NONE, PROTO_NONE, TCPOPT_BAD } from '../model/fields.js';
import type { Enumeration } from './layout.js';

export const TABLE_MAGIC = 0x31453249;
export const LEAF = 0x80000000;
/** Longest walk from a root to a leaf, in nodes: bound of the walker's loop. */
export const MAX_WALK = 160;
/** Records executed in one phase at most: bound of the chain machine's loop. */
export const MAX_RECORDS = 512;
/** Jumps a packet can be inside of at once. */
export const MAX_DEPTH = 32;
export const MAX_TCP_OPTIONS = 8;

/** Header words. ENTRY + family * 8 + phase holds the list where the phase begins, 0 = no rules there. */
export const HEADER = {
  prefix: 'TABLE',
  note: 'words of the table header',
  values: {
    MAGIC: 0,
    WORDS: 1,
    /** Bit 0: IPv4 is tracked, bit 1: IPv6. */
    TRACK: 2,
    /** WANT_* bits. */
    WANTS: 3,
    TCP_OPTIONS: 4,
    /** Roots whose leaves are ROUTE_*: IPv4, IPv6. */
    ROUTE: 6,
    ENTRY: 8,
    /** Lifetimes of connections in jiffies, indexed by TIMEOUT_*. */
    TIMEOUT: 24,
    /** Next TCP state, 4 bits each: two words per (reply * 6 + segment), indexed by state. */
    TCP_NEXT: 52,
    /** Address of one word per interface id: the IPv4 address errors come from. */
    SOURCES: 76,
    /** Roots whose leaf is 1 for packets that no ICMP error answers, else 0: IPv4, IPv6. */
    UNANSWERED: 77,
    /** Address of the next SCTP state, as TCP_NEXT: two words per (reply * 16 + chunk type). */
    SCTP_NEXT: 79,
    /** Address of the 256 words of CRC-32c. */
    CRC: 80,
    END: 81,
  },
} as const satisfies Enumeration;

export const WANT = {
  prefix: 'WANT',
  note: 'what rules ask for beyond the always-filled fields',
  values: { TCP_OPTIONS: 1, TUPLE: 2, EXPIRES: 4 },
} as const satisfies Enumeration;

/** Stretches of a packet's way between which C code acts (tracking, routing). */
export const PHASE = {
  prefix: 'PHASE',
  note: 'index of a phase in the table header',
  values: {
    PREROUTING_RAW: 0,
    PREROUTING: 1,
    INPUT: 2,
    FORWARD: 3,
    OUTPUT_RAW: 4,
    OUTPUT: 5,
    /** What XDP drops of PREROUTING_RAW (model/early.ts). */
    EARLY: 6,
  },
} as const satisfies Enumeration;

/** FORWARD: ask the routing table. */
export const ROUTE = {
  prefix: 'ROUTE',
  note: 'leaf of the routing diagram',
  values: { FORWARD: 0, LOCAL: 1, DROP: 2 },
} as const satisfies Enumeration;

export const OP = {
  prefix: 'OP',
  note: 'record operations; id = rule or policy id',
  values: {
    /** [op, root]: walk; the leaf is the next list. */
    LOOKUP: 1,
    /** [op, count, default list, then root and smallest list per part]: the smallest leaf of all parts. */
    PARTS: 2,
    /** [op, policy list, list of the next base chain or 0, first list]: a base chain begins. */
    BASE: 3,
    /** [op, id]: on to the next base chain. */
    ACCEPT: 4,
    /** [op, id]. */
    DROP: 5,
    /** [op, id, kind]. */
    REJECT: 6,
    /** [op, id]: dropped inside a match; nothing is counted. */
    HOTDROP: 7,
    /** [op, id, list]. */
    JUMP: 8,
    /** [op, id, list]. */
    GOTO: 9,
    /** [op, id of the rule or of the chain's end]. */
    RETURN: 10,
    /** [op, id]. */
    COUNT: 11,
    /** [op, id, level, prefix in LOG_PREFIX_BYTES / 4 words]. */
    LOG: 12,
    /** [op, id, and, xor]. */
    MARK: 13,
    /** [op, id]. */
    NOTRACK: 14,
    /** [op, index in map `limits`, cost, cap, credit per jiffy, record when it passes]. */
    LIMIT: 15,
    /** [op, root, record when the leaf is 1, id]; leaf 0: next in list; leaf 2: hot-drop. */
    TEST: 16,
    /** [op, slot, field, mask]. */
    MASK: 17,
    /** [op, slot, root]: the leaf is the value. */
    FIELD: 18,
  },
} as const satisfies Enumeration;

export const RECORD_FLAG = {
  prefix: 'RECORD',
  note: 'flags beside the op. DECIDES: the verdict is what the packet is known by (filter); POLICY: a chain policy',
  values: { DECIDES: 0x100, POLICY: 0x200 },
} as const satisfies Enumeration;

/** Leaves of a TEST diagram. */
export const TEST_LEAF = {
  prefix: 'TEST',
  note: 'leaves of a TEST diagram',
  values: { FALSE: 0, TRUE: 1, HOTDROP: 2 },
} as const satisfies Enumeration;

/** Interface ids that stand for no interface of the snapshot (interfaces.ts). */
export const INTERFACE_ID = {
  prefix: 'INTERFACE',
  note: 'interface ids; real ones follow. NONE: the hook has no such interface; OTHER: not in the snapshot',
  values: { NONE: 0, OTHER: 1, LOOPBACK: 2 },
} as const satisfies Enumeration;

export const TABLE_CONSTANTS: readonly Enumeration[] = [
  { prefix: 'F', note: 'slots of the field vector (src/model/fields.ts)', values: FIELD },
  {
    prefix: 'FIELD',
    note: 'values of fields',
    values: { SLOTS: FIELD_SLOTS, PROTO_NONE, TCPOPT_BAD, MAC_NONE },
  },
  { prefix: 'CTF', note: 'bits of F_CT', values: CT_FIELD },
  HEADER,
  WANT,
  PHASE,
  ROUTE,
  OP,
  RECORD_FLAG,
  TEST_LEAF,
  INTERFACE_ID,
  {
    prefix: 'LIMIT',
    note: 'bounds of loops',
    values: { WALK: MAX_WALK, RECORDS: MAX_RECORDS, DEPTH: MAX_DEPTH, TCP_OPTIONS: MAX_TCP_OPTIONS },
  },
];
