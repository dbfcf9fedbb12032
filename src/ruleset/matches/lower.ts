// SPDX-License-Identifier: Apache-2.0
// The meaning of each match as boxes over packet fields: one function per match, in its file.
import { LoweringRefusal } from '../../model/lower-context.js';
import type { LowerContext } from '../../model/lower-context.js';
import type { Test } from '../../model/model.js';
import { lowerAddrtype } from './addrtype.js';
import { lowerComment } from './comment.js';
import { lowerConntrack } from './conntrack.js';
import { lowerHl } from './hl.js';
import { lowerIcmp } from './icmp.js';
import { lowerIcmp6 } from './icmp6.js';
import type { Match } from './index.js';
import { lowerIprange } from './iprange.js';
import { lowerLength } from './length.js';
import { lowerLimit } from './limit.js';
import { lowerMac } from './mac.js';
import { lowerMark } from './mark.js';
import { lowerMultiport } from './multiport.js';
import { lowerSet } from './set.js';
import { lowerState } from './state.js';
import { lowerTcp } from './tcp.js';
import { lowerTtl } from './ttl.js';
import { lowerUdp } from './udp.js';

/** Throws LoweringRefusal for what has no meaning in the model. */
export function lowerMatch(match: Match, context: LowerContext): Test {
  switch (match.kind) {
    case 'addrtype':
      return lowerAddrtype(match, context);
    case 'comment':
      return lowerComment();
    case 'conntrack':
      return lowerConntrack(match, context);
    case 'hl':
      return lowerHl(match);
    case 'icmp':
      return lowerIcmp(match);
    case 'icmp6':
      return lowerIcmp6(match);
    case 'iprange':
      return lowerIprange(match);
    case 'length':
      return lowerLength(match);
    case 'limit':
      return lowerLimit(match, context);
    case 'mac':
      return lowerMac(match);
    case 'mark':
      return lowerMark(match, context);
    case 'multiport':
      return lowerMultiport(match);
    case 'opaque':
      throw new LoweringRefusal(`\`-m ${match.name}\` has no meaning in a program`);
    case 'set':
      return lowerSet(match, context);
    case 'state':
      return lowerState(match);
    case 'tcp':
      return lowerTcp(match, context);
    case 'ttl':
      return lowerTtl(match);
    case 'udp':
      return lowerUdp(match);
  }
}
