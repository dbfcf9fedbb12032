// SPDX-License-Identifier: Apache-2.0
// CLASSIFY. iptables-extensions(8) CLASSIFY; net/netfilter/xt_CLASSIFY.c.
import { BOTH_FAMILIES, opaqueTarget } from './opaque.js';

export const classifyCodec = opaqueTarget(
  'CLASSIFY',
  BOTH_FAMILIES,
  { '--set-class': { mandatory: true } },
  (options) => {
    const match = /^\s*([+-]?(?:0x)?[0-9a-f]{1,8}):\s*([+-]?(?:0x)?[0-9a-f]{1,8})/i.exec(
      options.text('--set-class')!,
    );
    if (match === null)
      return options.badValue('--set-class', 'expected `major:minor`, both hexadecimal') ?? '';
    const half = (digits: string): string => (parseInt(digits, 16) & 0xffff).toString(16).padStart(4, '0');
    return ` --set-class ${half(match[1]!)}:${half(match[2]!)}`;
  },
);
