// SPDX-License-Identifier: Apache-2.0
// Binds each match of a rule to what it needs, once; the hot path then calls a closure.
import type { MatchEnvironment, MatchFunction } from '../evaluate/match-result.js';
import { evaluateAddrtype } from './addrtype.js';
import { evaluateConntrack } from './conntrack.js';
import { evaluateHl } from './hl.js';
import { evaluateIcmp } from './icmp.js';
import { evaluateIcmp6 } from './icmp6.js';
import type { Match } from './index.js';
import { evaluateIprange } from './iprange.js';
import { evaluateLength } from './length.js';
import { blurLimit, evaluateLimit, type LimitBucket, newLimitBucket } from './limit.js';
import { evaluateMac } from './mac.js';
import { evaluateMark } from './mark.js';
import { evaluateMultiport } from './multiport.js';
import { evaluateSet } from './set.js';
import { evaluateState } from './state.js';
import { evaluateTcp } from './tcp.js';
import { evaluateTtl } from './ttl.js';
import { evaluateUdp } from './udp.js';

export interface BoundMatch {
  readonly match: Match;
  readonly evaluate: MatchFunction;
  /** For matches that remember: the packet may or may not have been counted. */
  readonly blur?: () => void;
}

export function bindMatch(match: Match, environment: MatchEnvironment): BoundMatch {
  if (match.kind !== 'limit') return { match, evaluate: matchFunction(match, environment) };
  const { clock } = environment;
  // Loaded full, which is why it does not matter when: the bucket is made at the first packet that asks.
  let bucket: LimitBucket | undefined;
  const get = (): LimitBucket => (bucket ??= newLimitBucket(match, clock.hz, clock.jiffies));
  return {
    match,
    evaluate: () => evaluateLimit(get(), clock),
    blur: () => blurLimit(get(), clock),
  };
}

type Stateless = Exclude<Match, { readonly kind: 'limit' }>;

function matchFunction(match: Stateless, { stack, clock, sets }: MatchEnvironment): MatchFunction {
  switch (match.kind) {
    case 'addrtype':
      return (skb) => evaluateAddrtype(match, skb, stack);
    case 'comment':
      return () => true;
    case 'conntrack':
      return (skb) => evaluateConntrack(match, skb, clock);
    case 'hl':
      return (skb) => evaluateHl(match, skb);
    case 'icmp':
      return (skb) => evaluateIcmp(match, skb);
    case 'icmp6':
      return (skb) => evaluateIcmp6(match, skb);
    case 'iprange':
      return (skb) => evaluateIprange(match, skb);
    case 'length':
      return (skb) => evaluateLength(match, skb);
    case 'mac':
      return (skb) => evaluateMac(match, skb);
    case 'mark':
      return (skb) => evaluateMark(match, skb);
    case 'multiport':
      return (skb) => evaluateMultiport(match, skb);
    case 'opaque':
      return () => 'undecided';
    case 'set':
      return (skb) => evaluateSet(match, skb, sets.get(match.setName));
    case 'state':
      return (skb) => evaluateState(match, skb);
    case 'tcp':
      return (skb) => evaluateTcp(match, skb);
    case 'ttl':
      return (skb) => evaluateTtl(match, skb);
    case 'udp':
      return (skb) => evaluateUdp(match, skb);
  }
}
