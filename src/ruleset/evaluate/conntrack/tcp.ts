// SPDX-License-Identifier: Apache-2.0
// TCP tracking: net/netfilter/nf_conntrack_proto_tcp.c nf_conntrack_tcp_packet, without window tracking:
// sequence numbers are taken as in window (as nf_conntrack_tcp_be_liberal does for all but RST), a RST closes
// whatever its sequence number, and timeouts are those of the state alone.
import { load32 } from '../../../packet/bytes.js';
import { transportChecksumValid } from '../../../packet/transport-checksum.js';
import { CT_ESTABLISHED_REPLY, type Skb } from '../skb.js';
import { type Connection, STATUS_ASSURED } from './connection.js';
import { flagsSane, newTcpState, segmentKind, type TcpState, tcpTransition } from './tcp-state.js';
import type { TrackerContext, TrackResult } from './tracker.js';

/** False for a segment that is INVALID whatever connection it belongs to. */
function headerValid(skb: Skb, context: TrackerContext): boolean {
  const { frame, l4Offset, end } = skb.packet;
  if (l4Offset + 20 > end) return false;
  const headerLength = (frame[l4Offset + 12]! >>> 4) << 2;
  if (headerLength < 20 || l4Offset + headerLength > end) return false;
  if (context.verifyChecksums && skb.hook === 'PREROUTING' && skb.checksumKnown && !skb.checksumValid) {
    if (!transportChecksumValid(skb.packet)) return false;
    skb.checksumValid = true;
  }
  return flagsSane(frame[l4Offset + 13]!);
}

/** Moves the connection's state. `repeat`: the old entry is gone, look the tuple up again. */
export function trackTcp(
  connection: Connection,
  skb: Skb,
  ctInfo: number,
  context: TrackerContext,
): TrackResult {
  if (!headerValid(skb, context)) return 'invalid';
  const { frame, l4Offset, end } = skb.packet;
  const kind = segmentKind(frame[l4Offset + 13]!);
  const isReply = ctInfo >= CT_ESTABLISHED_REPLY;
  if (!connection.confirmed) {
    const first = tcpTransition(false, kind, 'NONE');
    if (first === 'invalid') return 'invalid';
    if (first !== 'SYN_SENT' && !context.tcpLoose) return 'invalid';
    connection.tcp = newTcpState();
  }
  const state = (connection.tcp ??= newTcpState());
  const old = state.name;
  let next = tcpTransition(isReply, kind, old);

  if (next === 'SYN_SENT' && (old === 'TIME_WAIT' || old === 'CLOSE')) {
    if (state.closeInitiated || (state.lastReply === isReply && state.lastKind === 'rst')) {
      context.table.remove(connection);
      return 'repeat';
    }
    next = 'ignore';
  }
  if (next === 'invalid') return 'invalid';
  if (next === 'ignore') {
    const agreed =
      kind === 'synack' &&
      state.lastKind === 'syn' &&
      state.lastReply !== isReply &&
      load32(frame, l4Offset + 8) === state.lastEnd;
    if (!agreed) return ignoreSegment(state, kind, isReply, frame, l4Offset, end);
    // It acknowledges a SYN that was ignored before: both ends agree, and the table follows them.
    next = 'SYN_RECV';
    state.expectChallenge = false;
    state.closeInitiated = false;
  } else if (next === 'TIME_WAIT' && old === 'LAST_ACK') {
    if (kind === 'ack' && state.lastReply !== isReply && state.lastKind === 'syn' && state.expectChallenge) {
      state.expectChallenge = false;
      return 'accept';
    }
  } else if (next === 'SYN_SENT2') {
    state.simultaneousOpen = true;
  } else if (next === 'SYN_RECV' && isReply && kind === 'ack' && state.simultaneousOpen) {
    next = 'ESTABLISHED';
  }

  state.lastKind = kind;
  state.lastReply = isReply;
  state.name = next;
  if (old !== next && next === 'FIN_WAIT') state.closeInitiated = true;
  let timeout = context.timeouts.tcp[next];
  if (!connection.seenReply) {
    if (kind === 'rst') {
      // Refused before anything was answered: not worth remembering.
      context.table.remove(connection);
      return 'accept';
    }
    if (kind === 'syn' && old === 'SYN_SENT') return 'accept';
    if (next === 'ESTABLISHED') timeout = Math.min(timeout, context.timeouts.tcpUnacknowledged);
  } else if (!connection.assured && (old === 'SYN_RECV' || old === 'ESTABLISHED') && next === 'ESTABLISHED') {
    connection.status |= STATUS_ASSURED;
  }
  connection.refresh(timeout, context.clock.jiffies);
  return 'accept';
}

function ignoreSegment(
  state: TcpState,
  kind: TcpState['lastKind'],
  isReply: boolean,
  frame: Uint8Array,
  l4Offset: number,
  end: number,
): TrackResult {
  const flags = frame[l4Offset + 13]!;
  const payload = end - l4Offset - ((frame[l4Offset + 12]! >>> 4) << 2);
  const phantom = ((flags >>> 1) & 1) + (flags & 1);
  state.lastKind = kind;
  state.lastReply = isReply;
  state.lastEnd = (load32(frame, l4Offset + 4) + payload + phantom) >>> 0;
  if (kind === 'syn' && !isReply) {
    state.expectChallenge = state.name === 'LAST_ACK';
    state.simultaneousOpen = false;
  }
  return 'accept';
}

/** A RST of our own making answers the connection: it is closed (nf_conntrack_tcp_set_closing). */
export function closeByReset(connection: Connection, context: TrackerContext): void {
  if (!connection.confirmed || connection.tcp === undefined) return;
  if (connection.tcp.name === 'CLOSE') return;
  connection.tcp.name = 'CLOSE';
  connection.refresh(context.timeouts.tcp.CLOSE, context.clock.jiffies);
}
