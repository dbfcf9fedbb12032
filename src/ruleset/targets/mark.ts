// SPDX-License-Identifier: Apache-2.0
// MARK, revision 2: mark = (mark & ~mask) ^ value. iptables-extensions(8) MARK; net/netfilter/xt_mark.c.

export interface MarkTarget {
  readonly kind: 'MARK';
  readonly value: number;
  readonly mask: number;
}
