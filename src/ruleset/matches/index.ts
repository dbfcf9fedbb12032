// SPDX-License-Identifier: Apache-2.0
// The union of all typed matches. A new match adds its type here and its entry to registry.ts.
import type { AddrtypeMatch } from './addrtype.js';
import type { CommentMatch } from './comment.js';
import type { ConntrackMatch } from './conntrack.js';
import type { HlMatch } from './hl.js';
import type { IcmpMatch } from './icmp.js';
import type { Icmp6Match } from './icmp6.js';
import type { IprangeMatch } from './iprange.js';
import type { LengthMatch } from './length.js';
import type { LimitMatch } from './limit.js';
import type { MacMatch } from './mac.js';
import type { MarkMatch } from './mark.js';
import type { MultiportMatch } from './multiport.js';
import type { OpaqueMatch } from './opaque.js';
import type { SetMatch } from './set.js';
import type { StateMatch } from './state.js';
import type { TcpMatch } from './tcp.js';
import type { TtlMatch } from './ttl.js';
import type { UdpMatch } from './udp.js';

export type Match =
  | AddrtypeMatch
  | CommentMatch
  | ConntrackMatch
  | HlMatch
  | IcmpMatch
  | Icmp6Match
  | IprangeMatch
  | LengthMatch
  | LimitMatch
  | MacMatch
  | MarkMatch
  | MultiportMatch
  | OpaqueMatch
  | SetMatch
  | StateMatch
  | TcpMatch
  | TtlMatch
  | UdpMatch;
