// SPDX-License-Identifier: Apache-2.0
// One thing that a rule asks of a packet, turned round: it can say whether a draft meets it, make it do so, and
// put it right beside the border.
import type { Draft } from './draft.js';
import type { Random } from './random.js';

export interface Condition {
  holds(draft: Draft): boolean;
  /** Makes the draft meet the condition, often at its very edge. */
  force(draft: Draft, random: Random): void;
  /** Puts the draft on the border or one step beyond. Not all conditions have one. */
  near?(draft: Draft, random: Random): void;
}
