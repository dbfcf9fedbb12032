// SPDX-License-Identifier: Apache-2.0
// tos match, revision 1. iptables-extensions(8) tos; net/netfilter/xt_dscp.c.
import { hex } from '../options.js';
import { tosAndMask } from '../targets/tos.js';
import { not } from '../values.js';
import { opaqueMatch } from './codec.js';

export const tosMatchCodec = opaqueMatch('tos', { '--tos': { mandatory: true } }, (options) => {
  const read = tosAndMask(options, '--tos');
  if (read === undefined) return '';
  return `${not(options.negated('--tos'))} --tos ${hex(read[0], 2)}/${hex(read[1], 2)}`;
});
