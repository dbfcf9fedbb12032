// SPDX-License-Identifier: Apache-2.0
// devgroup match. iptables-extensions(8) devgroup; net/netfilter/xt_devgroup.c. Names: /etc/iproute2/group.
import { needsOneOf, opaqueMatch } from './codec.js';
import { valueMaskText } from './value-mask.js';

/** As iproute2 ships the file. */
const GROUPS = { default: 0 };

export const devgroupCodec = opaqueMatch('devgroup', {}, (options) => {
  needsOneOf(options, '--src-group', '--dst-group');
  return valueMaskText(options, '--src-group', GROUPS) + valueMaskText(options, '--dst-group', GROUPS);
});
