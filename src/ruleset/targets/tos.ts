// SPDX-License-Identifier: Apache-2.0
// TOS, revision 1: tos = (tos & ~mask) ^ value. iptables-extensions(8) TOS; net/netfilter/xt_DSCP.c.
import { hex, leadingInteger, unsignedInteger, UINT8_MAX, type Options } from '../options.js';
import { BOTH_FAMILIES, oneOf, opaqueTarget, requireOneOf } from './opaque.js';

/** RFC 1349 names; a name leaves the two ECN bits and the unused one alone. */
const NAMES: Readonly<Record<string, number>> = {
  'minimize-delay': 0x10,
  'maximize-throughput': 0x08,
  'maximize-reliability': 0x04,
  'minimize-cost': 0x02,
  'normal-service': 0x00,
};
const NAME_MASK = 0x3f;
const OPERATIONS = ['--set-tos', '--and-tos', '--or-tos', '--xor-tos'];

/** Value and mask of an option: `value[/mask]` or a name. */
export function tosAndMask(options: Options, name: string): readonly [number, number] | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  if (leadingInteger(text) === undefined) {
    const named = NAMES[text.toLowerCase()];
    return named === undefined
      ? options.badValue(name, `expected \`value[/mask]\` or one of ${Object.keys(NAMES).join(', ')}`)
      : [named, NAME_MASK];
  }
  const [valueText, maskText, ...rest] = text.split('/');
  const value = unsignedInteger(valueText!, 0, UINT8_MAX);
  const mask = maskText === undefined ? UINT8_MAX : unsignedInteger(maskText, 0, UINT8_MAX);
  if (value === undefined || mask === undefined || rest.length > 0)
    return options.badValue(name, 'expected `value[/mask]`, both from 0 to 255');
  return [value, mask];
}

export const tosCodec = opaqueTarget('TOS', BOTH_FAMILIES, oneOf(...OPERATIONS), (options) => {
  if (!requireOneOf(options, OPERATIONS)) return '';
  const and = options.integer('--and-tos', 0, UINT8_MAX);
  const or = options.integer('--or-tos', 0, UINT8_MAX);
  const xor = options.integer('--xor-tos', 0, UINT8_MAX);
  const [value, mask] =
    tosAndMask(options, '--set-tos') ??
    (and !== undefined ? [0, ~and & UINT8_MAX] : or !== undefined ? [or, or] : [xor ?? 0, 0]);
  return ` --set-tos ${hex(value, 2)}/${hex(mask, 2)}`;
});
