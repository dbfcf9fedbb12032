// SPDX-License-Identifier: Apache-2.0
// dst match (IPv6 destination options). iptables-extensions(8) dst; net/ipv6/netfilter/ip6t_hbh.c.
import { opaqueMatch } from './codec.js';
import { ipv6OptionsText } from './ipv6-options.js';

export const dstCodec = opaqueMatch('dst', {}, (options) => ipv6OptionsText(options, 'dst'));
