// SPDX-License-Identifier: Apache-2.0
// udp match. iptables-extensions(8) udp; net/netfilter/xt_tcpudp.c udp_mt.
import { inRange } from '../../net/range.js';
import { load16 } from '../../packet/bytes.js';
import type { MatchResult } from '../evaluate/match-result.js';
import type { Skb } from '../evaluate/skb.js';
import { portRange } from '../values.js';
import { matchCodec } from './codec.js';
import { ALL_PORTS, portText } from './tcp.js';
import type { NumberRange } from '../../net/range.js';
import { and, negateIf, range, where } from '../../model/box.js';
import type { Test } from '../../model/model.js';

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

/** Later fragments never match; a datagram cut inside its header is dropped. */
export function evaluateUdp(match: UdpMatch, { packet }: Skb): MatchResult {
  const { frame, l4Offset } = packet;
  if (packet.fragmentOffset !== 0) return false;
  if (l4Offset + 8 > packet.end) return 'hotdrop';
  if (inRange(load16(frame, l4Offset), match.sourcePorts) === match.sourcePortsNegated) return false;
  return inRange(load16(frame, l4Offset + 2), match.destinationPorts) !== match.destinationPortsNegated;
}

export function lowerUdp(match: UdpMatch): Test {
  return {
    kind: 'fields',
    match: and(
      range('FRAG', 0),
      range('AVAIL', 8, 63),
      negateIf(match.sourcePortsNegated, where('SPORT', [match.sourcePorts])),
      negateIf(match.destinationPortsNegated, where('DPORT', [match.destinationPorts])),
    ),
    hotdrop: and(range('FRAG', 0), range('AVAIL', 0, 7)),
  };
}
