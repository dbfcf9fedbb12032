// SPDX-License-Identifier: Apache-2.0
// esp match. iptables-extensions(8) esp; net/netfilter/xt_esp.c.
import { opaqueMatch } from './codec.js';
import { idRangeText } from './spi.js';

export const espCodec = opaqueMatch('esp', {}, (options) => idRangeText(options, '--espspi'));
