// SPDX-License-Identifier: Apache-2.0
// TEE. iptables-extensions(8) TEE; net/netfilter/xt_TEE.c.
import { formatAddress } from '../../net/address.js';
import { hostAddress } from '../values.js';
import { BOTH_FAMILIES, opaqueTarget } from './opaque.js';

/** Bytes of an interface name, less its end. */
const NAME_LENGTH = 15;

export const teeCodec = opaqueTarget(
  'TEE',
  BOTH_FAMILIES,
  { '--gateway': { mandatory: true }, '--oif': {} },
  (options, { family }) => {
    const gateway = hostAddress(options.text('--gateway')!, family);
    if (gateway === undefined || gateway.every((word) => word === 0))
      return (
        options.badValue('--gateway', `expected an ${family} address other than the unspecified one`) ?? ''
      );
    const device = options.text('--oif');
    return (
      ` --gateway ${formatAddress(gateway)}` +
      (device === undefined ? '' : ` --oif ${device.slice(0, NAME_LENGTH)}`)
    );
  },
);
