// SPDX-License-Identifier: Apache-2.0
// cpu match. iptables-extensions(8) cpu; net/netfilter/xt_cpu.c.
import { UINT32_MAX } from '../options.js';
import { opaqueMatch } from './codec.js';
import { integerText } from './spi.js';

export const cpuCodec = opaqueMatch('cpu', { '--cpu': { mandatory: true } }, (options) =>
  integerText(options, '--cpu', UINT32_MAX),
);
