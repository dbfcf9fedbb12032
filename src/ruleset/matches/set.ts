// SPDX-License-Identifier: Apache-2.0
// set match. iptables-extensions(8) set; net/netfilter/xt_set.c, net/netfilter/ipset/ip_set_core.c ip_set_test.

export interface SetMatch {
  readonly kind: 'set';
  readonly setName: string;
  /** One per dimension. */
  readonly directions: readonly ('src' | 'dst')[];
  readonly negated: boolean;
  readonly returnNomatch: boolean;
  readonly updateCounters: boolean;
  readonly updateSubcounters: boolean;
  readonly packets?: { readonly compare: 'eq' | 'ne' | 'lt' | 'gt'; readonly value: string };
  readonly bytes?: { readonly compare: 'eq' | 'ne' | 'lt' | 'gt'; readonly value: string };
}
