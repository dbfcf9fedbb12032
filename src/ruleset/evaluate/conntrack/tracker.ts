// SPDX-License-Identifier: Apache-2.0
// Connection tracking as the hooks call it: nf_conntrack_in at PREROUTING and OUTPUT, confirmation at the end
// of INPUT and POSTROUTING (net/netfilter/nf_conntrack_core.c, nf_conntrack_proto.c). Zones, helpers and
// expectations are left out; DCCP is tracked as a generic protocol, as kernels do since its tracker is gone.
import { sysctl } from '../../../host/sysctls.js';
import type { Host } from '../../../host/host.js';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from '../../../packet/parse.js';
import { load16 } from '../../../packet/bytes.js';
import { transportChecksumValid, udpChecksumAbsent } from '../../../packet/transport-checksum.js';
import type { Clock } from '../clock.js';
import {
  CT_ESTABLISHED,
  CT_ESTABLISHED_REPLY,
  CT_NEW,
  CT_NONE,
  CT_RELATED,
  CT_RELATED_REPLY,
  CT_UNTRACKED,
  type Skb,
} from '../skb.js';
import { Connection, STATUS_ASSURED, STATUS_CONFIRMED, STATUS_SEEN_REPLY } from './connection.js';
import { trackIcmpError } from './icmp.js';
import { trackSctp } from './sctp.js';
import { ConnectionTable } from './table.js';
import { closeByReset, trackTcp } from './tcp.js';
import { readTimeouts, type Timeouts } from './timeouts.js';
import { invertTuple, IPPROTO_GRE, IPPROTO_SCTP, IPPROTO_UDPLITE, readTuple } from './tuple.js';

/** What a protocol's tracker makes of a packet; `repeat`: the entry was removed, look again. */
export type TrackResult = 'accept' | 'invalid' | 'repeat';

export interface TrackerContext {
  readonly clock: Clock;
  readonly table: ConnectionTable;
  readonly timeouts: Timeouts;
  readonly tcpLoose: boolean;
  /** Bad checksums make INVALID, at PREROUTING only. */
  readonly verifyChecksums: boolean;
  /**
   * True once a connection may have been translated by a rule we can't evaluate: a packet that matches no
   * certain entry may then belong to it.
   */
  translationsUnknown: boolean;
}

const NO_NEXT_HEADER = 59;

export class Tracker {
  readonly context: TrackerContext;
  constructor(host: Host, clock: Clock) {
    this.context = {
      clock,
      table: new ConnectionTable(sysctl(host, 'nf_conntrack_max')),
      timeouts: readTimeouts(host, clock.hz),
      tcpLoose: sysctl(host, 'nf_conntrack_tcp_loose') !== 0,
      verifyChecksums: sysctl(host, 'nf_conntrack_checksum') !== 0,
      translationsUnknown: false,
    };
  }

  /** Finds or begins the packet's connection. `drop`: the table is full. */
  track(skb: Skb): 'accept' | 'drop' {
    // Looped through lo, attached to its cause, or exempt by NOTRACK.
    if (skb.connection !== undefined || skb.ctInfo === CT_UNTRACKED) return 'accept';
    if (skb.ctUnknown) return 'accept';
    const { packet } = skb;
    const { protocol } = packet;
    if (packet.protocolUnreadable || protocol === NO_NEXT_HEADER || packet.fragmentOffset !== 0)
      return 'accept';
    if (packet.family === 'ipv4' && packet.l4Offset > packet.end) return 'accept';
    if (
      (protocol === IPPROTO_ICMP && packet.family === 'ipv4') ||
      (protocol === IPPROTO_ICMPV6 && packet.family === 'ipv6')
    ) {
      if (trackIcmpError(skb, this.context) === 'done') return 'accept';
    }
    while (true) {
      const result = this.resolve(skb);
      if (result !== 'repeat') return result;
    }
  }

  private resolve(skb: Skb): 'accept' | 'drop' | 'repeat' {
    const { packet } = skb;
    const { family, protocol, source, destination, frame, l4Offset, end } = packet;
    const tuple = readTuple(family, protocol, source, destination, frame, l4Offset, end);
    if (tuple === undefined) return 'accept';
    const { table, clock } = this.context;
    const node = table.find(tuple, clock.jiffies);
    let connection: Connection;
    let ctInfo: number;
    if (node === undefined) {
      if (this.context.translationsUnknown) {
        skb.ctUnknown = true;
        return 'accept';
      }
      const reply = invertTuple(tuple);
      if (reply === undefined) return 'accept';
      if (!table.hasRoom(clock.jiffies)) return 'drop';
      connection = new Connection(tuple, reply);
      ctInfo = CT_NEW;
    } else {
      connection = node.connection;
      if (connection.uncertain) {
        skb.ctUnknown = true;
        return 'accept';
      }
      ctInfo = node.isReply ? CT_ESTABLISHED_REPLY : connection.seenReply ? CT_ESTABLISHED : CT_NEW;
    }
    const result = this.trackProtocol(connection, skb, ctInfo);
    if (result === 'repeat') return 'repeat';
    if (result === 'invalid') return 'accept';
    skb.connection = connection;
    skb.ctInfo = ctInfo;
    if (ctInfo === CT_ESTABLISHED_REPLY) connection.status |= STATUS_SEEN_REPLY;
    return 'accept';
  }

