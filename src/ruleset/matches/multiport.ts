// SPDX-License-Identifier: Apache-2.0
// multiport match, revision 1. iptables-extensions(8) multiport; net/netfilter/xt_multiport.c.
import type { NumberRange } from '../../net/range.js';

export interface MultiportMatch {
  readonly kind: 'multiport';
  readonly which: 'source' | 'destination' | 'either';
  /** In the order given; a single port has first = last. At most 15 slots, a range takes two. */
  readonly ports: readonly NumberRange[];
  readonly negated: boolean;
}
