// SPDX-License-Identifier: Apache-2.0
// NFLOG. iptables-extensions(8) NFLOG; net/netfilter/xt_NFLOG.c.
import { quoteSaved, UINT16_MAX, UINT32_MAX } from '../options.js';
import { BOTH_FAMILIES, opaqueTarget } from './opaque.js';

/** Bytes of the prefix, less its end. */
const PREFIX_LENGTH = 63;

export const nflogCodec = opaqueTarget(
  'NFLOG',
  BOTH_FAMILIES,
  {
    '--nflog-group': {},
    '--nflog-prefix': {},
    '--nflog-range': { excludes: ['--nflog-size'] },
    '--nflog-size': { excludes: ['--nflog-range'] },
    '--nflog-threshold': {},
  },
  (options) => {
    const group = options.integer('--nflog-group', 0, UINT16_MAX) ?? 0;
    const threshold = options.integer('--nflog-threshold', 0, UINT16_MAX) ?? 0;
    const range = options.integer('--nflog-range', 0, UINT32_MAX) ?? 0;
    const size = options.integer('--nflog-size', 0, UINT32_MAX);
    const prefix = options.text('--nflog-prefix');
    if (prefix?.includes('\n') === true) options.badValue('--nflog-prefix', 'a prefix has no line ends');
    return (
      (prefix === undefined ? '' : ` --nflog-prefix ${quoteSaved(prefix.slice(0, PREFIX_LENGTH))}`) +
      (group === 0 ? '' : ` --nflog-group ${group}`) +
      (size !== undefined ? ` --nflog-size ${size}` : range === 0 ? '' : ` --nflog-range ${range}`) +
      (threshold === 0 ? '' : ` --nflog-threshold ${threshold}`)
    );
  },
);
