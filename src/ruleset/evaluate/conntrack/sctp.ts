// SPDX-License-Identifier: Apache-2.0
// SCTP tracking: net/netfilter/nf_conntrack_proto_sctp.c nf_conntrack_sctp_packet; verification tags by
// RFC 9260 section 8.5.
import { load16, load32 } from '../../../packet/bytes.js';
import { sctpChecksumValid } from '../../../packet/transport-checksum.js';
import { CT_ESTABLISHED_REPLY, type Skb } from '../skb.js';
import { type Connection, STATUS_ASSURED } from './connection.js';
import {
  CHUNK_ABORT,
  CHUNK_COOKIE_ACK,
  CHUNK_COOKIE_ECHO,
  CHUNK_DATA,
  CHUNK_HEARTBEAT,
  CHUNK_HEARTBEAT_ACK,
  CHUNK_INIT,
  CHUNK_INIT_ACK,
  CHUNK_SHUTDOWN_ACK,
  CHUNK_SHUTDOWN_COMPLETE,
  type SctpStateName,
  sctpTransition,
} from './sctp-state.js';
import type { TrackerContext, TrackResult } from './tracker.js';

/** Arrays by direction: original, reply. */
export interface SctpState {
  name: SctpStateName;
  readonly tag: [number, number];
  readonly initSeen: [boolean, boolean];
  heartbeatTagFailed: boolean;
  lastDirection: 0 | 1;
}

interface Chunk {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
}

const HEADER = 12;

/** The chunks, or undefined where they can't stand together in one packet (RFC 9260 section 4). */
function readChunks(frame: Uint8Array, l4Offset: number, end: number): Chunk[] | undefined {
  const chunks: Chunk[] = [];
  let alone = false;
  for (let offset = l4Offset + HEADER; offset < end && offset + 4 <= end;) {
    const type = frame[offset]!;
    const length = load16(frame, offset + 2);
    if (type === CHUNK_INIT || type === CHUNK_INIT_ACK || type === CHUNK_SHUTDOWN_COMPLETE) alone = true;
    const first = alone || type === CHUNK_COOKIE_ACK || type === CHUNK_COOKIE_ECHO;
    if ((first && chunks.length > 0) || length === 0) return undefined;
    chunks.push({ type, flags: frame[offset + 1]!, offset });
    offset += (length + 3) & ~3;
  }
  return chunks.length === 0 ? undefined : chunks;
}

export function trackSctp(
  connection: Connection,
  skb: Skb,
  ctInfo: number,
  context: TrackerContext,
): TrackResult {
  const { frame, l4Offset, end } = skb.packet;
  if (l4Offset + HEADER > end) return 'invalid';
  if (context.verifyChecksums && skb.hook === 'PREROUTING' && skb.checksumKnown) {
    if (!sctpChecksumValid(skb.packet)) return 'invalid';
  }
  const chunks = readChunks(frame, l4Offset, end);
  if (chunks === undefined) return 'invalid';
  const has = (type: number): boolean => chunks.some((chunk) => chunk.type === type);
  const tag = load32(frame, l4Offset + 4);
  if (!connection.confirmed) {
    if (has(CHUNK_ABORT) || has(CHUNK_SHUTDOWN_COMPLETE) || has(CHUNK_COOKIE_ACK)) return 'invalid';
    const state = newAssociation(chunks, frame, end, tag);
    if (state === undefined) return 'invalid';
    connection.sctp = state;
  }
  const state = (connection.sctp ??= emptyState());
  const direction = ctInfo >= CT_ESTABLISHED_REPLY ? 1 : 0;
  if (!chunks.some((chunk) => TAG_JUDGED_LATER.has(chunk.type)) && tag !== state.tag[direction])
    return 'invalid';
  return applyChunks(connection, state, chunks, direction, tag, has(CHUNK_DATA), skb, context);
}

const TAG_JUDGED_LATER: ReadonlySet<number> = new Set([
  CHUNK_INIT,
  CHUNK_SHUTDOWN_COMPLETE,
  CHUNK_COOKIE_ECHO,
  CHUNK_ABORT,
  CHUNK_SHUTDOWN_ACK,
  CHUNK_HEARTBEAT,
  CHUNK_HEARTBEAT_ACK,
]);

