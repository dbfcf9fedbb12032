// SPDX-License-Identifier: Apache-2.0
// ttl match (IPv4 time to live). iptables-extensions(8) ttl; net/netfilter/xt_hl.c.
import { matchCodec } from './codec.js';
import { evaluateHopLimit, hopLimitOptions, lowerHopLimit, type HopLimitComparison } from './hop-limit.js';

export interface TtlMatch extends HopLimitComparison {
  readonly kind: 'ttl';
}

const { checks, read, print } = hopLimitOptions('ttl');

export const ttlCodec = matchCodec<TtlMatch>({
  name: 'ttl',
  checks,
  read(options) {
    const comparison = read(options);
    return comparison && { kind: 'ttl', ...comparison };
  },
  print,
});

export const evaluateTtl = evaluateHopLimit;
export const lowerTtl = lowerHopLimit;
