// SPDX-License-Identifier: Apache-2.0
// TCPOPTSTRIP. iptables-extensions(8) TCPOPTSTRIP; net/netfilter/xt_TCPOPTSTRIP.c.
import { UINT8_MAX, unsignedInteger } from '../options.js';
import { BOTH_FAMILIES, opaqueTarget } from './opaque.js';

const KINDS: Readonly<Record<string, number>> = {
  mss: 2,
  wscale: 3,
  'sack-permitted': 4,
  sack: 5,
  timestamp: 8,
  md5: 19,
};

export const tcpoptstripCodec = opaqueTarget(
  'TCPOPTSTRIP',
  BOTH_FAMILIES,
  { '--strip-options': {} },
  (options) => {
    const text = options.text('--strip-options');
    if (text === undefined) return '';
    const kinds = new Set<number>();
    for (const word of text.split(',')) {
      const kind = KINDS[word] ?? unsignedInteger(word, 0, UINT8_MAX);
      if (kind === undefined || kind < 2 || kinds.has(kind)) {
        options.badValue(
          '--strip-options',
          `\`${word}\`: expected each TCP option once, by name or 2 to 255`,
        );
        return '';
      }
      kinds.add(kind);
    }
    return ` --strip-options ${[...kinds].sort((a, b) => a - b).join(',')}`;
  },
);
