// SPDX-License-Identifier: Apache-2.0
// ah match. iptables-extensions(8) ah; net/ipv4/netfilter/ipt_ah.c, net/ipv6/netfilter/ip6t_ah.c.
import { UINT32_MAX } from '../options.js';
import { not } from '../values.js';
import { opaqueMatch } from './codec.js';
import { flagText, idRangeText } from './spi.js';

export const ahCodec = opaqueMatch('ah', {}, (options) => {
  const length = options.integer('--ahlen', 0, UINT32_MAX);
  const negated = options.negated('--ahlen');
  const lengthText =
    length !== undefined && (length !== 0 || negated) ? `${not(negated)} --ahlen ${length}` : '';
  return idRangeText(options, '--ahspi') + lengthText + flagText(options, '--ahres');
});
