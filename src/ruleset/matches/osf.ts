// SPDX-License-Identifier: Apache-2.0
// osf match (IPv4). iptables-extensions(8) osf; net/netfilter/xt_osf.c.
import { not } from '../values.js';
import { opaqueMatch } from './codec.js';
import { integerText } from './spi.js';

/** Bytes of a genre, less its end. */
const MAX_GENRE = 31;

export const osfCodec = opaqueMatch('osf', { '--genre': { mandatory: true } }, (options) => {
  const genre = options.text('--genre')!.slice(0, MAX_GENRE);
  return (
    `${not(options.negated('--genre'))} --genre ${genre}` +
    integerText(options, '--ttl', 2) +
    integerText(options, '--log', 2)
  );
});
