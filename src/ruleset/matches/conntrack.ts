// SPDX-License-Identifier: Apache-2.0
// conntrack match, revision 3. iptables-extensions(8) conntrack; net/netfilter/xt_conntrack.c.
import { matchesMasked } from '../../net/address.js';
import { inRange } from '../../net/range.js';
import type { Clock } from '../evaluate/clock.js';
import type { Connection } from '../evaluate/conntrack/connection.js';
import type { MatchResult } from '../evaluate/match-result.js';
import { conntrackStateOf, CT_ESTABLISHED_REPLY, type Skb } from '../evaluate/skb.js';
import type { Family } from '../../net/family.js';
import type { DecodeContext } from '../extension.js';
import { UINT32_MAX, type Options } from '../options.js';
import {
  addressWithMask,
  byPrefix,
  hostWithMask,
  integerRange,
  nameList,
  not,
  portRange,
  protocolValue,
  rangeText,
} from '../values.js';
import { matchCodec, needsOneOf } from './codec.js';
import type { AddressWords, MaskedAddress } from '../../net/address.js';
import type { NumberRange } from '../../net/range.js';
import type { Negatable } from '../ruleset.js';
import { and, type Boxes, EVERYTHING, negateIf, or, range, where } from '../../model/box.js';
import type { LowerContext } from '../../model/lower-context.js';
import type { Test } from '../../model/model.js';
import { CT_FIELD, CT_FIELD_LIMIT } from '../../model/fields.js';
import { connectionStateOf } from '../../model/connection-boxes.js';
import { valuesWhere } from '../../model/ranges.js';

export type ConntrackStateName =
  'INVALID' | 'NEW' | 'RELATED' | 'ESTABLISHED' | 'UNTRACKED' | 'SNAT' | 'DNAT';
export type ConntrackStatusName = 'NONE' | 'EXPECTED' | 'SEEN_REPLY' | 'ASSURED' | 'CONFIRMED';

/** An address of a connection's tuple. */
export interface TupleAddress extends MaskedAddress {
  /** As given: bits outside the mask count for nothing, but are printed. */
  readonly written: AddressWords;
}

export interface ConntrackMatch {
  readonly kind: 'conntrack';
  readonly states?: Negatable<readonly ConntrackStateName[]>;
  readonly statuses?: Negatable<readonly ConntrackStatusName[]>;
  readonly protocol?: Negatable<number>;
  readonly originalSource?: Negatable<TupleAddress>;
  readonly originalDestination?: Negatable<TupleAddress>;
  readonly replySource?: Negatable<TupleAddress>;
  readonly replyDestination?: Negatable<TupleAddress>;
  readonly originalSourcePorts?: Negatable<NumberRange>;
  readonly originalDestinationPorts?: Negatable<NumberRange>;
  readonly replySourcePorts?: Negatable<NumberRange>;
  readonly replyDestinationPorts?: Negatable<NumberRange>;
  /** Seconds. */
  readonly expires?: Negatable<NumberRange>;
  /** `--ctdir`; its negation is the other direction and is stored so. */
  readonly direction?: 'ORIGINAL' | 'REPLY';
}

/** In the order iptables-save prints them. */
export const CONNTRACK_STATES: readonly ConntrackStateName[] = [
  'INVALID',
  'NEW',
  'RELATED',
  'ESTABLISHED',
  'UNTRACKED',
  'SNAT',
  'DNAT',
];
const STATUSES: readonly ConntrackStatusName[] = ['NONE', 'EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED'];

const ADDRESSES = [
  ['--ctorigsrc', 'originalSource'],
  ['--ctorigdst', 'originalDestination'],
  ['--ctreplsrc', 'replySource'],
  ['--ctrepldst', 'replyDestination'],
] as const;

