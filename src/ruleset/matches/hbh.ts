// SPDX-License-Identifier: Apache-2.0
// hbh match (IPv6 hop-by-hop options). iptables-extensions(8) hbh; net/ipv6/netfilter/ip6t_hbh.c.
import { opaqueMatch } from './codec.js';
import { ipv6OptionsText } from './ipv6-options.js';

export const hbhCodec = opaqueMatch('hbh', {}, (options) => ipv6OptionsText(options, 'hbh'));
