// SPDX-License-Identifier: Apache-2.0
// MARK, revision 2: mark = (mark & ~mask) ^ value. iptables-extensions(8) MARK; net/netfilter/xt_mark.c.
import type { TargetExtension } from '../extension.js';
import { hex, Options, UINT32_MAX } from '../options.js';
import { EXACT } from '../support/support.js';
import { BOTH_FAMILIES, oneOf, requireOneOf } from './opaque.js';

export interface MarkTarget {
  readonly kind: 'MARK';
  readonly value: number;
  readonly mask: number;
}

const OPERATIONS = ['--set-xmark', '--set-mark', '--and-mark', '--or-mark', '--xor-mark'] as const;

/** What a mark operation comes to as value and mask; undefined without one, or after a complaint. */
export function markOperation(
  options: Options,
): { readonly value: number; readonly mask: number } | undefined {
  const xmark = options.markAndMask('--set-xmark');
  if (xmark !== undefined) return xmark;
  const set = options.markAndMask('--set-mark');
  if (set !== undefined) return { value: set.value, mask: (set.value | set.mask) >>> 0 };
  const and = options.integer('--and-mark', 0, UINT32_MAX);
  if (and !== undefined) return { value: 0, mask: ~and >>> 0 };
  const or = options.integer('--or-mark', 0, UINT32_MAX);
  if (or !== undefined) return { value: or, mask: or };
  const xor = options.integer('--xor-mark', 0, UINT32_MAX);
  return xor === undefined ? undefined : { value: xor, mask: 0 };
}

export const markCodec: TargetExtension<MarkTarget> = {
  name: 'MARK',
  families: BOTH_FAMILIES,
  decode(node, context) {
    const options = new Options(node, oneOf(...OPERATIONS), context);
    if (options.failed || !requireOneOf(options, OPERATIONS)) return undefined;
    const operation = markOperation(options);
    return operation === undefined ? undefined : { kind: 'MARK', ...operation };
  },
  print: (payload) => ` --set-xmark ${hex(payload.value)}/${hex(payload.mask)}`,
  fidelity: () => EXACT,
};
