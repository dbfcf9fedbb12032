// SPDX-License-Identifier: Apache-2.0
// conntrack match, revision 3. iptables-extensions(8) conntrack; net/netfilter/xt_conntrack.c.
import type { MaskedAddress } from '../../net/address.js';
import type { NumberRange } from '../../net/range.js';
import type { Negatable } from '../ruleset.js';

export type ConntrackStateName =
  'INVALID' | 'NEW' | 'RELATED' | 'ESTABLISHED' | 'UNTRACKED' | 'SNAT' | 'DNAT';
export type ConntrackStatusName = 'NONE' | 'EXPECTED' | 'SEEN_REPLY' | 'ASSURED' | 'CONFIRMED';

export interface ConntrackMatch {
  readonly kind: 'conntrack';
  readonly states?: Negatable<readonly ConntrackStateName[]>;
  readonly statuses?: Negatable<readonly ConntrackStatusName[]>;
  readonly protocol?: Negatable<number>;
  readonly originalSource?: Negatable<MaskedAddress>;
  readonly originalDestination?: Negatable<MaskedAddress>;
  readonly replySource?: Negatable<MaskedAddress>;
  readonly replyDestination?: Negatable<MaskedAddress>;
  readonly originalSourcePorts?: Negatable<NumberRange>;
  readonly originalDestinationPorts?: Negatable<NumberRange>;
  readonly replySourcePorts?: Negatable<NumberRange>;
  readonly replyDestinationPorts?: Negatable<NumberRange>;
  /** Seconds. */
  readonly expires?: Negatable<NumberRange>;
  /** `--ctdir`; its negation is the other direction and is stored so. */
  readonly direction?: 'ORIGINAL' | 'REPLY';
}
