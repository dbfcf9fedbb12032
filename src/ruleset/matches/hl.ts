// SPDX-License-Identifier: Apache-2.0
// hl match (IPv6 hop limit). iptables-extensions(8) hl; net/netfilter/xt_hl.c.
import { matchCodec } from './codec.js';
import { evaluateHopLimit, hopLimitOptions, lowerHopLimit, type HopLimitComparison } from './hop-limit.js';

export interface HlMatch extends HopLimitComparison {
  readonly kind: 'hl';
}

const { checks, read, print } = hopLimitOptions('hl');

export const hlCodec = matchCodec<HlMatch>({
  name: 'hl',
  checks,
  read(options) {
    const comparison = read(options);
    return comparison && { kind: 'hl', ...comparison };
  },
  print,
});

export const evaluateHl = evaluateHopLimit;
export const lowerHl = lowerHopLimit;
