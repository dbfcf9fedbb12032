// SPDX-License-Identifier: Apache-2.0
// quota match. iptables-extensions(8) quota; net/netfilter/xt_quota.c.
import { bigInteger, not, UINT64_MAX } from '../values.js';
import { opaqueMatch } from './codec.js';

export const quotaCodec = opaqueMatch('quota', { '--quota': { mandatory: true } }, (options) => {
  const quota = bigInteger(options, '--quota', UINT64_MAX);
  return `${not(options.negated('--quota'))} --quota ${quota ?? ''}`;
});
