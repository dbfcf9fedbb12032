// SPDX-License-Identifier: Apache-2.0
// tcp match. iptables-extensions(8) tcp; net/netfilter/xt_tcpudp.c tcp_mt.
import { inRange } from '../../net/range.js';
import { load16 } from '../../packet/bytes.js';
import type { MatchResult } from '../evaluate/match-result.js';
import type { Skb } from '../evaluate/skb.js';
import type { DecodeContext } from '../extension.js';
import { UINT16_MAX, type Options } from '../options.js';
import { not, portNumber, rangeText } from '../values.js';
import { matchCodec } from './codec.js';
import type { NumberRange } from '../../net/range.js';
import { and, negateIf, or, range, where } from '../../model/box.js';
import type { LowerContext } from '../../model/lower-context.js';
import type { Test } from '../../model/model.js';
import { TCPOPT_BAD } from '../../model/fields.js';
import { valuesWhere } from '../../model/ranges.js';

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

const FLAGS: readonly (readonly [string, number])[] = [
  ['FIN', 1],
  ['SYN', 2],
  ['RST', 4],
  ['PSH', 8],
  ['ACK', 16],
  ['URG', 32],
];
const ALL_FLAGS = 0x3f;
/** What `--syn` stands for. */
const SYN = { mask: 0x17, compare: 0x02 };
export const ALL_PORTS: NumberRange = { first: 0, last: UINT16_MAX };

export const tcpCodec = matchCodec<TcpMatch>({
  name: 'tcp',
  checks: { '--syn': { excludes: ['--tcp-flags'] }, '--tcp-flags': { excludes: ['--syn'] } },
  read(options, context) {
    const option = options.integer('--tcp-option', 1, 255);
    const flags = options.get('--tcp-flags');
    const mask = flags === undefined ? 0 : tcpFlags(options, 0);
    const compare = flags === undefined ? 0 : tcpFlags(options, 1);
    const syn = options.has('--syn');
    return {
      kind: 'tcp',
      sourcePorts: orderedPorts(options, '--sport', context, 'tcp') ?? ALL_PORTS,
      sourcePortsNegated: options.negated('--sport'),
      destinationPorts: orderedPorts(options, '--dport', context, 'tcp') ?? ALL_PORTS,
      destinationPortsNegated: options.negated('--dport'),
      flagMask: syn ? SYN.mask : mask,
      flagCompare: syn ? SYN.compare : compare,
      flagsNegated: options.negated('--syn') || options.negated('--tcp-flags'),
      ...(option !== undefined && { option }),
      optionNegated: options.negated('--tcp-option'),
    };
  },
  print(match) {
    let text =
      portText('--sport', match.sourcePorts, match.sourcePortsNegated) +
      portText('--dport', match.destinationPorts, match.destinationPortsNegated);
    if (match.option !== undefined) text += `${not(match.optionNegated)} --tcp-option ${match.option}`;
    if (match.flagMask !== 0 || match.flagsNegated)
      text += `${not(match.flagsNegated)} --tcp-flags ${flagText(match.flagMask)} ${flagText(match.flagCompare)}`;
    return text;
  },
});

/** Ports of tcp and sctp are read by other rules than those of other matches: any base, names of one protocol, in order. */
export function orderedPorts(
  options: Options,
  name: string,
  context: DecodeContext,
  protocol: string,
): NumberRange | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const colon = text.indexOf(':');
  const ends = colon < 0 ? [text, text] : [text.slice(0, colon), text.slice(colon + 1)];
  const [first, last] = ends.map((end, i) =>
    end === '' ? (i === 0 ? 0 : UINT16_MAX) : portNumber(end, protocol, context.names),
  );
  if (first === undefined || last === undefined)
    return options.badValue(name, 'expected a port or a range of ports: numbers or names of /etc/services');
  if (first > last) return options.badValue(name, 'the first port of a range is not above the last');
  return { first, last };
}

/** Nothing is printed for all ports, not even a negation (iptables 1.8.9 loses it there). */
export function portText(name: string, ports: NumberRange, negated: boolean): string {
  if (ports.first === 0 && ports.last === UINT16_MAX) return '';
  return `${not(negated)} ${name} ${rangeText(ports)}`;
}