function emptyState(): SctpState {
  return { name: 'NONE', tag: [0, 0], initSeen: [false, false], heartbeatTagFailed: false, lastDirection: 0 };
}

function newAssociation(
  chunks: readonly Chunk[],
  frame: Uint8Array,
  end: number,
  tag: number,
): SctpState | undefined {
  const state = emptyState();
  for (const chunk of chunks) {
    const next = sctpTransition(false, chunk.type, 'NONE');
    if (next === 'NONE' || next === 'invalid') return undefined;
    if (chunk.type === CHUNK_INIT) {
      if (tag !== 0 || chunk.offset + 20 > end) return undefined;
      state.tag[1] = load32(frame, chunk.offset + 4);
    } else if (chunk.type === CHUNK_HEARTBEAT) {
      state.tag[0] = tag;
    } else if (chunk.type === CHUNK_SHUTDOWN_ACK) {
      state.tag[1] = tag;
    }
  }
  return state;
}

function applyChunks(
  connection: Connection,
  state: SctpState,
  chunks: readonly Chunk[],
  direction: 0 | 1,
  tag: number,
  hasData: boolean,
  skb: Skb,
  context: TrackerContext,
): TrackResult {
  const { frame, end } = skb.packet;
  const other = direction === 0 ? 1 : 0;
  let next: SctpStateName = 'NONE';
  let keepTimeout = false;
  for (const { type, flags, offset } of chunks) {
    const reflected = (flags & 1) !== 0;
    if (type === CHUNK_INIT && tag !== 0) return 'invalid';
    if (type === CHUNK_ABORT || type === CHUNK_SHUTDOWN_COMPLETE) {
      if (tag !== state.tag[reflected ? other : direction]) return 'invalid';
    }
    if (type === CHUNK_COOKIE_ECHO && tag !== state.tag[direction]) return 'invalid';
    if (type === CHUNK_COOKIE_ACK) {
      state.initSeen[0] = false;
      state.initSeen[1] = false;
    }
    if (type === CHUNK_HEARTBEAT || type === CHUNK_HEARTBEAT_ACK) {
      if (state.tag[direction] === 0) {
        state.tag[direction] = tag;
      } else if (tag === state.tag[direction]) {
        state.heartbeatTagFailed = false;
      } else {
        if (hasData || keepTimeout) return 'invalid';
        if (type === CHUNK_HEARTBEAT) {
          state.heartbeatTagFailed = true;
          state.lastDirection = direction;
          keepTimeout = true;
          continue;
        }
        if (!state.heartbeatTagFailed || state.lastDirection === direction) return 'invalid';
        state.heartbeatTagFailed = false;
        state.tag[direction] = tag;
        state.tag[other] = 0;
      }
    }
    const old = state.name;
    const moved = sctpTransition(direction === 1, type, old);
    if (moved === 'invalid') return 'invalid';
    next = moved;
    if (type === CHUNK_INIT || type === CHUNK_INIT_ACK) {
      if (offset + 20 > end) return 'invalid';
      const initTag = load32(frame, offset + 4);
      if (type === CHUNK_INIT) {
        if (old === 'NONE' || state.tag[other] !== initTag) {
          if (state.initSeen[direction] && state.initSeen[other]) state.initSeen[other] = false;
          state.initSeen[direction] = true;
        }
        if (next === 'CLOSED' && old === 'CLOSED' && connection.confirmed) keepTimeout = true;
      } else {
        const known = state.tag[other];
        if (!state.initSeen[other] && known !== 0 && known !== initTag) return 'invalid';
        if (state.initSeen[0] && state.initSeen[1] && known !== initTag) return 'invalid';
      }
      state.tag[other] = initTag;
    }
    state.name = next;
    if (old !== next && next === 'ESTABLISHED') connection.status |= STATUS_ASSURED;
  }
  if (!keepTimeout) connection.refresh(context.timeouts.sctp[next], context.clock.jiffies);
  return 'accept';
}
