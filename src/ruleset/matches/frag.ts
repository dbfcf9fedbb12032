// SPDX-License-Identifier: Apache-2.0
// frag match (IPv6). iptables-extensions(8) frag; net/ipv6/netfilter/ip6t_frag.c.
import { UINT32_MAX } from '../options.js';
import { exclusive, opaqueMatch } from './codec.js';
import { flagText, idRangeText, integerText } from './spi.js';

const FLAGS = ['--fragres', '--fragfirst', '--fragmore', '--fraglast'];

export const fragCodec = opaqueMatch(
  'frag',
  exclusive('--fragmore', '--fraglast'),
  (options) =>
    idRangeText(options, '--fragid') +
    integerText(options, '--fraglen', UINT32_MAX) +
    FLAGS.map((name) => flagText(options, name)).join(''),
);
