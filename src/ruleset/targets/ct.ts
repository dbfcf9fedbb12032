// SPDX-License-Identifier: Apache-2.0
// CT and NOTRACK. iptables-extensions(8) CT; net/netfilter/xt_CT.c. NOTRACK is CT --notrack with its own name.

export interface CtTarget {
  readonly kind: 'CT';
  /** True when the dump says `-j NOTRACK`. */
  readonly spelledNotrack: boolean;
  readonly notrack: boolean;
  /** Canonical text of all other options (helper, events, zone, timeout); empty when none: those are not carried over. */
  readonly others: string;
}
