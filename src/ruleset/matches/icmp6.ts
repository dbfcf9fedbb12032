// SPDX-License-Identifier: Apache-2.0
// icmp6 match. iptables-extensions(8) icmp6; net/netfilter/xt_tcpudp.c (net/ipv6/netfilter/ip6_tables.c before 6.8).
import { inRange } from '../../net/range.js';
import type { MatchResult } from '../evaluate/match-result.js';
import type { Skb } from '../evaluate/skb.js';
import { not } from '../values.js';
import { matchCodec } from './codec.js';
import { ICMPV6_TYPES, icmpType } from './icmp-types.js';
import type { NumberRange } from '../../net/range.js';
import { and, negateIf, range } from '../../model/box.js';
import type { Test } from '../../model/model.js';

export interface Icmp6Match {
  readonly kind: 'icmp6';
  readonly type: number;
  readonly codes: NumberRange;
  readonly negated: boolean;
}

export const icmp6Codec = matchCodec<Icmp6Match>({
  name: 'icmp6',
  checks: { '--icmpv6-type': { mandatory: true } },
  read(options) {
    const read = icmpType(options.text('--icmpv6-type')!, ICMPV6_TYPES);
    if (typeof read === 'string') return options.badValue('--icmpv6-type', read);
    return { kind: 'icmp6', ...read, negated: options.negated('--icmpv6-type') };
  },
  print(match) {
    const { type, codes } = match;
    const allCodes = codes.first === 0 && codes.last === 255;
    // The end of a range of codes is not printed.
    const text = `${type}${allCodes ? '' : `/${codes.first}`}`;
    return `${not(match.negated)} --icmpv6-type ${text}`;
  },
});

export function evaluateIcmp6(match: Icmp6Match, { packet }: Skb): MatchResult {
  const { frame, l4Offset } = packet;
  if (packet.fragmentOffset !== 0) return false;
  if (l4Offset + 8 > packet.end) return 'hotdrop';
  const same = frame[l4Offset] === match.type && inRange(frame[l4Offset + 1]!, match.codes);
  return same !== match.negated;
}

/** SPORT holds type << 8 | code. */
export function lowerIcmp6(match: Icmp6Match): Test {
  const { first, last } = match.codes;
  const wanted = range('SPORT', (match.type << 8) | first, (match.type << 8) | last);
  return {
    kind: 'fields',
    match: and(range('FRAG', 0), range('AVAIL', 8, 63), negateIf(match.negated, wanted)),
    hotdrop: and(range('FRAG', 0), range('AVAIL', 0, 7)),
  };
}
