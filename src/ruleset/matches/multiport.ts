// SPDX-License-Identifier: Apache-2.0
// multiport match, revision 1. iptables-extensions(8) multiport; net/netfilter/xt_multiport.c.
import { inRange } from '../../net/range.js';
import { load16 } from '../../packet/bytes.js';
import type { MatchResult } from '../evaluate/match-result.js';
import type { Skb } from '../evaluate/skb.js';
import type { Options } from '../options.js';
import type { DecodeContext } from '../extension.js';
import { onlyProtocol } from '../targets/protocol.js';
import { not, portNumber, rangeText } from '../values.js';
import { exclusive, matchCodec, needsOneOf, needsProtocol } from './codec.js';
import type { NumberRange } from '../../net/range.js';
import { and, negateIf, or, range, where } from '../../model/box.js';
import { NOTHING } from '../../model/box.js';
import type { Test } from '../../model/model.js';

export interface MultiportMatch {
  readonly kind: 'multiport';
  readonly which: 'source' | 'destination' | 'either';
  /** In the order given; a single port has first = last. At most 15 slots, a range takes two. */
  readonly ports: readonly NumberRange[];
  readonly negated: boolean;
}

const MAX_SLOTS = 15;
const PROTOCOLS = ['tcp', 'udp', 'udplite', 'sctp', 'dccp'];
const OPTIONS = { source: '--sports', destination: '--dports', either: '--ports' } as const;

export const multiportCodec = matchCodec<MultiportMatch>({
  name: 'multiport',
  checks: exclusive(...Object.values(OPTIONS)),
  read(options, context) {
    needsProtocol(options, context, ...PROTOCOLS);
    needsOneOf(options, ...Object.values(OPTIONS));
    if (options.failed) return undefined;
    const which = (['source', 'destination', 'either'] as const).find((one) => options.has(OPTIONS[one]))!;
    const ports = portList(options, OPTIONS[which], context);
    return ports && { kind: 'multiport', which, ports, negated: options.negated(OPTIONS[which]) };
  },
  print: (match) => `${not(match.negated)} ${OPTIONS[match.which]} ${match.ports.map(rangeText).join(',')}`,
});

function portList(options: Options, name: string, context: DecodeContext): NumberRange[] | undefined {
  const protocol = context.names.protocolName(onlyProtocol(context)!)!;
  const ranges: NumberRange[] = [];
  let slots = 0;
  for (const item of options.text(name)!.split(',')) {
    const colon = item.indexOf(':');
    slots += colon < 0 ? 1 : 2;
    const first = portNumber(colon < 0 ? item : item.slice(0, colon), protocol, context.names);
    const last = colon < 0 ? first : portNumber(item.slice(colon + 1), protocol, context.names);
    if (first === undefined || last === undefined)
      return options.badValue(
        name,
        'expected ports and ranges of ports with commas, numbers or service names',
      );
    if (colon >= 0 && first >= last) return options.badValue(name, 'a range begins below its end');
    ranges.push({ first, last });
  }
  if (slots > MAX_SLOTS)
    return options.badValue(name, `at most ${MAX_SLOTS} ports fit, a range counts twice`);
  return ranges;
}

/** Later fragments never match, negated or not; a header cut before the ports drops the packet. */
export function evaluateMultiport(match: MultiportMatch, { packet }: Skb): MatchResult {
  const { frame, l4Offset } = packet;
  if (packet.fragmentOffset !== 0) return false;
  if (l4Offset + 4 > packet.end) return 'hotdrop';
  const source = load16(frame, l4Offset);
  const destination = load16(frame, l4Offset + 2);
  for (const range of match.ports) {
    const hit =
      (match.which !== 'destination' && inRange(source, range)) ||
      (match.which !== 'source' && inRange(destination, range));
    if (hit) return !match.negated;
  }
  return match.negated;
}

export function lowerMultiport(match: MultiportMatch): Test {
  const source = match.which === 'destination' ? NOTHING : where('SPORT', match.ports);
  const destination = match.which === 'source' ? NOTHING : where('DPORT', match.ports);
  return {
    kind: 'fields',
    match: and(range('FRAG', 0), range('AVAIL', 4, 63), negateIf(match.negated, or(source, destination))),
    hotdrop: and(range('FRAG', 0), range('AVAIL', 0, 3)),
  };
}
