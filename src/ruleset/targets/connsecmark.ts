// SPDX-License-Identifier: Apache-2.0
// CONNSECMARK. iptables-extensions(8) CONNSECMARK; net/netfilter/xt_CONNSECMARK.c.
import { BOTH_FAMILIES, flags, oneOf, opaqueTarget, requireOneOf } from './opaque.js';

const MODES = ['--save', '--restore'];

export const connsecmarkCodec = opaqueTarget('CONNSECMARK', BOTH_FAMILIES, oneOf(...MODES), (options) =>
  requireOneOf(options, MODES) ? flags(options, MODES) : '',
);
