// SPDX-License-Identifier: Apache-2.0
// TPROXY, revision 1. iptables-extensions(8) TPROXY; net/netfilter/xt_TPROXY.c.
import { formatAddress } from '../../net/address.js';
import { hostAddress } from '../values.js';
import { hex, UINT16_MAX } from '../options.js';
import { BOTH_FAMILIES, opaqueTarget } from './opaque.js';
import { onlyProtocol } from './protocol.js';

const PROTOCOLS: readonly (number | undefined)[] = [6, 17];

export const tproxyCodec = opaqueTarget(
  'TPROXY',
  BOTH_FAMILIES,
  { '--on-port': { mandatory: true }, '--on-ip': {}, '--tproxy-mark': {} },
  (options, context) => {
    if (!PROTOCOLS.includes(onlyProtocol(context)))
      options.fail(options.node, 'IPT0228', '`TPROXY` takes TCP and UDP only', 'add `-p tcp` or `-p udp`');
    const portText = options.text('--on-port')!;
    const port = /^\d+$/.test(portText) ? Number(portText) : context.names.service(portText);
    if (port === undefined || port > UINT16_MAX)
      options.badValue('--on-port', 'expected a port or a service name');
    const addressText = options.text('--on-ip') ?? (context.family === 'ipv4' ? '0.0.0.0' : '::');
    const address = hostAddress(addressText, context.family);
    if (address === undefined)
      return options.badValue('--on-ip', `expected an ${context.family} address`) ?? '';
    const mark = options.has('--tproxy-mark') ? options.markAndMask('--tproxy-mark') : { value: 0, mask: 0 };
    return (
      ` --on-port ${port} --on-ip ${formatAddress(address)}` +
      ` --tproxy-mark ${hex(mark?.value ?? 0)}/${hex(mark?.mask ?? 0)}`
    );
  },
);
