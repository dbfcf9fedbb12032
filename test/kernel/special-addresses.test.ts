// SPDX-License-Identifier: Apache-2.0
// Packets of the host's own between all kinds of special addresses, plain, marked, rejected on the way out and on the
// way in: the evaluator against the real netfilter. The fuzzer's packets come from addresses a host has.
import { expect, it } from 'vitest';
import type { Family } from '../../src/net/family.js';
import { buildPacket } from '../../src/packet/build.js';
import type { Layer } from '../../src/packet/layers.js';
import { FUZZ_HOST } from '../fuzz/case.js';
import { judge } from '../fuzz/compare.js';
import type { SentPacket } from '../fuzz/packets.js';
import { describeOn } from './needs.js';

const SOURCES: Readonly<Record<Family, readonly string[]>> = {
  ipv4: [
    ...['127.0.0.1', '127.0.0.5', '0.0.0.0', '0.0.0.7', '10.0.0.255', '203.0.113.2', '10.0.0.1'],
    ...['198.51.100.7', '224.0.0.1', '255.255.255.255', '203.0.113.0'],
  ],
  ipv6: [
    ...['::1', '::', 'fe80::1', '2001:db8:1::2', '2001:db8:2::1', 'ff02::1', '2001:db8:2::'],
    '2001:db8:9::7',
  ],
};
const DESTINATIONS: Readonly<Record<Family, readonly string[]>> = {
  ipv4: [
    ...['127.0.0.1', '0.0.0.0', '0.0.0.7', '10.0.0.255', '255.255.255.255', '224.0.0.1', '224.0.0.5'],
    ...['203.0.113.2', '10.0.0.5', '198.51.100.7', '203.0.113.0'],
  ],
  ipv6: [
    ...['::1', '::', 'fe80::1', '2001:db8:1::2', '2001:db8:2::5', 'ff02::1', 'ff01::1', 'ff02::5'],
    ...['ff05::2', '2001:db8:2::', '2001:db8:9::7'],
  ],
};

/** By port: 1 plain, 2 marked, 3 rejected in OUTPUT, 4 rejected in INPUT. */
const RULES = `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A OUTPUT -p udp -m udp --dport 2 -j MARK --set-xmark 0x1/0xffffffff
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p udp -m udp --dport 4 -j REJECT
-A INPUT -p tcp -m tcp --dport 4 -j REJECT --reject-with tcp-reset
-A INPUT -m conntrack --ctstate NEW -j LOG --log-prefix "new "
-A OUTPUT -p udp -m udp --dport 3 -j REJECT
-A OUTPUT -p tcp -m tcp --dport 3 -j REJECT --reject-with tcp-reset
-A OUTPUT -m addrtype --src-type LOCAL -j LOG --log-prefix "own "
-A OUTPUT -o eth1 -j LOG --log-prefix "eth1 "
COMMIT
`;
const PORTS = [1, 2, 3, 4];

function packets(family: Family, source: string): SentPacket[] {
  const layers = (destination: string, port: number): readonly (readonly Layer[])[] => {
    const ip: Layer =
      family === 'ipv4' ? { kind: 'ipv4', source, destination } : { kind: 'ipv6', source, destination };
    return [
      [ip, { kind: 'udp', sourcePort: 1000, destinationPort: port }],
      [ip, { kind: 'tcp', sourcePort: 1000, destinationPort: port, flags: ['syn'] }],
    ];
  };
  return DESTINATIONS[family].flatMap((destination) =>
    PORTS.flatMap((port) => layers(destination, port)).map((each) => ({
      interface: 'local',
      frame: buildPacket({ kind: 'ethernet' }, ...each),
    })),
  );
}

describeOn('netfilter', 'packets of the host between special addresses', () => {
  it.each(
    (['ipv4', 'ipv6'] as const).flatMap((family) => SOURCES[family].map((source) => ({ family, source }))),
  )('from $source', async ({ family, source }) => {
    const given = { ipset: '', host: FUZZ_HOST, [family]: RULES, packets: packets(family, source) };
    const { difference, setAside } = await judge(given, new Set(['netfilter', 'rules']));
    expect(difference).toBeUndefined();
    expect([...setAside]).toEqual([]);
  });
});
