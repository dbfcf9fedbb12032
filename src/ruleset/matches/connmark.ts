// SPDX-License-Identifier: Apache-2.0
// connmark match, revision 1. iptables-extensions(8) connmark; net/netfilter/xt_connmark.c.
import { not } from '../values.js';
import { opaqueMatch } from './codec.js';
import { markText } from './mark.js';

export const connmarkMatchCodec = opaqueMatch('connmark', { '--mark': { mandatory: true } }, (options) => {
  const read = options.markAndMask('--mark');
  return read === undefined
    ? ''
    : `${not(options.negated('--mark'))} --mark ${markText(read.value, read.mask)}`;
});
