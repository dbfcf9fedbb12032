// SPDX-License-Identifier: Apache-2.0
// What each SCTP chunk does to the state of a tracked association (RFC 9260;
// net/netfilter/nf_conntrack_proto_sctp.c).

export type SctpStateName =
  | 'NONE'
  | 'CLOSED'
  | 'COOKIE_WAIT'
  | 'COOKIE_ECHOED'
  | 'ESTABLISHED'
  | 'SHUTDOWN_SENT'
  | 'SHUTDOWN_RECD'
  | 'SHUTDOWN_ACK_SENT'
  | 'HEARTBEAT_SENT';

export const CHUNK_DATA = 0;
export const CHUNK_INIT = 1;
export const CHUNK_INIT_ACK = 2;
export const CHUNK_HEARTBEAT = 4;
export const CHUNK_HEARTBEAT_ACK = 5;
export const CHUNK_ABORT = 6;
const CHUNK_SHUTDOWN = 7;
export const CHUNK_SHUTDOWN_ACK = 8;
const CHUNK_ERROR = 9;
export const CHUNK_COOKIE_ECHO = 10;
export const CHUNK_COOKIE_ACK = 11;
export const CHUNK_SHUTDOWN_COMPLETE = 14;

type Row = Readonly<Partial<Record<SctpStateName, SctpStateName>>>;

/** Changes only: a state not named stays, but NONE and HEARTBEAT_SENT, see below. */
const ORIGINAL: Readonly<Record<number, Row>> = {
  [CHUNK_INIT]: { SHUTDOWN_SENT: 'CLOSED', SHUTDOWN_RECD: 'CLOSED', HEARTBEAT_SENT: 'COOKIE_WAIT' },
  [CHUNK_INIT_ACK]: {},
  [CHUNK_ABORT]: {
    COOKIE_WAIT: 'CLOSED',
    COOKIE_ECHOED: 'CLOSED',
    ESTABLISHED: 'CLOSED',
    SHUTDOWN_SENT: 'CLOSED',
    SHUTDOWN_RECD: 'CLOSED',
    SHUTDOWN_ACK_SENT: 'CLOSED',
  },
  [CHUNK_SHUTDOWN]: { ESTABLISHED: 'SHUTDOWN_SENT' },
  [CHUNK_SHUTDOWN_ACK]: {
    NONE: 'SHUTDOWN_ACK_SENT',
    SHUTDOWN_SENT: 'SHUTDOWN_ACK_SENT',
    SHUTDOWN_RECD: 'SHUTDOWN_ACK_SENT',
    HEARTBEAT_SENT: 'SHUTDOWN_ACK_SENT',
  },
  [CHUNK_ERROR]: {},
  [CHUNK_COOKIE_ECHO]: { COOKIE_WAIT: 'COOKIE_ECHOED' },
  [CHUNK_COOKIE_ACK]: { COOKIE_ECHOED: 'ESTABLISHED' },
  [CHUNK_SHUTDOWN_COMPLETE]: { SHUTDOWN_ACK_SENT: 'CLOSED' },
  [CHUNK_HEARTBEAT]: { NONE: 'HEARTBEAT_SENT', HEARTBEAT_SENT: 'HEARTBEAT_SENT' },
  [CHUNK_HEARTBEAT_ACK]: { HEARTBEAT_SENT: 'HEARTBEAT_SENT' },
};

const REPLY: Readonly<Record<number, Row>> = {
  ...ORIGINAL,
  [CHUNK_INIT]: {},
  [CHUNK_INIT_ACK]: { CLOSED: 'COOKIE_WAIT' },
  [CHUNK_SHUTDOWN]: { ESTABLISHED: 'SHUTDOWN_RECD' },
  [CHUNK_SHUTDOWN_ACK]: { SHUTDOWN_SENT: 'SHUTDOWN_ACK_SENT', SHUTDOWN_RECD: 'SHUTDOWN_ACK_SENT' },
  [CHUNK_ERROR]: { COOKIE_ECHOED: 'CLOSED' },
  [CHUNK_HEARTBEAT]: { HEARTBEAT_SENT: 'HEARTBEAT_SENT' },
  [CHUNK_HEARTBEAT_ACK]: { HEARTBEAT_SENT: 'ESTABLISHED' },
};

/**
 * Chunks that move no state (DATA, SACK...) leave it. In a new association, or one known by heartbeats only,
 * any other chunk from the original side means CLOSED, from the reply side it is invalid.
 */
export function sctpTransition(
  isReply: boolean,
  chunk: number,
  state: SctpStateName,
): SctpStateName | 'invalid' {
  const row = (isReply ? REPLY : ORIGINAL)[chunk];
  if (row === undefined) return state;
  const next = row[state];
  const unknown = state === 'NONE' || state === 'HEARTBEAT_SENT';
  if (!unknown) return next ?? state;
  if (!isReply) return next ?? 'CLOSED';
  const heartbeat = chunk === CHUNK_HEARTBEAT || chunk === CHUNK_HEARTBEAT_ACK;
  return state === 'HEARTBEAT_SENT' && heartbeat ? (next ?? state) : 'invalid';
}
