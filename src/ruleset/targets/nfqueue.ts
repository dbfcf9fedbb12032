// SPDX-License-Identifier: Apache-2.0
// NFQUEUE, revision 3. iptables-extensions(8) NFQUEUE; net/netfilter/xt_NFQUEUE.c.
import { UINT16_MAX, unsignedInteger } from '../options.js';
import { BOTH_FAMILIES, flags, opaqueTarget } from './opaque.js';

export const nfqueueCodec = opaqueTarget(
  'NFQUEUE',
  BOTH_FAMILIES,
  {
    '--queue-num': { excludes: ['--queue-balance'] },
    '--queue-balance': { excludes: ['--queue-num'] },
    '--queue-bypass': {},
    '--queue-cpu-fanout': { needs: ['--queue-balance'] },
  },
  (options) => {
    const behind = flags(options, ['--queue-bypass', '--queue-cpu-fanout']);
    const range = options.text('--queue-balance');
    if (range === undefined) {
      return ` --queue-num ${options.integer('--queue-num', 0, UINT16_MAX) ?? 0}` + behind;
    }
    const parts = range.split(':');
    const [first, last] = parts.map((part, i) =>
      part === '' ? (i === 1 ? UINT16_MAX : 0) : unsignedInteger(part, 0, UINT16_MAX),
    );
    if (
      parts.length !== 2 ||
      first === undefined ||
      last === undefined ||
      first >= last ||
      last - first === UINT16_MAX
    )
      options.badValue(
        '--queue-balance',
        'expected `first:last`, the first lower than the last, at most 65,535 queues',
      );
    return ` --queue-balance ${first}:${last}` + behind;
  },
);
