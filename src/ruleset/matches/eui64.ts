// SPDX-License-Identifier: Apache-2.0
// eui64 match (IPv6). iptables-extensions(8) eui64; net/ipv6/netfilter/ip6t_eui64.c.
import { opaqueMatch } from './codec.js';

export const eui64Codec = opaqueMatch('eui64', {}, () => '');
