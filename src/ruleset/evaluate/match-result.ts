// SPDX-License-Identifier: Apache-2.0
// What judging a match can give, and what it may look at besides the packet.
import type { Stack } from '../../host/stack.js';
import type { Clock } from './clock.js';
import type { BoundSet } from './sets/bound-set.js';
import type { Skb } from './skb.js';

/**
 * `hotdrop`: the packet is malformed and dropped at once, whatever the other rules say (struct
 * xt_action_param). `undecided`: the match is unsupported, or hangs on something nobody knows.
 */
export type MatchResult = boolean | 'hotdrop' | 'undecided';

/** A match bound to its state and surroundings. */
export type MatchFunction = (skb: Skb) => MatchResult;

export interface MatchEnvironment {
  readonly stack: Stack;
  readonly clock: Clock;
  readonly sets: ReadonlyMap<string, BoundSet>;
}
