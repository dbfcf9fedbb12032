// SPDX-License-Identifier: Apache-2.0
// connlimit match, revision 1. iptables-extensions(8) connlimit; net/netfilter/xt_connlimit.c.
import { UINT32_MAX } from '../options.js';
import { prefixLength } from '../values.js';
import { exclusive, needsOneOf, opaqueMatch } from './codec.js';

const LIMITS = ['--connlimit-upto', '--connlimit-above'] as const;

export const connlimitCodec = opaqueMatch(
  'connlimit',
  { ...exclusive(...LIMITS), ...exclusive('--connlimit-saddr', '--connlimit-daddr') },
  (options, { family }) => {
    needsOneOf(options, ...LIMITS);
    const upto = options.integer(LIMITS[0], 0, UINT32_MAX);
    const limit = upto ?? options.integer(LIMITS[1], 0, UINT32_MAX);
    const inverted = options.negated(LIMITS[0]) || options.negated(LIMITS[1]);
    const mask = prefixLength(options, '--connlimit-mask', family, 'all-bits');
    return (
      ` --connlimit-${(upto !== undefined) !== inverted ? 'upto' : 'above'} ${limit}` +
      ` --connlimit-mask ${mask ?? (family === 'ipv4' ? 32 : 128)}` +
      ` --connlimit-${options.has('--connlimit-daddr') ? 'daddr' : 'saddr'}`
    );
  },
);
