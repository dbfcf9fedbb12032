// SPDX-License-Identifier: Apache-2.0
// Every match of iptables 1.8.9 by the name that `-m` takes. A new match adds one line here and its type,
// where it has one of its own, to index.ts.
import type { MatchExtension, PrintContext } from '../extension.js';
import { addrtypeCodec } from './addrtype.js';
import { commentCodec } from './comment.js';
import { conntrackCodec } from './conntrack.js';
import { hlCodec } from './hl.js';
import { icmpCodec } from './icmp.js';
import { icmp6Codec } from './icmp6.js';
import type { Match } from './index.js';
import { iprangeCodec } from './iprange.js';
import { lengthCodec } from './length.js';
import { limitCodec } from './limit.js';
import { macCodec } from './mac.js';
import { markMatchCodec } from './mark.js';
import { multiportCodec } from './multiport.js';
import { setCodec } from './set.js';
import { stateCodec } from './state.js';
import { tcpCodec } from './tcp.js';
import { ttlCodec } from './ttl.js';
import { udpCodec } from './udp.js';

/** A codec of whichever payload; a payload goes only to the codec that made it. */
type AnyMatch = MatchExtension<Match>;

const ALL = [
  addrtypeCodec,
  commentCodec,
  conntrackCodec,
  hlCodec,
  icmpCodec,
  icmp6Codec,
  iprangeCodec,
  lengthCodec,
  limitCodec,
  macCodec,
  markMatchCodec,
  multiportCodec,
  setCodec,
  stateCodec,
  tcpCodec,
  ttlCodec,
  udpCodec,
];

export const MATCHES: ReadonlyMap<string, AnyMatch> = new Map(
  ALL.map((codec) => [codec.name, codec as AnyMatch]),
);

/** ` -m name` and its options, as iptables-save prints them. */
export function matchText(match: Match, context: PrintContext): string {
  const name = match.kind === 'opaque' ? match.name : match.kind;
  return ` -m ${name}${MATCHES.get(name)!.print(match, context)}`;
}
