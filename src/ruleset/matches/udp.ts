// SPDX-License-Identifier: Apache-2.0
// udp match. iptables-extensions(8) udp; net/netfilter/xt_tcpudp.c udp_mt.
import type { NumberRange } from '../../net/range.js';

export interface UdpMatch {
  readonly kind: 'udp';
  readonly sourcePorts: NumberRange;
  readonly sourcePortsNegated: boolean;
  readonly destinationPorts: NumberRange;
  readonly destinationPortsNegated: boolean;
}
