// SPDX-License-Identifier: Apache-2.0
// mark match, revision 1. iptables-extensions(8) mark; net/netfilter/xt_mark.c.
import type { Skb } from '../evaluate/skb.js';
import { hex, UINT32_MAX } from '../options.js';
import { not } from '../values.js';
import { matchCodec } from './codec.js';
import { negateIf } from '../../model/box.js';
import type { LowerContext } from '../../model/lower-context.js';
import type { Test } from '../../model/model.js';

export interface MarkMatch {
  readonly kind: 'mark';
  readonly mark: number;
  readonly mask: number;
  readonly negated: boolean;
}

export const markMatchCodec = matchCodec<MarkMatch>({
  name: 'mark',
  checks: { '--mark': { mandatory: true } },
  read(options) {
    const read = options.markAndMask('--mark');
    return read && { kind: 'mark', mark: read.value, mask: read.mask, negated: options.negated('--mark') };
  },
  print: (match) => `${not(match.negated)} --mark ${markText(match.mark, match.mask)}`,
});

/** `0x1`, with its mask unless that is all bits. */
export function markText(mark: number, mask: number): string {
  return mask === UINT32_MAX ? hex(mark) : `${hex(mark)}/${hex(mask)}`;
}

export function evaluateMark(match: MarkMatch, { mark }: Skb): boolean {
  return ((mark & match.mask) >>> 0 === match.mark) !== match.negated;
}

export function lowerMark(match: MarkMatch, context: LowerContext): Test {
  const same = context.masked('MARK', match.mask, match.mark);
  return { kind: 'fields', match: negateIf(match.negated, same), hotdrop: [] };
}
