// SPDX-License-Identifier: Apache-2.0
// The host that stands in when none is given: two networks, forwarding on (ARCHITECTURE.md, command line).
import type { Host } from './host.js';

export const DEFAULT_HOST: Host = {
  interfaces: [
    {
      name: 'eth0',
      mac: '02:00:00:00:00:10',
      mtu: 1500,
      addresses: ['203.0.113.2/24', '2001:db8:1::2/64'],
    },
    {
      name: 'eth1',
      mac: '02:00:00:00:00:11',
      mtu: 1500,
      addresses: ['10.0.0.1/24', '2001:db8:2::1/64'],
    },
  ],
  routes: [
    { destination: '0.0.0.0/0', via: '203.0.113.1', device: 'eth0' },
    { destination: '::/0', via: '2001:db8:1::1', device: 'eth0' },
  ],
  sysctls: {},
};
