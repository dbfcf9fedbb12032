// SPDX-License-Identifier: Apache-2.0
// ttl match (IPv4). iptables-extensions(8) ttl; net/netfilter/xt_hl.c.

export interface TtlMatch {
  readonly kind: 'ttl';
  readonly compare: 'eq' | 'ne' | 'lt' | 'gt';
  readonly ttl: number;
}
