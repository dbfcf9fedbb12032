// SPDX-License-Identifier: Apache-2.0
// TRACE. iptables-extensions(8) TRACE; net/netfilter/xt_TRACE.c.
import { BOTH_FAMILIES, opaqueTarget } from './opaque.js';

export const traceCodec = opaqueTarget('TRACE', BOTH_FAMILIES, {}, () => '');
