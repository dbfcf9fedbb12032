// SPDX-License-Identifier: Apache-2.0
// ttl match (IPv4). iptables-extensions(8) ttl; net/netfilter/xt_hl.c.
import type { Skb } from '../evaluate/skb.js';
import { UINT8_MAX } from '../options.js';
import { exclusive, matchCodec, needsOneOf } from './codec.js';
import { range } from '../../model/box.js';
import { not } from '../../model/box.js';
import type { Test } from '../../model/model.js';

export interface TtlMatch {
  readonly kind: 'ttl';
  readonly compare: 'eq' | 'ne' | 'lt' | 'gt';
  readonly ttl: number;
}

const OPTIONS = ['--ttl-eq', '--ttl', '--ttl-lt', '--ttl-gt'];

export const ttlCodec = matchCodec<TtlMatch>({
  name: 'ttl',
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
    return { kind: 'ttl', compare, ttl: value };
  },
  print: (match) =>
    match.compare === 'ne' ? ` ! --ttl-eq ${match.ttl}` : ` --ttl-${match.compare} ${match.ttl}`,
});

/** Judges the value as it is at this hook: forwarding has already taken one off in FORWARD. */
export function evaluateTtl(match: TtlMatch, { ttl }: Skb): boolean {
  switch (match.compare) {
    case 'eq':
      return ttl === match.ttl;
    case 'ne':
      return ttl !== match.ttl;
    case 'lt':
      return ttl < match.ttl;
    case 'gt':
      return ttl > match.ttl;
  }
}

export function lowerTtl(match: TtlMatch): Test {
  const { compare, ttl: limit } = match;
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
