// SPDX-License-Identifier: Apache-2.0
// icmp6 match. iptables-extensions(8) icmp6; net/netfilter/xt_tcpudp.c (net/ipv6/netfilter/ip6_tables.c before 6.8).
import type { NumberRange } from '../../net/range.js';

export interface Icmp6Match {
  readonly kind: 'icmp6';
  readonly type: number;
  readonly codes: NumberRange;
  readonly negated: boolean;
}
