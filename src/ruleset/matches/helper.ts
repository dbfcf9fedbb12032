// SPDX-License-Identifier: Apache-2.0
// helper match. iptables-extensions(8) helper; net/netfilter/xt_helper.c.
import { quoteSaved } from '../options.js';
import { not } from '../values.js';
import { opaqueMatch } from './codec.js';

/** Bytes of a helper's name, less its end. */
const MAX_NAME = 29;

export const helperCodec = opaqueMatch('helper', { '--helper': { mandatory: true } }, (options) => {
  const name = options.text('--helper')!.slice(0, MAX_NAME);
  return `${not(options.negated('--helper'))} --helper ${quoteSaved(name)}`;
});
