// SPDX-License-Identifier: Apache-2.0
// SECMARK, revision 1. iptables-extensions(8) SECMARK; net/netfilter/xt_SECMARK.c.
import { BOTH_FAMILIES, opaqueTarget } from './opaque.js';

/** Bytes of the security context, less its end. */
const CONTEXT_LENGTH = 255;

export const secmarkCodec = opaqueTarget(
  'SECMARK',
  BOTH_FAMILIES,
  { '--selctx': { mandatory: true } },
  (options) => ` --selctx ${options.text('--selctx')!.slice(0, CONTEXT_LENGTH)}`,
);
