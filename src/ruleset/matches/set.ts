// SPDX-License-Identifier: Apache-2.0
// set match. iptables-extensions(8) set; net/netfilter/xt_set.c, net/netfilter/ipset/ip_set_core.c ip_set_test.
import type { BoundSet } from '../evaluate/sets/bound-set.js';
import type { MatchResult } from '../evaluate/match-result.js';
import type { Skb } from '../evaluate/skb.js';
import type { Options } from '../options.js';
import { bigInteger, not, UINT64_MAX } from '../values.js';
import { exclusive, matchCodec } from './codec.js';
import { negateIf } from '../../model/box.js';
import type { LowerContext } from '../../model/lower-context.js';
import type { Test } from '../../model/model.js';
import { setBoxes } from '../../model/set-boxes.js';

export interface SetMatch {
  readonly kind: 'set';
  readonly setName: string;
  /** One per dimension. */
  readonly directions: readonly ('src' | 'dst')[];
  readonly negated: boolean;
  readonly returnNomatch: boolean;
  readonly updateCounters: boolean;
  readonly updateSubcounters: boolean;
  readonly packets?: { readonly compare: 'eq' | 'ne' | 'lt' | 'gt'; readonly value: string };
  readonly bytes?: { readonly compare: 'eq' | 'ne' | 'lt' | 'gt'; readonly value: string };
}

/** Bytes of a set's name, less its end (IPSET_MAXNAMELEN). */
const MAX_NAME = 31;
/** Directions that struct xt_set_info has room for. */
const MAX_DIRECTIONS = 6;

const COMPARISONS = ['eq', 'lt', 'gt'] as const;

type CounterTest = NonNullable<SetMatch['packets']>;

export const setCodec = matchCodec<SetMatch>({
  name: 'set',
  checks: {
    '--match-set': { mandatory: true },
    ...exclusive('--packets-eq', '--packets-lt', '--packets-gt'),
    ...exclusive('--bytes-eq', '--bytes-lt', '--bytes-gt'),
  },
  read(options) {
    const [name, flags] = options.get('--match-set')!.args;
    if (name!.text.length > MAX_NAME)
      return options.badValue('--match-set', `a set's name has at most ${MAX_NAME} bytes`);
    const directions = setDirections(flags!.text);
    if (directions === undefined)
      return options.badValue(
        '--match-set',
        'expected `src` and `dst` with commas, one for each dimension',
        1,
      );
    const packets = counterTest(options, 'packets');
    const bytes = counterTest(options, 'bytes');
    return {
      kind: 'set',
      setName: name!.text,
      directions,
      negated: options.negated('--match-set'),
      returnNomatch: options.has('--return-nomatch'),
      updateCounters: !options.negated('--update-counters'),
      updateSubcounters: !options.negated('--update-subcounters'),
      ...(packets && { packets }),
      ...(bytes && { bytes }),
    };
  },
  print: (match) =>
    `${not(match.negated)} --match-set ${match.setName} ${match.directions.join(',')}` +
    (match.returnNomatch ? ' --return-nomatch' : '') +
    (match.updateCounters ? '' : ' ! --update-counters') +
    (match.updateSubcounters ? '' : ' ! --update-subcounters') +
    testText('packets', match.packets) +
    testText('bytes', match.bytes),
  used(match) {
    const names = ['--match-set'];
    if (match.returnNomatch) names.push('--return-nomatch');
    if (!match.updateCounters) names.push('--update-counters');
    if (!match.updateSubcounters) names.push('--update-subcounters');
    if (match.packets !== undefined) names.push(`--packets-${match.packets.compare.replace('ne', 'eq')}`);
    if (match.bytes !== undefined) names.push(`--bytes-${match.bytes.compare.replace('ne', 'eq')}`);
    return names;
  },
});

/** Only the first three letters of each word are looked at. */
export function setDirections(text: string): ('src' | 'dst')[] | undefined {
  const words = text.split(',').map((word) => word.slice(0, 3));
  if (words.length > MAX_DIRECTIONS || words.some((word) => word !== 'src' && word !== 'dst'))
    return undefined;
  return words as ('src' | 'dst')[];
}

function counterTest(options: Options, what: 'packets' | 'bytes'): CounterTest | undefined {
  const compare = COMPARISONS.find((one) => options.has(`--${what}-${one}`));
  if (compare === undefined) return undefined;
  const name = `--${what}-${compare}`;
  const value = bigInteger(options, name, UINT64_MAX);
  if (value === undefined) return undefined;
  return { compare: options.negated(name) ? 'ne' : compare, value: value.toString() };
}

function testText(what: string, test: CounterTest | undefined): string {
  if (test === undefined) return '';
  return test.compare === 'ne' ? ` ! --${what}-eq ${test.value}` : ` --${what}-${test.compare} ${test.value}`;
}

/** `set` is undefined when no input brought it. Conditions on a member's counters are not evaluated. */
export function evaluateSet(match: SetMatch, skb: Skb, set: BoundSet | undefined): MatchResult {
  if (set === undefined || match.packets !== undefined || match.bytes !== undefined) return 'undecided';
  const answer = set.test(skb, match);
  return answer === 'undecided' ? answer : answer !== match.negated;
}

export function lowerSet(match: SetMatch, context: LowerContext): Test {
  return { kind: 'fields', match: negateIf(match.negated, setBoxes(match, context)), hotdrop: [] };
}
