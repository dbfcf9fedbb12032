// SPDX-License-Identifier: Apache-2.0
// state match: conntrack's ancestor, printed as such. iptables-extensions(8) state; net/netfilter/xt_state.c.
import type { MatchResult } from '../evaluate/match-result.js';
import { conntrackStateOf, type Skb } from '../evaluate/skb.js';
import { not } from '../values.js';
import { matchCodec } from './codec.js';
import { CONNTRACK_STATES, stateList } from './conntrack.js';
import type { ConntrackStateName } from './conntrack.js';
import { where } from '../../model/box.js';
import type { Test } from '../../model/model.js';
import { connectionStates } from '../../model/connection-boxes.js';

export interface StateMatch {
  readonly kind: 'state';
  readonly states: readonly ConntrackStateName[];
  readonly negated: boolean;
}

export const stateCodec = matchCodec<StateMatch>({
  name: 'state',
  checks: { '--state': { mandatory: true } },
  read(options) {
    const states = stateList(
      options,
      '--state',
      CONNTRACK_STATES.filter((state) => state !== 'SNAT' && state !== 'DNAT'),
    );
    return states && { kind: 'state', states, negated: options.negated('--state') };
  },
  print: (match) => `${not(match.negated)} --state ${match.states.join(',')}`,
});

export function evaluateState(match: StateMatch, skb: Skb): MatchResult {
  if (skb.ctUnknown) return 'undecided';
  return match.states.includes(conntrackStateOf(skb)) !== match.negated;
}

export function lowerState(match: StateMatch): Test {
  const values = connectionStates((state) => match.states.includes(state) !== match.negated);
  return { kind: 'fields', match: where('CT', values), hotdrop: [] };
}
