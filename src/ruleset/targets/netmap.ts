// SPDX-License-Identifier: Apache-2.0
// NETMAP. iptables-extensions(8) NETMAP; net/netfilter/xt_NETMAP.c.
import { formatAddress } from '../../net/address.js';
import { BOTH_FAMILIES, opaqueTarget } from './opaque.js';
import { parsePrefix, withoutHostBits } from './prefix.js';

export const netmapCodec = opaqueTarget(
  'NETMAP',
  BOTH_FAMILIES,
  { '--to': { mandatory: true } },
  (options, { family }) => {
    const prefix = parsePrefix(options.text('--to')!, family);
    if (prefix === undefined) return options.badValue('--to', `expected an ${family} network`) ?? '';
    return ` --to ${formatAddress(withoutHostBits(prefix, family))}/${prefix.length}`;
  },
);
