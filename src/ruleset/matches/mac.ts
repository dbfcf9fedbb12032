// SPDX-License-Identifier: Apache-2.0
// mac match. iptables-extensions(8) mac; net/netfilter/xt_mac.c.

export interface MacMatch {
  readonly kind: 'mac';
  /** Six bytes. */
  readonly source: readonly number[];
  readonly negated: boolean;
}
