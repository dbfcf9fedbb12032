// SPDX-License-Identifier: Apache-2.0
// What each kind of TCP segment does to the state of a tracked connection. The states are those of
// `conntrack -L`; the rules follow RFC 9293 as a machine in the middle sees it (nf_conntrack_proto_tcp.c).

export type TcpStateName =
  | 'NONE'
  | 'SYN_SENT'
  | 'SYN_RECV'
  | 'ESTABLISHED'
  | 'FIN_WAIT'
  | 'CLOSE_WAIT'
  | 'LAST_ACK'
  | 'TIME_WAIT'
  | 'CLOSE'
  | 'SYN_SENT2';

/** By the flag that counts most: RST, then SYN (with or without ACK), FIN, ACK. */
export type SegmentKind = 'syn' | 'synack' | 'fin' | 'ack' | 'rst' | 'none';

/** `ignore`: let through without believing it; the other side will say whether it was right. */
export type TcpTransition = TcpStateName | 'ignore' | 'invalid';

export interface TcpState {
  name: TcpStateName;
  /** Kind and direction (true: reply) of the last segment believed or ignored. */
  lastKind: SegmentKind;
  lastReply: boolean;
  /** Sequence number behind the last ignored segment. */
  lastEnd: number;
  /** A SYN was ignored in LAST_ACK: an ACK from the other side may be an RFC 5961 challenge. */
  expectChallenge: boolean;
  simultaneousOpen: boolean;
  /** Some side began the close by a FIN: the tuple may be used anew. */
  closeInitiated: boolean;
}

export function newTcpState(): TcpState {
  return {
    name: 'NONE',
    lastKind: 'none',
    lastReply: false,
    lastEnd: 0,
    expectChallenge: false,
    simultaneousOpen: false,
    closeInitiated: false,
  };
}

type Row = Readonly<Partial<Record<TcpStateName, TcpTransition>>> & { readonly others: TcpTransition };

/** FIN and RST count alike from both sides. */
const FIN: Row = {
  SYN_RECV: 'FIN_WAIT',
  ESTABLISHED: 'FIN_WAIT',
  FIN_WAIT: 'LAST_ACK',
  CLOSE_WAIT: 'LAST_ACK',
  LAST_ACK: 'LAST_ACK',
  TIME_WAIT: 'TIME_WAIT',
  CLOSE: 'CLOSE',
  others: 'invalid',
};
const RST: Row = { NONE: 'invalid', others: 'CLOSE' };
const NO_FLAGS: Row = { others: 'invalid' };

const ORIGINAL: Readonly<Record<SegmentKind, Row>> = {
  syn: {
    NONE: 'SYN_SENT',
    SYN_SENT: 'SYN_SENT',
    SYN_SENT2: 'SYN_SENT2',
    // A connection that is over may be opened anew.
    TIME_WAIT: 'SYN_SENT',
    CLOSE: 'SYN_SENT',
    others: 'ignore',
  },
  // A client answers with SYN/ACK only when both sides opened at once.
  synack: { SYN_RECV: 'SYN_RECV', SYN_SENT2: 'SYN_RECV', others: 'invalid' },
  fin: FIN,
  ack: {
    // Picked up in its middle.
    NONE: 'ESTABLISHED',
    SYN_RECV: 'ESTABLISHED',
    ESTABLISHED: 'ESTABLISHED',
    FIN_WAIT: 'CLOSE_WAIT',
    CLOSE_WAIT: 'CLOSE_WAIT',
    LAST_ACK: 'TIME_WAIT',
    TIME_WAIT: 'TIME_WAIT',
    CLOSE: 'CLOSE',
    others: 'invalid',
  },
  rst: RST,
  none: NO_FLAGS,
};

const REPLY: Readonly<Record<SegmentKind, Row>> = {
  syn: { SYN_SENT: 'SYN_SENT2', SYN_SENT2: 'SYN_SENT2', TIME_WAIT: 'SYN_SENT', others: 'invalid' },
  synack: { NONE: 'invalid', SYN_SENT: 'SYN_RECV', SYN_SENT2: 'SYN_RECV', others: 'ignore' },
  fin: FIN,
  ack: {
    NONE: 'invalid',
    // A half-open server's challenge.
    SYN_SENT: 'ignore',
    SYN_SENT2: 'ignore',
    SYN_RECV: 'SYN_RECV',
    ESTABLISHED: 'ESTABLISHED',
    FIN_WAIT: 'CLOSE_WAIT',
    CLOSE_WAIT: 'CLOSE_WAIT',
    LAST_ACK: 'TIME_WAIT',
    TIME_WAIT: 'TIME_WAIT',
    CLOSE: 'CLOSE',
    others: 'invalid',
  },
  rst: RST,
  none: NO_FLAGS,
};

export function tcpTransition(isReply: boolean, kind: SegmentKind, state: TcpStateName): TcpTransition {
  const row = (isReply ? REPLY : ORIGINAL)[kind];
  return row[state] ?? row.others;
}

const FLAG_FIN = 1;
const FLAG_SYN = 2;
const FLAG_RST = 4;
const FLAG_ACK = 16;
const FLAG_URG = 32;

/** `flags`: byte 13 of the TCP header. */
export function segmentKind(flags: number): SegmentKind {
  if ((flags & FLAG_RST) !== 0) return 'rst';
  if ((flags & FLAG_SYN) !== 0) return (flags & FLAG_ACK) !== 0 ? 'synack' : 'syn';
  if ((flags & FLAG_FIN) !== 0) return 'fin';
  return (flags & FLAG_ACK) !== 0 ? 'ack' : 'none';
}

const SANE_FLAGS: ReadonlySet<number> = new Set([
  FLAG_SYN,
  FLAG_SYN | FLAG_URG,
  FLAG_SYN | FLAG_ACK,
  FLAG_RST,
  FLAG_RST | FLAG_ACK,
  FLAG_FIN | FLAG_ACK,
  FLAG_FIN | FLAG_ACK | FLAG_URG,
  FLAG_ACK,
  FLAG_ACK | FLAG_URG,
]);

/** Combinations a TCP may send; PSH, ECE and CWR go with any. */
export function flagsSane(flags: number): boolean {
  return SANE_FLAGS.has(flags & (FLAG_FIN | FLAG_SYN | FLAG_RST | FLAG_ACK | FLAG_URG));
}
