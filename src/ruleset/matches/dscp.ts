// SPDX-License-Identifier: Apache-2.0
// dscp match. iptables-extensions(8) dscp; net/netfilter/xt_dscp.c.
import { hex } from '../options.js';
import { dscpOfClass, DSCP_CLASSES } from '../targets/dscp.js';
import { not } from '../values.js';
import { exclusive, needsOneOf, opaqueMatch } from './codec.js';

const MAX_DSCP = 63;

export const dscpMatchCodec = opaqueMatch('dscp', exclusive('--dscp', '--dscp-class'), (options) => {
  needsOneOf(options, '--dscp', '--dscp-class');
  const name = options.text('--dscp-class');
  const value = name === undefined ? options.integer('--dscp', 0, MAX_DSCP) : dscpOfClass(name);
  if (name !== undefined && value === undefined)
    options.badValue('--dscp-class', `expected one of ${DSCP_CLASSES.map(([known]) => known).join(', ')}`);
  const negated = options.negated('--dscp') || options.negated('--dscp-class');
  return `${not(negated)} --dscp ${hex(value ?? 0, 2)}`;
});
