// SPDX-License-Identifier: Apache-2.0
// state match: conntrack's ancestor, printed as such. iptables-extensions(8) state; net/netfilter/xt_state.c.
import type { ConntrackStateName } from './conntrack.js';

export interface StateMatch {
  readonly kind: 'state';
  readonly states: readonly ConntrackStateName[];
  readonly negated: boolean;
}
