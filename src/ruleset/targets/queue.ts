// SPDX-License-Identifier: Apache-2.0
// QUEUE: the standard target's old hand-over to userspace, queue 0. iptables(8) TARGETS.
import { BOTH_FAMILIES, opaqueTarget } from './opaque.js';

export const queueCodec = opaqueTarget('QUEUE', BOTH_FAMILIES, {}, () => '');
