// SPDX-License-Identifier: Apache-2.0
// CLUSTERIP: gone from the kernel since 6.3, still in dumps. iptables-extensions(8) CLUSTERIP.
import { UINT32_MAX } from '../options.js';
import { opaqueTarget } from './opaque.js';

const HASH_MODES = ['sourceip', 'sourceip-sourceport', 'sourceip-sourceport-destport'];
const MAX_NODES = 16;
const TOGETHER = ['--new', '--hashmode', '--clustermac', '--total-nodes', '--local-node'];

export const clusteripCodec = opaqueTarget(
  'CLUSTERIP',
  ['ipv4'],
  Object.fromEntries([...TOGETHER, '--hash-init'].map((name) => [name, {}])),
  (options, context) => {
    context.warn(
      options.node,
      'IPT0231',
      'kernels since 6.3 have no `CLUSTERIP`: iptables-restore refuses the rule there',
    );
    if (options.node.options.length === 0) return '';
    const missing = TOGETHER.find((name) => !options.has(name));
    if (missing !== undefined)
      return options.fail(options.node, 'IPT0224', `\`CLUSTERIP\` needs \`${missing}\` too`) ?? '';
    const mode = options.text('--hashmode')!;
    if (!HASH_MODES.includes(mode))
      options.badValue('--hashmode', `expected one of ${HASH_MODES.join(', ')}`);
    const mac = options.text('--clustermac')!;
    const bytes = mac.split(':').map((part) => parseInt(part, 16));
    if (!/^([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}$/i.test(mac) || (bytes[0]! & 1) === 0)
      options.badValue('--clustermac', 'expected a multicast Ethernet address');
    const macText = bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(':');
    const total = options.integer('--total-nodes', 0, MAX_NODES);
    const local = options.integer('--local-node', 0, MAX_NODES);
    const init = options.integer('--hash-init', 0, UINT32_MAX) ?? 0;
    return (
      ` --new --hashmode ${mode} --clustermac ${macText}` +
      ` --total-nodes ${total} --local-node ${local} --hash-init ${init}`
    );
  },
);
