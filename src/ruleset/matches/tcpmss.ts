// SPDX-License-Identifier: Apache-2.0
// tcpmss match. iptables-extensions(8) tcpmss; net/netfilter/xt_tcpmss.c.
import { UINT16_MAX } from '../options.js';
import { integerRange, not, rangeText } from '../values.js';
import { opaqueMatch } from './codec.js';

export const tcpmssMatchCodec = opaqueMatch('tcpmss', { '--mss': { mandatory: true } }, (options) => {
  const range = integerRange(options, '--mss', UINT16_MAX);
  if (range === undefined) return '';
  if (range.last < range.first) options.badValue('--mss', 'the range begins at its lower end');
  return `${not(options.negated('--mss'))} --mss ${rangeText(range)}`;
});
