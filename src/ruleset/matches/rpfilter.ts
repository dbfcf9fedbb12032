// SPDX-License-Identifier: Apache-2.0
// rpfilter match. iptables-extensions(8) rpfilter; net/ipv4/netfilter/ipt_rpfilter.c, net/ipv6/netfilter/ip6t_rpfilter.c.
import { opaqueMatch } from './codec.js';
import { flagText } from './spi.js';

const FLAGS = ['--loose', '--validmark', '--accept-local', '--invert'];

export const rpfilterCodec = opaqueMatch('rpfilter', {}, (options) =>
  FLAGS.map((name) => flagText(options, name)).join(''),
);
