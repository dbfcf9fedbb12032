// SPDX-License-Identifier: Apache-2.0
// icmp match. iptables-extensions(8) icmp; net/netfilter/xt_tcpudp.c (net/ipv4/netfilter/ip_tables.c before 6.8).
import { inRange } from '../../net/range.js';
import type { MatchResult } from '../evaluate/match-result.js';
import type { Skb } from '../evaluate/skb.js';
import { not } from '../values.js';
import { matchCodec } from './codec.js';
import { ICMP_TYPES, icmpType } from './icmp-types.js';
import type { NumberRange } from '../../net/range.js';
import { and, EVERYTHING, negateIf, range } from '../../model/box.js';
import type { Test } from '../../model/model.js';

export interface IcmpMatch {
  readonly kind: 'icmp';
  /** 255 = any type. */
  readonly type: number;
  readonly codes: NumberRange;
  readonly negated: boolean;
}

const ANY_TYPE = 255;

export const icmpCodec = matchCodec<IcmpMatch>({
  name: 'icmp',
  checks: { '--icmp-type': { mandatory: true } },
  read(options) {
    const read = icmpType(options.text('--icmp-type')!, ICMP_TYPES);
    if (typeof read === 'string') return options.badValue('--icmp-type', read);
    return { kind: 'icmp', ...read, negated: options.negated('--icmp-type') };
  },
  print(match) {
    const { type, codes } = match;
    const allCodes = codes.first === 0 && codes.last === 255;
    // The end of a range of codes is not printed.
    const text = type === ANY_TYPE ? 'any' : `${type}${allCodes ? '' : `/${codes.first}`}`;
    return `${not(match.negated)} --icmp-type ${text}`;
  },
});

export function evaluateIcmp(match: IcmpMatch, { packet }: Skb): MatchResult {
  const { frame, l4Offset } = packet;
  if (packet.fragmentOffset !== 0) return false;
  if (l4Offset + 8 > packet.end) return 'hotdrop';
  const same =
    match.type === 255 || (frame[l4Offset] === match.type && inRange(frame[l4Offset + 1]!, match.codes));
  return same !== match.negated;
}

/** SPORT holds type << 8 | code. */
export function lowerIcmp(match: IcmpMatch): Test {
  const { first, last } = match.codes;
  const wanted =
    match.type === 255 ? EVERYTHING : range('SPORT', (match.type << 8) | first, (match.type << 8) | last);
  return {
    kind: 'fields',
    match: and(range('FRAG', 0), range('AVAIL', 8, 63), negateIf(match.negated, wanted)),
    hotdrop: and(range('FRAG', 0), range('AVAIL', 0, 7)),
  };
}
