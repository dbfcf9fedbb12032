// SPDX-License-Identifier: Apache-2.0
// cluster match. iptables-extensions(8) cluster; net/netfilter/xt_cluster.c.
import { hex, UINT32_MAX } from '../options.js';
import { not } from '../values.js';
import { exclusive, needsOneOf, opaqueMatch } from './codec.js';

const MAX_NODES = 32;
const NODE = ['--cluster-local-node', '--cluster-local-nodemask'] as const;

export const clusterCodec = opaqueMatch(
  'cluster',
  {
    '--cluster-total-nodes': { mandatory: true },
    '--cluster-hash-seed': { mandatory: true },
    ...exclusive(...NODE),
  },
  (options) => {
    needsOneOf(options, ...NODE);
    const total = options.integer('--cluster-total-nodes', 1, MAX_NODES) ?? MAX_NODES;
    const seed = options.integer('--cluster-hash-seed', 0, UINT32_MAX) ?? 0;
    const node = options.integer(NODE[0], 1, MAX_NODES);
    const mask = node === undefined ? (options.integer(NODE[1], 1, MAX_NODES) ?? 0) : (1 << (node - 1)) >>> 0;
    if (!options.failed && mask >= 2 ** total)
      options.badValue(node === undefined ? NODE[1] : NODE[0], `the cluster has ${total} nodes`);
    const negated = NODE.some((name) => options.negated(name));
    return (
      `${not(negated)} --cluster-local-nodemask ${hex(mask, 8)}` +
      ` --cluster-total-nodes ${total} --cluster-hash-seed ${hex(seed, 8)}`
    );
  },
);
