// SPDX-License-Identifier: Apache-2.0
// TCPMSS. iptables-extensions(8) TCPMSS; net/netfilter/xt_TCPMSS.c.
import { UINT16_MAX } from '../options.js';
import { BOTH_FAMILIES, opaqueTarget, requireOneOf } from './opaque.js';

const OPTIONS = ['--set-mss', '--clamp-mss-to-pmtu'];
const HEADER_BYTES = { ipv4: 20, ipv6: 40 };

export const tcpmssCodec = opaqueTarget(
  'TCPMSS',
  BOTH_FAMILIES,
  Object.fromEntries(OPTIONS.map((name) => [name, {}])),
  (options, { family }) => {
    if (!requireOneOf(options, OPTIONS)) return '';
    const size = options.integer('--set-mss', 0, UINT16_MAX - HEADER_BYTES[family]);
    // Both may be given: the last one holds.
    const last = options.node.options.at(-1)!.name;
    return last === '--clamp-mss-to-pmtu' ? ` ${last}` : ` --set-mss ${size}`;
  },
);