function tcpFlags(options: Options, index: 0 | 1): number {
  const text = options.get('--tcp-flags')!.args[index]!.text;
  let bits = 0;
  for (const name of text.toUpperCase().split(',')) {
    if (name === '' || name === 'NONE') continue;
    const flag = name === 'ALL' ? ALL_FLAGS : FLAGS.find(([known]) => known === name)?.[1];
    if (flag === undefined)
      options.badValue(
        '--tcp-flags',
        'expected SYN, ACK, FIN, RST, URG, PSH, ALL or NONE, with commas',
        index,
      );
    else bits |= flag;
  }
  return bits;
}

function flagText(bits: number): string {
  const names = FLAGS.filter(([, flag]) => (bits & flag) !== 0).map(([name]) => name);
  return names.length === 0 ? 'NONE' : names.join(',');
}

/** Later fragments never match; TCP cut inside its first 20 bytes, or continued at offset 8, is dropped. */
export function evaluateTcp(match: TcpMatch, { packet }: Skb): MatchResult {
  const { frame, l4Offset, end } = packet;
  if (packet.fragmentOffset !== 0) {
    return packet.family === 'ipv4' && packet.fragmentOffset === 8 ? 'hotdrop' : false;
  }
  if (l4Offset + 20 > end) return 'hotdrop';
  if (inRange(load16(frame, l4Offset), match.sourcePorts) === match.sourcePortsNegated) return false;
  if (inRange(load16(frame, l4Offset + 2), match.destinationPorts) === match.destinationPortsNegated)
    return false;
  if (((frame[l4Offset + 13]! & match.flagMask) === match.flagCompare) === match.flagsNegated) return false;
  if (match.option === undefined) return true;
  const headerLength = (frame[l4Offset + 12]! >>> 4) << 2;
  if (headerLength < 20 || l4Offset + headerLength > end) return 'hotdrop';
  return hasTcpOption(frame, l4Offset + 20, l4Offset + headerLength, match.option) !== match.optionNegated;
}

/** Walks as the kernel does: kinds 0 and 1 are one byte long, a length of 0 counts as 1. */
function hasTcpOption(frame: Uint8Array, start: number, stop: number, kind: number): boolean {
  for (let offset = start; offset < stop;) {
    const found = frame[offset]!;
    if (found === kind) return true;
    const length = offset + 1 < stop ? frame[offset + 1]! : 0;
    offset += found < 2 || length === 0 ? 1 : length;
  }
  return false;
}

/**
 * No later fragment; a header cut short drops the packet, and so does, in IPv4, a fragment that could overwrite
 * it. (IPv6 counts the offset in bytes where the match looks for 1.)
 */
export function lowerTcp(match: TcpMatch, context: LowerContext): Test {
  const readable = and(range('FRAG', 0), range('AVAIL', 20, 63));
  const flags = valuesWhere(256, (value) => (value & match.flagMask) === match.flagCompare);
  const asked = and(
    readable,
    negateIf(match.sourcePortsNegated, where('SPORT', [match.sourcePorts])),
    negateIf(match.destinationPortsNegated, where('DPORT', [match.destinationPorts])),
    negateIf(match.flagsNegated, where('TCPFLAGS', flags)),
  );
  const cut = and(range('FRAG', 0), range('AVAIL', 0, 19));
  const unreadable = context.family === 'ipv4' ? or(range('FRAG', 1), cut) : cut;
  if (match.option === undefined) return { kind: 'fields', match: asked, hotdrop: unreadable };
  const bit = 1 << context.tcpOption(match.option);
  const present = valuesWhere(TCPOPT_BAD, (value) => (value & bit) !== 0);
  const absent = valuesWhere(TCPOPT_BAD, (value) => (value & bit) === 0);
  return {
    kind: 'fields',
    match: and(asked, where('TCPOPT', match.optionNegated ? absent : present)),
    hotdrop: or(unreadable, and(asked, range('TCPOPT', TCPOPT_BAD))),
  };
}
