// SPDX-License-Identifier: Apache-2.0
// Random matches as iptables-restore text: every match this version carries over, with negation, where
// iptables and the kernel take it. iptables-extensions(8).
import type { Family } from '../../src/net/family.js';
import { anyAddress, anyPort, LENGTHS, MACS, MARKS, portRange, TTLS } from './constants.js';
import type { Random } from '../../src/replay/directed/random.js';
import type { RandomSet } from './sets.js';

export interface MatchContext {
  readonly random: Random;
  readonly family: Family;
  /** The built-in chain the rule is in; undefined in a user chain. */
  readonly builtIn?: string;
  /** `-p` of the rule where it is not negated: what protocol matches need. */
  readonly protocol?: string;
  readonly sets: readonly RandomSet[];
}

const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'] as const;
const TYPES = ['UNICAST', 'LOCAL', 'BROADCAST', 'MULTICAST', 'ANYCAST'] as const;
const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const;
const ICMP = [
  'echo-request',
  'echo-reply',
  'destination-unreachable',
  'port-unreachable',
  'time-exceeded',
  '3/1',
  '13',
  '255',
];
const ICMP6 = [
  'echo-request',
  'echo-reply',
  'destination-unreachable',
  'packet-too-big',
  '1/4',
  '129',
  'time-exceeded',
];
const MAC_CHAINS = new Set(['PREROUTING', 'INPUT', 'FORWARD']);

/** One match, or none where the draw does not fit the rule. */
export function randomMatch(context: MatchContext): string {
  const { random } = context;
  return random.choose([
    [30, () => protocolMatch(context)],
    [12, () => stateMatch(random)],
    [8, () => setMatch(context)],
    [6, () => addrtype(context)],
    [
      6,
      () =>
        `-m mark ${not(random)}--mark ${random.pick(MARKS)}${random.chance(50) ? `/${random.pick(MARKS)}` : ''}`,
    ],
    [6, () => `-m length ${not(random)}--length ${ordered(random.pick(LENGTHS), random.pick(LENGTHS))}`],
    [6, () => iprange(context)],
    [5, () => ttl(context)],
    [
      3,
      () =>
        MAC_CHAINS.has(context.builtIn ?? '') ? `-m mac ${not(random)}--mac-source ${random.pick(MACS)}` : '',
    ],
    [4, () => `-m comment --comment "${random.pick(['allow web; -j DROP', 'a b', "it's", 'x'])}"`],
    // Rates so low that the speed of a replay makes no difference: only the burst counts.
    [
      5,
      () =>
        `-m limit --limit ${String(random.between(1, 3))}/hour --limit-burst ${String(random.between(1, 6))}`,
    ],
  ]);
}

function not(random: Random): string {
  return random.chance(25) ? '! ' : '';
}

function ordered(a: number, b: number): string {
  return a === b ? String(a) : `${String(Math.min(a, b))}:${String(Math.max(a, b))}`;
}

function protocolMatch({ random, protocol }: MatchContext): string {
  switch (protocol) {
    case 'tcp':
      return random.choose([
        [4, () => `-m tcp ${not(random)}--${random.pick(['sport', 'dport'])} ${portRange(random)}`],
        [2, () => `-m tcp --sport ${portRange(random)} ${not(random)}--dport ${portRange(random)}`],
        [2, () => `-m tcp ${not(random)}--syn`],
        [2, () => `-m tcp ${not(random)}--tcp-flags ${tcpFlags(random)}`],
        [1, () => `-m tcp ${not(random)}--tcp-option ${String(random.pick([2, 8, 3]))}`],
        [2, () => multiport(random)],
      ]);
    case 'udp':
      return random.choose([
        [4, () => `-m udp ${not(random)}--${random.pick(['sport', 'dport'])} ${portRange(random)}`],
        [2, () => multiport(random)],
      ]);
    case 'icmp':
      return `-m icmp ${not(random)}--icmp-type ${random.pick(ICMP)}`;
    case 'ipv6-icmp':
      return `-m icmp6 ${not(random)}--icmpv6-type ${random.pick(ICMP6)}`;
    default:
      return '';
  }
}