  private trackProtocol(connection: Connection, skb: Skb, ctInfo: number): TrackResult {
    const { timeouts, clock } = this.context;
    switch (skb.packet.protocol) {
      case IPPROTO_TCP:
        return trackTcp(connection, skb, ctInfo, this.context);
      case IPPROTO_UDP:
      case IPPROTO_UDPLITE:
        return this.trackUdp(connection, skb);
      case IPPROTO_ICMP: {
        const type = connection.original.destinationKey >>> 8;
        if (skb.family !== 'ipv4' || ![8, 13, 15, 17].includes(type)) return 'invalid';
        connection.refresh(timeouts.icmp, clock.jiffies);
        return 'accept';
      }
      case IPPROTO_ICMPV6: {
        if (skb.family !== 'ipv6') return 'invalid';
        const type = connection.original.destinationKey >>> 8;
        if (!connection.confirmed && type !== 128 && type !== 139) return 'invalid';
        connection.refresh(timeouts.icmpv6, clock.jiffies);
        return 'accept';
      }
      case IPPROTO_SCTP:
        return trackSctp(connection, skb, ctInfo, this.context);
      case IPPROTO_GRE:
        connection.refresh(connection.seenReply ? timeouts.greStream : timeouts.gre, clock.jiffies);
        if (connection.seenReply) connection.status |= STATUS_ASSURED;
        return 'accept';
      default:
        connection.refresh(timeouts.generic, clock.jiffies);
        return 'accept';
    }
  }

  /** nf_conntrack_proto_udp.c; UDP-Lite differs in that a checksum must be there. */
  private trackUdp(connection: Connection, skb: Skb): TrackResult {
    const { timeouts, clock } = this.context;
    if (!this.udpValid(skb)) return 'invalid';
    if (!connection.confirmed) connection.streamSince = clock.jiffies + 2 * clock.hz;
    if (!connection.seenReply) {
      connection.refresh(timeouts.udp, clock.jiffies);
      return 'accept';
    }
    const stream = clock.jiffies > connection.streamSince;
    connection.refresh(stream ? timeouts.udpStream : timeouts.udp, clock.jiffies);
    if (stream) connection.status |= STATUS_ASSURED;
    return 'accept';
  }

  private udpValid(skb: Skb): boolean {
    const { frame, l3Offset, l4Offset, length, protocol } = skb.packet;
    // A capture may have cut the payload: the packet that arrived had it all.
    const end = skb.checksumKnown ? skb.packet.end : Math.max(skb.packet.end, l3Offset + length);
    if (l4Offset + 8 > skb.packet.end) return false;
    const absent = udpChecksumAbsent(skb.packet);
    const covered = load16(frame, l4Offset + 4);
    if (protocol === IPPROTO_UDPLITE) {
      return !absent && (covered === 0 || (covered >= 8 && covered <= end - l4Offset));
    }
    if (covered > end - l4Offset || covered < 8) return false;
    if (absent || !this.context.verifyChecksums || skb.hook !== 'PREROUTING') return true;
    if (!skb.checksumKnown || skb.checksumValid) return true;
    skb.checksumValid = transportChecksumValid(skb.packet);
    return skb.checksumValid;
  }

  /** The packet leaves the host or reaches it: its connection counts from now on. */
  confirm(skb: Skb): void {
    const { connection } = skb;
    if (connection === undefined || connection.confirmed) return;
    if (skb.ctInfo !== CT_NEW && skb.ctInfo !== CT_ESTABLISHED && skb.ctInfo !== CT_RELATED) return;
    const now = this.context.clock.jiffies;
    connection.timeout += now;
    connection.status |= STATUS_CONFIRMED;
    this.context.table.insert(connection, now);
  }

  /** The packet is undecided: whether its new connection came to be can't be said, for as long as one can live. */
  confirmUncertain(skb: Skb): void {
    const { connection } = skb;
    if (connection === undefined || connection.confirmed) return;
    connection.uncertain = true;
    this.confirm(skb);
    connection.timeout = this.context.clock.jiffies + this.context.timeouts.tcp.ESTABLISHED;
  }

  /** The packet is undecided before conntrack: whether it moved a connection can't be said. */
  trackUncertain(skb: Skb): void {
    this.track(skb);
    if (skb.connection?.confirmed === true) skb.connection.uncertain = true;
  }

  /**
   * An answer born of `cause` belongs to the same connection, the other way (nf_conntrack_attach). One born of an
   * untracked packet is RELATED to nothing: no NOTRACK touches it any more, and it is tracked like any packet.
   */
  attach(answer: Skb, cause: Skb): void {
    answer.ctUnknown = cause.ctUnknown;
    if (cause.connection === undefined && cause.ctInfo === CT_NONE) return;
    answer.connection = cause.connection;
    const fromOriginal = cause.ctInfo < CT_ESTABLISHED_REPLY;
    answer.ctInfo = fromOriginal ? CT_RELATED_REPLY : CT_RELATED;
  }

  closeByReset(connection: Connection): void {
    closeByReset(connection, this.context);
  }
}
