// SPDX-License-Identifier: Apache-2.0
// hl match (IPv6 hop limit). iptables-extensions(8) hl; net/netfilter/xt_hl.c.
import type { Skb } from '../evaluate/skb.js';
import { UINT8_MAX } from '../options.js';
import { exclusive, matchCodec, needsOneOf } from './codec.js';
import { range } from '../../model/box.js';
import { not } from '../../model/box.js';
import type { Test } from '../../model/model.js';

export interface HlMatch {
  readonly kind: 'hl';
  readonly compare: 'eq' | 'ne' | 'lt' | 'gt';
  readonly hopLimit: number;
}

const OPTIONS = ['--hl-eq', '--hl', '--hl-lt', '--hl-gt'];

export const hlCodec = matchCodec<HlMatch>({
  name: 'hl',
  checks: exclusive(...OPTIONS),
  read(options) {
    needsOneOf(options, ...OPTIONS);
    const name = OPTIONS.find((one) => options.has(one));
    const value = name === undefined ? undefined : options.integer(name, 0, UINT8_MAX);
    if (name === undefined || value === undefined) return undefined;
    const compare = name.endsWith('-lt')
      ? 'lt'
      : name.endsWith('-gt')
        ? 'gt'
        : options.negated(name)
          ? 'ne'
          : 'eq';
    return { kind: 'hl', compare, hopLimit: value };
  },
  print: (match) =>
    match.compare === 'ne' ? ` ! --hl-eq ${match.hopLimit}` : ` --hl-${match.compare} ${match.hopLimit}`,
});

/** Judges the value as it is at this hook: forwarding has already taken one off in FORWARD. */
export function evaluateHl(match: HlMatch, { ttl }: Skb): boolean {
  switch (match.compare) {
    case 'eq':
      return ttl === match.hopLimit;
    case 'ne':
      return ttl !== match.hopLimit;
    case 'lt':
      return ttl < match.hopLimit;
    case 'gt':
      return ttl > match.hopLimit;
  }
}

export function lowerHl(match: HlMatch): Test {
  const { compare, hopLimit: limit } = match;
  const below = limit === 0 ? [] : range('TTL', 0, limit - 1);
  const above = limit >= 255 ? [] : range('TTL', limit + 1, 255);
  const boxes =
    compare === 'lt'
      ? below
      : compare === 'gt'
        ? above
        : compare === 'eq'
          ? range('TTL', limit)
          : not(range('TTL', limit));
  return { kind: 'fields', match: boxes, hotdrop: [] };
}
