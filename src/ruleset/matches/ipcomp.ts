// SPDX-License-Identifier: Apache-2.0
// ipcomp match. iptables-extensions(8) ipcomp; net/netfilter/xt_ipcomp.c.
import { opaqueMatch } from './codec.js';
import { flagText, idRangeText } from './spi.js';

/** Without a range iptables asks for CPI 0, and prints that. */
export const ipcompCodec = opaqueMatch('ipcomp', {}, (options) => {
  const range = options.has('--ipcompspi') ? idRangeText(options, '--ipcompspi') : ' --ipcompspi 0';
  return range + flagText(options, '--compres');
});
