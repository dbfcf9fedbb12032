// SPDX-License-Identifier: Apache-2.0
// mh match (IPv6 mobility header). iptables-extensions(8) mh; net/ipv6/netfilter/ip6t_mh.c; RFC 6275.
import { unsignedInteger, UINT8_MAX } from '../options.js';
import { not, rangeText } from '../values.js';
import { opaqueMatch } from './codec.js';

/** By type number; each has a short name too. */
const NAMES = [
  ['binding-refresh-request', 'brr'],
  ['home-test-init', 'hoti'],
  ['careof-test-init', 'coti'],
  ['home-test', 'hot'],
  ['careof-test', 'cot'],
  ['binding-update', 'bu'],
  ['binding-acknowledgement', 'ba'],
  ['binding-error', 'be'],
] as const;

export const mhCodec = opaqueMatch('mh', {}, (options) => {
  const text = options.text('--mh-type');
  if (text === undefined) return '';
  const [firstText, lastText, more] = text.split(':');
  const first = firstText === '' && lastText !== undefined ? 0 : mobilityType(firstText!);
  const last = lastText === undefined ? first : lastText === '' ? UINT8_MAX : mobilityType(lastText);
  if (first === undefined || last === undefined || more !== undefined || first > last) {
    options.badValue('--mh-type', 'expected a type name, a number up to 255, or a range of them');
    return '';
  }
  if (first === 0 && last === UINT8_MAX) return '';
  return `${not(options.negated('--mh-type'))} --mh-type ${rangeText({ first, last })}`;
});

/** A name, or the start of one: then the first it fits. */
function mobilityType(text: string): number | undefined {
  const lower = text.toLowerCase();
  const exact = NAMES.findIndex((names) => names.some((name) => name === lower));
  const started =
    exact >= 0 ? exact : NAMES.findIndex((names) => names.some((name) => name.startsWith(lower)));
  return started >= 0 ? started : unsignedInteger(text, 0, UINT8_MAX);
}
