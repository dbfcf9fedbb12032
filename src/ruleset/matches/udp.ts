// SPDX-License-Identifier: Apache-2.0
// udp match. iptables-extensions(8) udp; net/netfilter/xt_tcpudp.c udp_mt.
import { portRange } from '../values.js';
import { matchCodec } from './codec.js';
import { ALL_PORTS, portText } from './tcp.js';
import type { NumberRange } from '../../net/range.js';

export interface UdpMatch {
  readonly kind: 'udp';
  readonly sourcePorts: NumberRange;
  readonly sourcePortsNegated: boolean;
  readonly destinationPorts: NumberRange;
  readonly destinationPortsNegated: boolean;
}

export const udpCodec = matchCodec<UdpMatch>({
  name: 'udp',
  read(options, context) {
    return {
      kind: 'udp',
      sourcePorts: portRange(options, '--sport', context) ?? ALL_PORTS,
      sourcePortsNegated: options.negated('--sport'),
      destinationPorts: portRange(options, '--dport', context) ?? ALL_PORTS,
      destinationPortsNegated: options.negated('--dport'),
    };
  },
  print: (match) =>
    portText('--sport', match.sourcePorts, match.sourcePortsNegated) +
    portText('--dport', match.destinationPorts, match.destinationPortsNegated),
});
