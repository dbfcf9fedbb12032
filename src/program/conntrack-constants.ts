// SPDX-License-Identifier: Apache-2.0
// Connection tracking's numbers for the program, from the tables of the reference evaluator: one source
// of truth for what a segment does to a state and how long a state lives.
import type { Host } from '../host/host.js';
import { sctpTransition } from '../ruleset/evaluate/conntrack/sctp-state.js';
import type { SctpStateName } from '../ruleset/evaluate/conntrack/sctp-state.js';
import { tcpTransition } from '../ruleset/evaluate/conntrack/tcp-state.js';
import type { SegmentKind, TcpStateName } from '../ruleset/evaluate/conntrack/tcp-state.js';
import { readTimeouts } from '../ruleset/evaluate/conntrack/timeouts.js';
import type { Enumeration } from './layout.js';

export const TCP_STATE = {
  prefix: 'TCP',
  note: 'connection.tcp_state; IGNORE and INVALID stand in the transition table only',
  values: {
    NONE: 0,
    SYN_SENT: 1,
    SYN_RECV: 2,
    ESTABLISHED: 3,
    FIN_WAIT: 4,
    CLOSE_WAIT: 5,
    LAST_ACK: 6,
    TIME_WAIT: 7,
    CLOSE: 8,
    SYN_SENT2: 9,
    IGNORE: 14,
    INVALID: 15,
  },
} as const satisfies Enumeration;

export const SEGMENT = {
  prefix: 'SEGMENT',
  note: 'kinds of TCP segments by the flag that counts most',
  values: { SYN: 0, SYNACK: 1, FIN: 2, ACK: 3, RST: 4, NONE: 5 },
} as const satisfies Enumeration;

/** TCP and SCTP: plus a state. */
export const TIMEOUT = {
  prefix: 'TIMEOUT',
  note: 'index of a lifetime in the table header',
  values: {
    GENERIC: 0,
    ICMP: 1,
    ICMPV6: 2,
    UDP: 3,
    UDP_STREAM: 4,
    GRE: 5,
    GRE_STREAM: 6,
    TCP_UNACK: 7,
    TCP: 8,
    SCTP: 18,
  },
} as const satisfies Enumeration;

export const TCP_FLAG_BITS = {
  prefix: 'CT_TCP',
  note: 'connection.tcp_flags',
  values: { CLOSE_INIT: 1, SIMULTANEOUS: 2, CHALLENGE: 4 },
} as const satisfies Enumeration;

export const SCTP_STATE = {
  prefix: 'SCTP',
  note: 'connection.tcp_state of SCTP; INVALID stands in the transition table only',
  values: {
    NONE: 0,
    CLOSED: 1,
    COOKIE_WAIT: 2,
    COOKIE_ECHOED: 3,
    ESTABLISHED: 4,
    SHUTDOWN_SENT: 5,
    SHUTDOWN_RECD: 6,
    SHUTDOWN_ACK_SENT: 7,
    HEARTBEAT_SENT: 8,
    INVALID: 15,
  },
} as const satisfies Enumeration;

export const SCTP_FLAG_BITS = {
  prefix: 'CT_SCTP',
  note: 'connection.tcp_flags of SCTP; INIT_SEEN is shifted by direction',
  values: { INIT_SEEN: 1, HEARTBEAT_FAILED: 4 },
} as const satisfies Enumeration;

export const CONNTRACK_CONSTANTS: readonly Enumeration[] = [
  TCP_STATE,
  SEGMENT,
  TIMEOUT,
  TCP_FLAG_BITS,
  SCTP_STATE,
  SCTP_FLAG_BITS,
];

/** SCTP chunk types that may move a state are below this. */
export const SCTP_CHUNK_TYPES = 16;
const SCTP_STATES = Object.keys(SCTP_STATE.values).slice(0, 9) as SctpStateName[];

/** Two words per (reply, chunk type): states 0-7 and 8, four bits each. */
export function sctpTransitionWords(): number[] {
  const words: number[] = [];
  for (const isReply of [false, true]) {
    for (let chunk = 0; chunk < SCTP_CHUNK_TYPES; chunk++) {
      const next: number[] = SCTP_STATES.map((state) => {
        const to = sctpTransition(isReply, chunk, state);
        return SCTP_STATE.values[to === 'invalid' ? 'INVALID' : to];
      });
      for (const half of [next.slice(0, 8), next.slice(8)]) words.push(nibbles(half));
    }
  }
  return words;
}

function nibbles(values: readonly number[]): number {
  return values.reduce((word, value, i) => (word | (value << (4 * i))) >>> 0, 0);
}

/** CRC-32c by byte (RFC 9260 appendix A): what SCTP's checksum is computed with. */
export function crcWords(): number[] {
  return Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    return crc >>> 0;
  });
}

const STATES = Object.keys(TCP_STATE.values).slice(0, 10) as TcpStateName[];

/** Two words per (reply, segment kind): states 0-7 and 8-9, four bits each. */
export function tcpTransitionWords(): number[] {
  const words: number[] = [];
  for (const isReply of [false, true]) {
    for (const segment of Object.keys(SEGMENT.values)) {
      const next: number[] = STATES.map((state) => {
        const to = tcpTransition(isReply, segment.toLowerCase() as SegmentKind, state);
        return TCP_STATE.values[to.toUpperCase() as keyof typeof TCP_STATE.values];
      });
      for (const half of [next.slice(0, 8), next.slice(8)]) words.push(nibbles(half));
    }
  }
  return words;
}

/** Jiffies, in TIMEOUT order, then one per TCP state and one per SCTP state. */
export function timeoutWords(host: Host, hz: number): number[] {
  const timeouts = readTimeouts(host, hz);
  return [
    timeouts.generic,
    timeouts.icmp,
    timeouts.icmpv6,
    timeouts.udp,
    timeouts.udpStream,
    timeouts.gre,
    timeouts.greStream,
    timeouts.tcpUnacknowledged,
    ...STATES.map((state) => timeouts.tcp[state]),
    ...SCTP_STATES.map((state) => timeouts.sctp[state]),
  ];
}
