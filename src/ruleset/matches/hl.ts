// SPDX-License-Identifier: Apache-2.0
// hl match (IPv6 hop limit). iptables-extensions(8) hl; net/netfilter/xt_hl.c.

export interface HlMatch {
  readonly kind: 'hl';
  readonly compare: 'eq' | 'ne' | 'lt' | 'gt';
  readonly hopLimit: number;
}