function tcpFlags(random: Random): string {
  const mask = random.some(FLAGS, random.between(1, 6));
  const set = random.some(mask, random.between(0, mask.length));
  return `${mask.join(',')} ${set.length === 0 ? 'NONE' : set.join(',')}`;
}

/** `a:a` is refused, and at most 15 ports, a range counting for two. */
function multiport(random: Random): string {
  const list = Array.from({ length: random.between(1, 5) }, () => {
    const [a, b] = [anyPort(random), anyPort(random)];
    return random.chance(30) && a !== b ? `${String(Math.min(a, b))}:${String(Math.max(a, b))}` : String(a);
  });
  return `-m multiport ${not(random)}--${random.pick(['sports', 'dports', 'ports'])} ${list.join(',')}`;
}

function stateMatch(random: Random): string {
  const states = random.some(STATES, random.between(1, 3)).join(',');
  return random.choose([
    [3, () => `-m conntrack ${not(random)}--ctstate ${states}`],
    [2, () => `-m state ${not(random)}--state ${states}`],
    [1, () => `-m conntrack --ctdir ${random.pick(['ORIGINAL', 'REPLY'])}`],
    [1, () => `-m conntrack ${not(random)}--ctproto ${random.pick(['tcp', 'udp', 'icmp'])}`],
  ]);
}

function setMatch({ random, family, sets }: MatchContext): string {
  const fitting = sets.filter((set) => set.family === undefined || set.family === family);
  if (fitting.length === 0) return '';
  const set = random.pick(fitting);
  const directions = Array.from({ length: set.dimensions }, () => random.pick(['src', 'dst']));
  return `-m set ${not(random)}--match-set ${set.name} ${directions.join(',')}`;
}

function addrtype({ random, family, builtIn }: MatchContext): string {
  const side = random.pick(['src', 'dst']);
  // The kernel knows no broadcast of IPv6 and refuses the type.
  const known = family === 'ipv4' ? TYPES : TYPES.filter((type) => type !== 'BROADCAST');
  const types = random.some(known, random.between(1, 2)).join(',');
  const limit = builtIn === 'INPUT' && random.chance(15) ? ' --limit-iface-in' : '';
  return `-m addrtype ${not(random)}--${side}-type ${types}${limit}`;
}

function iprange({ random, family }: MatchContext): string {
  const ends = [anyAddress(random, family), anyAddress(random, family)];
  const [first = '', last = ''] = family === 'ipv4' ? ends.sort(byOctets) : ends.sort(byGroups);
  return `-m iprange ${not(random)}--${random.pick(['src', 'dst'])}-range ${first}-${last}`;
}

function byOctets(a: string, b: string): number {
  const value = (text: string): number =>
    text.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  return value(a) - value(b);
}

/** Expands `::` and compares group by group. */
function byGroups(a: string, b: string): number {
  const key = (text: string): string => {
    const [head = '', tail = ''] = text.split('::');
    const left = head === '' ? [] : head.split(':');
    const right = tail === '' ? [] : tail.split(':');
    const zeros = new Array<string>(8 - left.length - right.length).fill('0');
    return [...left, ...zeros, ...right].map((group) => group.padStart(4, '0')).join('');
  };
  return key(a) < key(b) ? -1 : 1;
}

function ttl({ random, family }: MatchContext): string {
  const value = String(random.pick(TTLS));
  const operation = random.pick(['eq', 'lt', 'gt']);
  const negation = operation === 'eq' ? not(random) : '';
  return family === 'ipv4'
    ? `-m ttl ${negation}--ttl-${operation} ${value}`
    : `-m hl ${negation}--hl-${operation} ${value}`;
}
