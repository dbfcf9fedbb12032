// SPDX-License-Identifier: Apache-2.0
// A packet on its way through the hooks: its headers and what the walk attaches to it. Named for the kernel's
// struct sk_buff, whose fields it has where rules can read or change them.
import type { OutputRoute } from '../../host/output-routing.js';
import type { Family } from '../../net/family.js';
import type { PacketType } from '../../packet/ethernet.js';
import type { ParsedPacket } from '../../packet/parse.js';
import type { Rule } from '../ruleset.js';
import type { Decision } from './hooks.js';
import type { Connection } from './conntrack/connection.js';

export type HookName = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

/** enum ip_conntrack_info (include/uapi/linux/netfilter/nf_conntrack_common.h); NONE: no connection, `INVALID`. */
export const CT_ESTABLISHED = 0;
export const CT_RELATED = 1;
export const CT_NEW = 2;
export const CT_ESTABLISHED_REPLY = 3;
export const CT_RELATED_REPLY = 4;
export const CT_UNTRACKED = 7;
export const CT_NONE = -1;

export class Skb {
  hook: HookName = 'PREROUTING';
  /** Empty where the hook has no such interface. */
  inInterface = '';
  outInterface = '';
  /** The way out of a packet of the host's own. */
  route: OutputRoute | undefined;
  mark = 0;
  /** For a packet that loops through `lo`: the mark with which it had left. */
  loopedMark = 0;
  /** The connection, also while it is not yet in the table. */
  connection: Connection | undefined;
  /**
   * One of the CT_ constants. Without a connection all but CT_UNTRACKED are INVALID, or not yet tracked; other
   * than CT_NONE on an answer to an untracked packet, which NOTRACK passes over.
   */
  ctInfo: number = CT_NONE;
  /**
   * True when nobody can say what connection tracking makes of the packet: an earlier packet of the
   * connection is undecided.
   */
  ctUnknown = false;
  ttl: number;
  /** For a reassembled datagram the largest piece in bytes; what path MTU checks look at. */
  largestFragment: number | undefined;
  /** Set by a rule's matches: the checksum of the upper layer was found right. */
  checksumValid = false;
  /** Prefixes of LOG rules passed. */
  log: string[] | undefined;
  /** Rules passed, in the kernel's words; undefined when nobody asked. */
  trace: string[] | undefined;
  /** A match called the packet malformed: it is dropped without a rule. */
  hotdropped = false;
  /** The rule of the last terminal decision; undefined for a chain's policy. */
  decidedBy: Rule | undefined;
  /** The last table that was walked to a verdict. */
  decision: Decision | undefined;

  constructor(
    public packet: ParsedPacket,
    readonly packetType: PacketType,
    /** False where the checksum can't be judged: `--checksums trust`, or a frame cut by the capture. */
    readonly checksumKnown: boolean,
  ) {
    this.ttl = packet.ttl;
  }

  get family(): Family {
    return this.packet.family;
  }

  /** A clone that shares the trace: what it passes happens to the packet too. */
  copy(packetType: PacketType): Skb {
    const copy = new Skb(this.packet, packetType, this.checksumKnown);
    copy.hook = this.hook;
    copy.outInterface = this.outInterface;
    copy.mark = this.mark;
    copy.connection = this.connection;
    copy.ctInfo = this.ctInfo;
    copy.ctUnknown = this.ctUnknown;
    copy.ttl = this.ttl;
    copy.log = this.log;
    copy.trace = this.trace;
    copy.decision = this.decision;
    return copy;
  }

  /** Puts the whole datagram in the place of its last piece. */
  replacePacket(packet: ParsedPacket, largestFragment: number): void {
    this.packet = packet;
    this.ttl = packet.ttl;
    this.largestFragment = largestFragment;
    this.checksumValid = false;
  }
}

const STATES: readonly ('ESTABLISHED' | 'RELATED' | 'NEW')[] = ['ESTABLISHED', 'RELATED', 'NEW'];

/** What `--ctstate` compares; the reply direction counts like the original one. */
export function conntrackStateOf(skb: Skb): 'ESTABLISHED' | 'RELATED' | 'NEW' | 'INVALID' | 'UNTRACKED' {
  if (skb.connection !== undefined) return STATES[skb.ctInfo % CT_ESTABLISHED_REPLY]!;
  return skb.ctInfo === CT_UNTRACKED ? 'UNTRACKED' : 'INVALID';
}
