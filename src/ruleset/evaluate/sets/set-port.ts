// SPDX-License-Identifier: Apache-2.0
// The port dimension of a set lookup: net/netfilter/ipset/ip_set_getport.c.
import { load16 } from '../../../packet/bytes.js';
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type ParsedPacket,
} from '../../../packet/parse.js';
import { IPPROTO_SCTP, IPPROTO_UDPLITE } from '../conntrack/tuple.js';

export interface SetPort {
  readonly protocol: number;
  /** Host order; ICMP type << 8 | code; 0 for protocols without ports. */
  readonly port: number;
}

/** Bytes of header that must be there before ports are read. */
const HEADER: Readonly<Record<number, number>> = {
  [IPPROTO_TCP]: 20,
  [IPPROTO_UDP]: 8,
  [IPPROTO_UDPLITE]: 8,
  [IPPROTO_SCTP]: 12,
  [IPPROTO_ICMP]: 8,
  [IPPROTO_ICMPV6]: 8,
};

const NO_NEXT_HEADER = 59;

/** Undefined where a later fragment, or a cut header, keeps the port from being known: the set doesn't match. */
export function setPort(packet: ParsedPacket, direction: 'src' | 'dst'): SetPort | undefined {
  const { family, protocol, frame, l4Offset, end } = packet;
  const needed = HEADER[protocol];
  if (family === 'ipv6') {
    const unreadable = packet.protocolUnreadable || protocol === NO_NEXT_HEADER;
    if (unreadable || packet.fragmentOffset !== 0) return undefined;
  } else if (packet.fragmentOffset !== 0) {
    const hasPorts = needed !== undefined && protocol !== IPPROTO_ICMPV6;
    return hasPorts || protocol === 0 ? undefined : { protocol, port: 0 };
  }
  if (protocol === 0) return undefined;
  if (needed === undefined) return { protocol, port: 0 };
  if (l4Offset + needed > end) return undefined;
  const isIcmp = protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6;
  return { protocol, port: load16(frame, isIcmp || direction === 'src' ? l4Offset : l4Offset + 2) };
}
