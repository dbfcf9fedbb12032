// SPDX-License-Identifier: Apache-2.0
// IDLETIMER, revision 1. iptables-extensions(8) IDLETIMER; net/netfilter/xt_IDLETIMER.c.
import { UINT32_MAX } from '../options.js';
import { BOTH_FAMILIES, flags, opaqueTarget } from './opaque.js';

/** Bytes of the label, less its end. */
const LABEL_LENGTH = 27;

export const idletimerCodec = opaqueTarget(
  'IDLETIMER',
  BOTH_FAMILIES,
  { '--timeout': { mandatory: true }, '--label': { mandatory: true }, '--alarm': {} },
  (options) => {
    const seconds = options.integer('--timeout', 1, UINT32_MAX);
    const label = options.text('--label')!.slice(0, LABEL_LENGTH);
    return ` --timeout ${seconds} --label ${label}` + flags(options, ['--alarm']);
  },
);
