// SPDX-License-Identifier: Apache-2.0
// ACCEPT, DROP, RETURN: the standard target. iptables(8) TARGETS; net/ipv4/netfilter/ip_tables.c ipt_do_table.

export interface VerdictTarget {
  readonly kind: 'verdict';
  readonly verdict: 'ACCEPT' | 'DROP' | 'RETURN';
}
