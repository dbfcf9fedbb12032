// SPDX-License-Identifier: Apache-2.0
// DSCP. iptables-extensions(8) DSCP; net/netfilter/xt_DSCP.c. Class names: RFC 2474, 2597, 3246.
import { hex } from '../options.js';
import { BOTH_FAMILIES, oneOf, opaqueTarget, requireOneOf } from './opaque.js';

export const DSCP_CLASSES: readonly (readonly [string, number])[] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((n) => [`CS${n}`, n * 8] as const),
  ['BE', 0],
  ...[1, 2, 3, 4].flatMap((n) => [1, 2, 3].map((drop) => [`AF${n}${drop}`, n * 8 + drop * 2] as const)),
  ['EF', 0x2e],
];

const OPTIONS = ['--set-dscp', '--set-dscp-class'];
const MAX_DSCP = 63;

export const dscpCodec = opaqueTarget('DSCP', BOTH_FAMILIES, oneOf(...OPTIONS), (options) => {
  if (!requireOneOf(options, OPTIONS)) return '';
  let value = options.integer('--set-dscp', 0, MAX_DSCP);
  const name = options.text('--set-dscp-class');
  if (name !== undefined) {
    value = dscpOfClass(name);
    if (value === undefined)
      options.badValue(
        '--set-dscp-class',
        `expected one of ${DSCP_CLASSES.map(([known]) => known).join(', ')}`,
      );
  }
  return value === undefined ? '' : ` --set-dscp ${hex(value, 2)}`;
});

/** Only the length of the known name is compared: `EFX` is `EF`. */
export function dscpOfClass(name: string): number | undefined {
  const upper = name.toUpperCase();
  return DSCP_CLASSES.find(([known]) => upper.startsWith(known))?.[1];
}
