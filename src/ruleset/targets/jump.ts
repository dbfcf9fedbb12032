// SPDX-License-Identifier: Apache-2.0
// -j chain and -g chain. iptables(8) -j, -g; net/ipv4/netfilter/ip_tables.c ipt_do_table.

export interface JumpTarget {
  readonly kind: 'jump';
  readonly chain: string;
  /** `-g`: RETURN in the chain goes to the caller's caller. */
  readonly goto: boolean;
}
