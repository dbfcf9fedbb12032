// SPDX-License-Identifier: Apache-2.0
// SYNPROXY. iptables-extensions(8) SYNPROXY; net/ipv4/netfilter/ipt_SYNPROXY.c, net/netfilter/nf_synproxy_core.c.
import { UINT32_MAX } from '../options.js';
import { BOTH_FAMILIES, flags, opaqueTarget } from './opaque.js';

export const synproxyCodec = opaqueTarget(
  'SYNPROXY',
  BOTH_FAMILIES,
  { '--sack-perm': {}, '--timestamp': {}, '--wscale': {}, '--mss': {}, '--ecn': {} },
  (options) => {
    // Taken as 32 bits, kept in 8 and 16.
    const scale = options.integer('--wscale', 0, UINT32_MAX);
    const size = options.integer('--mss', 0, UINT32_MAX);
    return (
      flags(options, ['--sack-perm', '--timestamp']) +
      (scale === undefined ? '' : ` --wscale ${scale & 0xff}`) +
      (size === undefined ? '' : ` --mss ${size & 0xffff}`) +
      flags(options, ['--ecn'])
    );
  },
);