const PORTS = [
  ['--ctorigsrcport', 'originalSourcePorts'],
  ['--ctorigdstport', 'originalDestinationPorts'],
  ['--ctreplsrcport', 'replySourcePorts'],
  ['--ctrepldstport', 'replyDestinationPorts'],
] as const;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export const conntrackCodec = matchCodec<ConntrackMatch>({
  name: 'conntrack',
  read(options, context) {
    if (options.node.options.length === 0) needsOneOf(options, '--ctstate', '--ctstatus', '--ctproto');
    const match: Writable<ConntrackMatch> = { kind: 'conntrack' };
    const states = stateList(options, '--ctstate', CONNTRACK_STATES);
    if (states !== undefined) match.states = { value: states, negated: options.negated('--ctstate') };
    const statuses = statusList(options);
    if (statuses !== undefined) match.statuses = { value: statuses, negated: options.negated('--ctstatus') };
    const protocol = protocolValue(options, '--ctproto', context);
    if (protocol !== undefined) match.protocol = { value: protocol, negated: options.negated('--ctproto') };
    readTuples(options, context, match);
    const expires = integerRange(options, '--ctexpire', UINT32_MAX);
    if (expires !== undefined) match.expires = { value: expires, negated: options.negated('--ctexpire') };
    const direction = options.text('--ctdir')?.toUpperCase();
    if (direction === 'ORIGINAL' || direction === 'REPLY') match.direction = direction;
    else if (direction !== undefined) return options.badValue('--ctdir', 'expected ORIGINAL or REPLY');
    return match;
  },
  print(match) {
    const option = <T>(name: string, one: Negatable<T> | undefined, text: (value: T) => string): string =>
      one === undefined ? '' : `${not(one.negated)} ${name} ${text(one.value)}`;
    const tupleAddress = ({ written, mask }: TupleAddress): string =>
      addressWithMask({ address: written, mask });
    return (
      option('--ctstate', match.states, (states) => states.join(',')) +
      option('--ctproto', match.protocol, String) +
      ADDRESSES.map(([name, field]) => option(name, match[field], tupleAddress)).join('') +
      PORTS.map(([name, field]) => option(name, match[field], portsText)).join('') +
      option('--ctstatus', match.statuses, (statuses) => statuses.join(',')) +
      option('--ctexpire', match.expires, rangeText) +
      (match.direction === undefined ? '' : ` --ctdir ${match.direction}`)
    );
  },
  used(match) {
    const names: string[] = [];
    if (match.states !== undefined) names.push('--ctstate');
    if (match.protocol !== undefined) names.push('--ctproto');
    for (const [name, field] of [...ADDRESSES, ...PORTS]) if (match[field] !== undefined) names.push(name);
    if (match.statuses !== undefined) names.push('--ctstatus');
    if (match.expires !== undefined) names.push('--ctexpire');
    if (match.direction !== undefined) names.push('--ctdir');
    return names;
  },
});

/** Names of states, each possibly cut short, in printing order. */
export function stateList(
  options: Options,
  name: string,
  known: readonly ConntrackStateName[],
): ConntrackStateName[] | undefined {
  // iptables tries ESTABLISHED before RELATED; no cut name fits both.
  const given = nameList(
    options,
    name,
    (item) => byPrefix(known, item),
    `expected ${known.join(', ')}, with commas`,
  );
  return given && known.filter((state) => given.includes(state));
}

/** NONE adds nothing to other statuses; alone it stands for the empty list. */
function statusList(options: Options): ConntrackStatusName[] | undefined {
  const given = nameList(
    options,
    '--ctstatus',
    (item) => byPrefix(STATUSES, item),
    `expected ${STATUSES.join(', ')}, with commas`,
  );
  if (given === undefined) return undefined;
  const others = STATUSES.filter((status) => status !== 'NONE' && given.includes(status));
  return others.length === 0 ? ['NONE'] : others;
}

function readTuples(options: Options, context: DecodeContext, match: Writable<ConntrackMatch>): void {
  for (const [name, field] of ADDRESSES) {
    const address = tupleAddress(options, name, context.family);
    if (address !== undefined) match[field] = { value: address, negated: options.negated(name) };
  }
  for (const [name, field] of PORTS) {
    const ports = portRange(options, name, context);
    if (ports !== undefined) match[field] = { value: ports, negated: options.negated(name) };
  }
}

function tupleAddress(options: Options, name: string, family: Family): TupleAddress | undefined {
  const read = hostWithMask(options, name, family);
  if (read === undefined) return undefined;
  const address = read.address.map((word, i) => (word & read.mask[i]!) >>> 0);
  return { address, mask: read.mask, written: read.address };
}

/** A range that ends at port 0 prints its first port alone. */
function portsText(ports: NumberRange): string {
  return ports.last === 0 ? `${ports.first}` : rangeText(ports);
}

/**
 * A packet without a connection is judged by its state alone: with `--ctstate` all other options are then
 * taken as given, without it the match fails.
 */
export function evaluateConntrack(match: ConntrackMatch, skb: Skb, clock: Clock): MatchResult {
  if (skb.ctUnknown) return 'undecided';
  const { states, direction } = match;
  if (states !== undefined && states.value.includes(conntrackStateOf(skb)) === states.negated) return false;
  const { connection } = skb;
  if (connection === undefined) return states !== undefined;
  if (direction !== undefined && (direction === 'REPLY') !== skb.ctInfo >= CT_ESTABLISHED_REPLY) return false;
  return addressesAndPortsMatch(match, connection) && statusMatches(match, connection, clock);
}

