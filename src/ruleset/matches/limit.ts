// SPDX-License-Identifier: Apache-2.0
// limit match: a token bucket in jiffies. iptables-extensions(8) limit; net/netfilter/xt_limit.c.
import type { Clock } from '../evaluate/clock.js';
import type { MatchResult } from '../evaluate/match-result.js';
import { UINT32_MAX } from '../options.js';
import { matchCodec } from './codec.js';
import type { LowerContext } from '../../model/lower-context.js';
import type { Test } from '../../model/model.js';

export interface LimitMatch {
  readonly kind: 'limit';
  /** As userspace hands it to the kernel: 10,000 (XT_LIMIT_SCALE) / rate per second, an unsigned 32-bit integer. */
  readonly average: number;
  readonly burst: number;
}

/** XT_LIMIT_SCALE: `average` counts in 1/10,000 s. */
const SCALE = 10_000;
const DEFAULT_AVERAGE = (SCALE * 3600) / 3;
const DEFAULT_BURST = 5;
const MAX_BURST = 10_000;

/** Seconds, by the unit's name and the short one that is printed. */
export const RATE_UNITS = [
  ['second', 'sec', 1],
  ['minute', 'min', 60],
  ['hour', 'hour', 3600],
  ['day', 'day', 86_400],
] as const;

export const limitCodec = matchCodec<LimitMatch>({
  name: 'limit',
  read(options) {
    const text = options.text('--limit');
    const average = text === undefined ? DEFAULT_AVERAGE : readRate(text);
    if (average === undefined)
      return options.badValue(
        '--limit',
        'expected `number/second`, or minute, hour, day; at most 10000/second',
      );
    const burst = options.integer('--limit-burst', 0, MAX_BURST) ?? DEFAULT_BURST;
    if (burst === 0) return options.badValue('--limit-burst', 'the kernel refuses a burst of 0');
    if (credits((average * burst) % 2 ** 32) < credits(average))
      return options.fail(
        options.node,
        'IPT0220',
        "rate and burst of `limit` overflow the kernel's credits",
        'lower the burst',
      );
    return { kind: 'limit', average, burst };
  },
  print: (match) =>
    ` --limit ${rateText(match.average)}` +
    (match.burst === DEFAULT_BURST ? '' : ` --limit-burst ${match.burst}`),
});

/** `3/hour` as time between two packets; the unit may be cut short, and without one it is seconds. */
function readRate(text: string): number | undefined {
  const slash = text.indexOf('/');
  const unitText = slash < 0 ? 'second' : text.slice(slash + 1).toLowerCase();
  const unit = unitText === '' ? undefined : RATE_UNITS.find(([name]) => name.startsWith(unitText));
  const number = /^\s*\+?([0-9]+)/.exec(text);
  if (unit === undefined || number === null) return undefined;
  const rate = Number(number[1]) >>> 0;
  const average = rate === 0 ? 0 : Math.floor((SCALE * unit[2]) / rate);
  return average === 0 ? undefined : average;
}

/** In the largest unit that loses little, as iptables-save rounds. */
function rateText(average: number): string {
  let best: (typeof RATE_UNITS)[number] = RATE_UNITS[3];
  for (const unit of [RATE_UNITS[2], RATE_UNITS[1], RATE_UNITS[0]]) {
    const period = SCALE * unit[2];
    if (average > period || Math.floor(period / average) < period % average) break;
    best = unit;
  }
  return `${Math.floor((SCALE * best[2]) / average)}/${best[1]}`;
}

/** Credits a second at HZ 250 and 1000, where the kernel's check of the options is made. */
const CREDITS_PER_SECOND = 32_000;

/** user2credits() of xt_limit.c, in its 32-bit arithmetic. */
function credits(user: number, perSecond = CREDITS_PER_SECOND): number {
  if (user > Math.floor(UINT32_MAX / perSecond)) return (Math.floor(user / SCALE) * perSecond) % 2 ** 32;
  return Math.floor((user * perSecond) / SCALE);
}

/** 32-bit counters of one rule's bucket. What isn't known for certain lies between `least` and `most`. */
export interface LimitBucket {
  least: number;
  most: number;
  /** Tick of the last look. */
  since: number;
  readonly cost: number;
  readonly capacity: number;
  readonly perJiffy: number;
}

const SECONDS_PER_DAY = 86_400;

/** A full bucket, as the rule has it when loaded at tick `now`. `hz`: ticks a second. */
export function newLimitBucket(match: LimitMatch, hz: number, now: number): LimitBucket {
  const perJiffy = creditsPerJiffy(hz);
  const capacity = credits((match.average * match.burst) % 2 ** 32, hz * perJiffy);
  const cost = credits(match.average, hz * perJiffy);
  return { least: capacity, most: capacity, since: now, cost, capacity, perJiffy };
}

/** The largest power of two of credits a tick that lets a day's worth fit 32 bits (xt_limit.c). */
export function creditsPerJiffy(hz: number): number {
  const most = Math.floor(0xffffffff / (hz * SECONDS_PER_DAY));
  return 2 ** Math.floor(Math.log2(most));
}

/** Takes a packet's cost out of the bucket where there is enough; the counters wrap as the kernel's do. */
export function evaluateLimit(bucket: LimitBucket, clock: Clock): MatchResult {
  refill(bucket, clock);
  if (bucket.least >= bucket.cost) {
    bucket.least -= bucket.cost;
    bucket.most -= bucket.cost;
    return true;
  }
  if (bucket.most < bucket.cost) return false;
  // Either the cost was there and is gone now, or it was not there.
  bucket.most = Math.max(bucket.most - bucket.cost, bucket.cost - 1);
  bucket.least = 0;
  return 'undecided';
}

/** A packet may or may not have taken its cost out. */
export function blurLimit(bucket: LimitBucket, clock: Clock): void {
  refill(bucket, clock);
  if (bucket.least >= bucket.cost) bucket.least -= bucket.cost;
}

function refill(bucket: LimitBucket, clock: Clock): void {
  const gained = (((clock.jiffies - bucket.since) % 2 ** 32) * bucket.perJiffy) % 2 ** 32;
  bucket.since = clock.jiffies;
  bucket.least = Math.min((bucket.least + gained) % 2 ** 32, bucket.capacity);
  bucket.most = Math.min((bucket.most + gained) % 2 ** 32, bucket.capacity);
}

export function lowerLimit(match: LimitMatch, context: LowerContext): Test {
  return { kind: 'limit', index: context.nextLimit(), average: match.average, burst: match.burst };
}
