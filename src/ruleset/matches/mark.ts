// SPDX-License-Identifier: Apache-2.0
// mark match, revision 1. iptables-extensions(8) mark; net/netfilter/xt_mark.c.

export interface MarkMatch {
  readonly kind: 'mark';
  readonly mark: number;
  readonly mask: number;
  readonly negated: boolean;
}
