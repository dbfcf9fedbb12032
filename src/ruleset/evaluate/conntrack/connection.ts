// SPDX-License-Identifier: Apache-2.0
// One tracked connection: struct nf_conn, as far as rules can tell.
import type { Tuple } from './tuple.js';
import type { TcpState } from './tcp-state.js';
import type { SctpState } from './sctp.js';

/** enum ip_conntrack_status bits (include/uapi/linux/netfilter/nf_conntrack_common.h). */
export const STATUS_EXPECTED = 1;
export const STATUS_SEEN_REPLY = 2;
export const STATUS_ASSURED = 4;
export const STATUS_CONFIRMED = 8;

export class Connection {
  /** STATUS_ bits. */
  status = 0;
  mark = 0;
  /** Before confirmation: ticks to live. After: the tick at which it is dead. */
  timeout = 0;
  /** True when only an undecided packet may have made it: whether it exists can't be said. */
  uncertain = false;
  /** A rule we can't evaluate may have set the mark. */
  markUnknown = false;
  /** The nat table has judged destination and source: once per connection. */
  destinationNatDone = false;
  sourceNatDone = false;
  /** UDP: the tick after which traffic both ways counts as a stream. */
  streamSince = 0;
  tcp: TcpState | undefined;
  sctp: SctpState | undefined;

  constructor(
    readonly original: Tuple,
    readonly reply: Tuple,
  ) {}

  get confirmed(): boolean {
    return (this.status & STATUS_CONFIRMED) !== 0;
  }

  get seenReply(): boolean {
    return (this.status & STATUS_SEEN_REPLY) !== 0;
  }

  get assured(): boolean {
    return (this.status & STATUS_ASSURED) !== 0;
  }

  /** Sets the time to live from `now` on; counted from confirmation on while unconfirmed. */
  refresh(ticks: number, now: number): void {
    this.timeout = this.confirmed ? now + ticks : ticks;
  }
}
