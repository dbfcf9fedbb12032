// SPDX-License-Identifier: Apache-2.0
// ULOG: gone from the kernel since 3.17, still in dumps. iptables-extensions(8) ULOG.
import { quoteSaved } from '../options.js';
import { opaqueTarget } from './opaque.js';

/** Bytes of the prefix, less its end. */
const PREFIX_LENGTH = 31;
const MAX_GROUP = 32;
const MAX_QUEUE = 50;
const DEFAULT_GROUP = 1;
const DEFAULT_QUEUE = 1;

export const ulogCodec = opaqueTarget(
  'ULOG',
  ['ipv4'],
  { '--ulog-nlgroup': {}, '--ulog-prefix': {}, '--ulog-cprange': {}, '--ulog-qthreshold': {} },
  (options, context) => {
    context.warn(
      options.node,
      'IPT0231',
      'kernels since 3.17 have no `ULOG`: iptables-restore refuses the rule there',
    );
    const prefix = options.text('--ulog-prefix');
    if (prefix?.includes('\n') === true) options.badValue('--ulog-prefix', 'a prefix has no line ends');
    const group = options.integer('--ulog-nlgroup', 1, MAX_GROUP) ?? DEFAULT_GROUP;
    const range = options.integer('--ulog-cprange', 0, Number.MAX_SAFE_INTEGER) ?? 0;
    const queue = options.integer('--ulog-qthreshold', 1, MAX_QUEUE) ?? DEFAULT_QUEUE;
    return (
      (prefix === undefined ? '' : ` --ulog-prefix ${quoteSaved(prefix.slice(0, PREFIX_LENGTH))}`) +
      (group === DEFAULT_GROUP ? '' : ` --ulog-nlgroup ${group}`) +
      (range === 0 ? '' : ` --ulog-cprange ${range >>> 0}`) +
      (queue === DEFAULT_QUEUE ? '' : ` --ulog-qthreshold ${queue}`)
    );
  },
);
