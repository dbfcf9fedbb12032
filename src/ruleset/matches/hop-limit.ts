// SPDX-License-Identifier: Apache-2.0
// What the ttl and hl matches share: one comparison of one byte, the time to live of IPv4 or the hop limit of
// IPv6. net/netfilter/xt_hl.c holds both too.
import type { Skb } from '../evaluate/skb.js';
import { UINT8_MAX, type Options } from '../options.js';
import { not, range } from '../../model/box.js';
import type { Test } from '../../model/model.js';
import { exclusive, needsOneOf } from './codec.js';

export interface HopLimitComparison {
  readonly compare: 'eq' | 'ne' | 'lt' | 'gt';
  /** 0 to 255. */
  readonly value: number;
}

/** The options of a match whose name they start with: `--ttl-eq` and its short form `--ttl`, `--ttl-lt`... */
export function hopLimitOptions(match: 'ttl' | 'hl') {
  const names = [`--${match}-eq`, `--${match}`, `--${match}-lt`, `--${match}-gt`];
  return {
    checks: exclusive(...names),
    read(options: Options): HopLimitComparison | undefined {
      needsOneOf(options, ...names);
      const name = names.find((one) => options.has(one));
      const value = name === undefined ? undefined : options.integer(name, 0, UINT8_MAX);
      if (name === undefined || value === undefined) return undefined;
      if (name.endsWith('-lt')) return { compare: 'lt', value };
      if (name.endsWith('-gt')) return { compare: 'gt', value };
      return { compare: options.negated(name) ? 'ne' : 'eq', value };
    },
    print: ({ compare, value }: HopLimitComparison): string =>
      compare === 'ne' ? ` ! --${match}-eq ${value}` : ` --${match}-${compare} ${value}`,
  };
}

/** Judges the value as it is at this hook: forwarding has already taken one off in FORWARD. */
export function evaluateHopLimit({ compare, value }: HopLimitComparison, { ttl }: Skb): boolean {
  switch (compare) {
    case 'eq':
      return ttl === value;
    case 'ne':
      return ttl !== value;
    case 'lt':
      return ttl < value;
    case 'gt':
      return ttl > value;
  }
}

export function lowerHopLimit({ compare, value }: HopLimitComparison): Test {
  return { kind: 'fields', match: boxes(compare, value), hotdrop: [] };
}

function boxes(compare: HopLimitComparison['compare'], value: number) {
  switch (compare) {
    case 'eq':
      return range('TTL', value);
    case 'ne':
      return not(range('TTL', value));
    case 'lt':
      return value === 0 ? [] : range('TTL', 0, value - 1);
    case 'gt':
      return value === UINT8_MAX ? [] : range('TTL', value + 1, UINT8_MAX);
  }
}
