// SPDX-License-Identifier: Apache-2.0
// length match: layer-3 length. iptables-extensions(8) length; net/netfilter/xt_length.c.
import { inRange } from '../../net/range.js';
import type { Skb } from '../evaluate/skb.js';
import { UINT16_MAX } from '../options.js';
import { integerRange, not, rangeText } from '../values.js';
import { matchCodec } from './codec.js';
import type { NumberRange } from '../../net/range.js';
import { negateIf, where } from '../../model/box.js';
import type { Test } from '../../model/model.js';

export interface LengthMatch {
  readonly kind: 'length';
  readonly lengths: NumberRange;
  readonly negated: boolean;
}

export const lengthCodec = matchCodec<LengthMatch>({
  name: 'length',
  checks: { '--length': { mandatory: true } },
  read(options) {
    const lengths = integerRange(options, '--length', UINT16_MAX);
    return lengths && { kind: 'length', lengths, negated: options.negated('--length') };
  },
  print: (match) => `${not(match.negated)} --length ${rangeText(match.lengths)}`,
});

export function evaluateLength(match: LengthMatch, { packet }: Skb): boolean {
  return inRange(packet.length, match.lengths) !== match.negated;
}

export function lowerLength(match: LengthMatch): Test {
  return { kind: 'fields', match: negateIf(match.negated, where('LENGTH', [match.lengths])), hotdrop: [] };
}
