// SPDX-License-Identifier: Apache-2.0
// ipcomp match. iptables-extensions(8) ipcomp; net/netfilter/xt_ipcomp.c.
import { opaqueMatch } from './codec.js';
import { flagText, idRangeText } from './spi.js';

export const ipcompCodec = opaqueMatch(
  'ipcomp',
  {},
  (options) => idRangeText(options, '--ipcompspi') + flagText(options, '--compres'),
);
