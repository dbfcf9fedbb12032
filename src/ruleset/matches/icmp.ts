// SPDX-License-Identifier: Apache-2.0
// icmp match. iptables-extensions(8) icmp; net/netfilter/xt_tcpudp.c (net/ipv4/netfilter/ip_tables.c before 6.8).
import type { NumberRange } from '../../net/range.js';

export interface IcmpMatch {
  readonly kind: 'icmp';
  /** 255 = any type. */
  readonly type: number;
  readonly codes: NumberRange;
  readonly negated: boolean;
}
