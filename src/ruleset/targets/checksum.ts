// SPDX-License-Identifier: Apache-2.0
// CHECKSUM. iptables-extensions(8) CHECKSUM; net/netfilter/xt_CHECKSUM.c.
import { BOTH_FAMILIES, opaqueTarget } from './opaque.js';

export const checksumCodec = opaqueTarget(
  'CHECKSUM',
  BOTH_FAMILIES,
  { '--checksum-fill': { mandatory: true } },
  () => ' --checksum-fill',
);
