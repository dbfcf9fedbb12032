// SPDX-License-Identifier: Apache-2.0
// tcp match. iptables-extensions(8) tcp; net/netfilter/xt_tcpudp.c tcp_mt.
import type { NumberRange } from '../../net/range.js';

export interface TcpMatch {
  readonly kind: 'tcp';
  /** Always present: 0-65535 when not given. `! --sport :` keeps its negation and never matches. */
  readonly sourcePorts: NumberRange;
  readonly sourcePortsNegated: boolean;
  readonly destinationPorts: NumberRange;
  readonly destinationPortsNegated: boolean;
  /** Bits of byte 13: FIN 1 SYN 2 RST 4 PSH 8 ACK 16 URG 32. */
  readonly flagMask: number;
  readonly flagCompare: number;
  readonly flagsNegated: boolean;
  /** TCP option kind that must be present; absent = not asked. */
  readonly option?: number;
  readonly optionNegated: boolean;
}