function addressesAndPortsMatch(match: ConntrackMatch, { original, reply }: Connection): boolean {
  return (
    holds(match.originalSource, (each) => matchesMasked(original.source, each)) &&
    holds(match.originalDestination, (each) => matchesMasked(original.destination, each)) &&
    holds(match.replySource, (each) => matchesMasked(reply.source, each)) &&
    holds(match.replyDestination, (each) => matchesMasked(reply.destination, each)) &&
    holds(match.protocol, (each) => original.protocol === each) &&
    holds(match.originalSourcePorts, (each) => inRange(original.sourceKey, each)) &&
    holds(match.originalDestinationPorts, (each) => inRange(original.destinationKey, each)) &&
    holds(match.replySourcePorts, (each) => inRange(reply.sourceKey, each)) &&
    holds(match.replyDestinationPorts, (each) => inRange(reply.destinationKey, each))
  );
}

/** IPS_ bits; `NONE` is none of them and so never matches. */
const STATUS_BITS: Readonly<Record<ConntrackStatusName, number>> = {
  NONE: 0,
  EXPECTED: 1,
  SEEN_REPLY: 2,
  ASSURED: 4,
  CONFIRMED: 8,
};

function statusMatches(match: ConntrackMatch, connection: Connection, clock: Clock): boolean {
  const { status, confirmed, timeout } = connection;
  const seconds = confirmed ? Math.floor(Math.max(0, timeout - clock.jiffies) / clock.hz) : 0;
  return (
    holds(match.statuses, (names) => names.some((name) => (status & STATUS_BITS[name]) !== 0)) &&
    holds(match.expires, (each) => inRange(seconds, each))
  );
}

function holds<T>(option: Negatable<T> | undefined, test: (value: T) => boolean): boolean {
  return option === undefined || test(option.value) !== option.negated;
}

/** Without a connection only the states are asked; with one all options. */
export function lowerConntrack(match: ConntrackMatch, context: LowerContext): Test {
  const { states, direction } = match;
  const stateHolds = (state: ConntrackStateName): boolean =>
    states === undefined || states.value.includes(state) !== states.negated;
  const tracked = (value: number): boolean => (value & CT_FIELD.TRACKED) !== 0;
  const bare = valuesWhere(CT_FIELD_LIMIT, (value) => {
    const state = connectionStateOf(value);
    return states !== undefined && !tracked(value) && state !== undefined && stateHolds(state);
  });
  const held = valuesWhere(CT_FIELD_LIMIT, (value) => {
    const state = connectionStateOf(value);
    if (!tracked(value) || state === undefined || !stateHolds(state)) return false;
    if (direction !== undefined && ((value & CT_FIELD.REPLY) !== 0) !== (direction === 'REPLY')) return false;
    return match.statuses === undefined || statusHolds(match.statuses, value);
  });
  const address = (which: 'OSRC' | 'ODST', option: Negatable<MaskedAddress> | undefined): Boxes =>
    option === undefined ? EVERYTHING : negateIf(option.negated, context.maskedAddress(which, option.value));
  const number = (key: string, option: Negatable<NumberRange> | undefined): Boxes =>
    option === undefined ? EVERYTHING : negateIf(option.negated, where(key, [option.value]));
  const connection = and(
    address('OSRC', match.originalSource),
    address('ODST', match.originalDestination),
    address('ODST', match.replySource),
    address('OSRC', match.replyDestination),
    match.protocol === undefined
      ? EVERYTHING
      : negateIf(match.protocol.negated, range('CTPROTO', match.protocol.value)),
    number('OSPORT', match.originalSourcePorts),
    number('ODPORT', match.originalDestinationPorts),
    number('RSPORT', match.replySourcePorts),
    number('RDPORT', match.replyDestinationPorts),
    number('CTEXPIRES', match.expires),
  );
  return { kind: 'fields', match: or(where('CT', bare), and(where('CT', held), connection)), hotdrop: [] };
}

/**
 * `value` is a CT field. At TC nothing expects connections, so that bit is never set; for netfilter programs such a
 * rule is refused (EXPECTED_CONNECTION).
 */
function statusHolds(statuses: Negatable<readonly ConntrackStatusName[]>, value: number): boolean {
  const bits: Readonly<Record<ConntrackStatusName, number>> = {
    NONE: 0,
    EXPECTED: 0,
    SEEN_REPLY: CT_FIELD.SEEN_REPLY,
    ASSURED: CT_FIELD.ASSURED,
    CONFIRMED: CT_FIELD.CONFIRMED,
  };
  return statuses.value.some((name) => (value & bits[name]) !== 0) !== statuses.negated;
}
