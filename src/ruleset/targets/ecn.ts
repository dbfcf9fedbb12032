// SPDX-License-Identifier: Apache-2.0
// ECN. iptables-extensions(8) ECN; net/ipv4/netfilter/ipt_ECN.c.
import { opaqueTarget, requireOneOf } from './opaque.js';
import { onlyProtocol } from './protocol.js';

const TCP_BITS = ['--ecn-tcp-ece', '--ecn-tcp-cwr'];
const TCP = 6;

export const ecnCodec = opaqueTarget(
  'ECN',
  ['ipv4'],
  {
    '--ecn-tcp-remove': { excludes: TCP_BITS },
    '--ecn-tcp-cwr': { excludes: ['--ecn-tcp-remove'] },
    '--ecn-tcp-ece': { excludes: ['--ecn-tcp-remove'] },
    '--ecn-ip-ect': {},
  },
  (options, context) => {
    const tcp = ['--ecn-tcp-remove', ...TCP_BITS].filter((name) => options.has(name));
    if (!requireOneOf(options, ['--ecn-tcp-remove', ...TCP_BITS, '--ecn-ip-ect'])) return '';
    if (tcp.length > 0 && onlyProtocol(context) !== TCP)
      options.fail(options.get(tcp[0]!)!, 'IPT0228', `\`${tcp[0]}\` is for TCP only`, 'add `-p tcp`');
    const remove = options.has('--ecn-tcp-remove');
    const ece = remove ? 0 : options.integer('--ecn-tcp-ece', 0, 1);
    const cwr = remove ? 0 : options.integer('--ecn-tcp-cwr', 0, 1);
    const ect = options.integer('--ecn-ip-ect', 0, 3);
    if (ece === 0 && cwr === 0 && ect === undefined) return ' --ecn-tcp-remove';
    return (
      (ece === undefined ? '' : ` --ecn-tcp-ece ${ece}`) +
      (cwr === undefined ? '' : ` --ecn-tcp-cwr ${cwr}`) +
      (ect === undefined ? '' : ` --ecn-ip-ect ${ect}`)
    );
  },
);
