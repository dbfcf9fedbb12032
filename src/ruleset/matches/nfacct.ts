// SPDX-License-Identifier: Apache-2.0
// nfacct match. iptables-extensions(8) nfacct; net/netfilter/xt_nfacct.c.
import { quoteSaved } from '../options.js';
import { opaqueMatch } from './codec.js';

/** Bytes of an accounting object's name, less its end. */
const MAX_NAME = 31;

export const nfacctCodec = opaqueMatch('nfacct', { '--nfacct-name': { mandatory: true } }, (options) => {
  const name = options.text('--nfacct-name')!;
  if (name.includes('\n')) options.badValue('--nfacct-name', 'a name has no line ends');
  // iptables-save prints two blanks here.
  return ` --nfacct-name  ${quoteSaved(name.slice(0, MAX_NAME))}`;
});
