// SPDX-License-Identifier: Apache-2.0
// AUDIT. iptables-extensions(8) AUDIT; net/netfilter/xt_AUDIT.c.
import { BOTH_FAMILIES, opaqueTarget } from './opaque.js';

const TYPES = ['accept', 'drop', 'reject'];

export const auditCodec = opaqueTarget(
  'AUDIT',
  BOTH_FAMILIES,
  { '--type': { mandatory: true } },
  (options) => {
    const type = options.text('--type')!.toLowerCase();
    if (!TYPES.includes(type)) options.badValue('--type', `expected one of ${TYPES.join(', ')}`);
    return ` --type ${type}`;
  },
);
