// SPDX-License-Identifier: Apache-2.0
// cgroup match, revision 2. iptables-extensions(8) cgroup; net/netfilter/xt_cgroup.c.
import { quoteSaved, UINT32_MAX } from '../options.js';
import { not } from '../values.js';
import { exclusive, needsOneOf, opaqueMatch } from './codec.js';
import { integerText } from './spi.js';

/** Bytes of a path, less its end. */
const MAX_PATH = 511;

export const cgroupCodec = opaqueMatch('cgroup', exclusive('--path', '--cgroup'), (options) => {
  needsOneOf(options, '--path', '--cgroup');
  const path = options.text('--path');
  const pathText =
    path === undefined
      ? ''
      : `${not(options.negated('--path'))} --path ${quoteSaved(path.slice(0, MAX_PATH))}`;
  return pathText + integerText(options, '--cgroup', UINT32_MAX);
});
