// SPDX-License-Identifier: Apache-2.0
// length match: layer-3 length. iptables-extensions(8) length; net/netfilter/xt_length.c.
import type { NumberRange } from '../../net/range.js';

export interface LengthMatch {
  readonly kind: 'length';
  readonly lengths: NumberRange;
  readonly negated: boolean;
}
