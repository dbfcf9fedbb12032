// SPDX-License-Identifier: Apache-2.0
// The reference evaluator against the real netfilter, story by story: each packet's record must be the same on
// both, down to rule, state, log and trace. Sequence numbers stay in window, since windows are not tracked.
import { expect, it } from 'vitest';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { NetfilterRunner } from '../../src/kernel/netfilter/runner.js';
import { parseSaveFile } from '../../grammar/index.js';
import { DEBIAN_NAMES } from '../../src/net/name-services.js';
import { buildPacket } from '../../src/packet/build.js';
import type { Layer } from '../../src/packet/layers.js';
import type { ReplayPacket } from '../../src/packet/packet.js';
import { parsePacketText } from '../../src/replay/packet-text.js';
import { openRulesRunner } from '../../src/ruleset/evaluate/index.js';
import { readSets } from '../../src/ruleset/ipset/sets-builder.js';
import { resolve } from '../../src/ruleset/resolve/resolve.js';
import { compareRecords } from '../corpus/kernel-cases.js';
import { describeOn } from './needs.js';

interface Story {
  readonly name: string;
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly ipset?: string;
  /** As text, or as layers with where they come from. */
  readonly packets: readonly (string | { readonly from: string; readonly layers: readonly Layer[] })[];
}

const eth = (...layers: Layer[]): readonly Layer[] => [{ kind: 'ethernet' }, ...layers];
/** An ICMP error from `source` to `destination` about a UDP packet. */
function unreachable(
  source: string,
  destination: string,
  about: readonly [source: string, port: number, destination: string, port: number],
): readonly Layer[] {
  const quoted = buildPacket(
    { kind: 'ipv4', source: about[0], destination: about[2] },
    { kind: 'udp', sourcePort: about[1], destinationPort: about[3] },
  );
  return eth(
    { kind: 'ipv4', source, destination },
    { kind: 'icmp', type: 3, code: 3 },
    { kind: 'payload', data: quoted },
  );
}

const STATES = `
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED -j ACCEPT
-A INPUT -m state --state UNTRACKED -j LOG --log-prefix "untracked "
-A INPUT -m conntrack --ctstate NEW -j ACCEPT`;

const filter = (policy: string, rules: string): string =>
  `*filter\n:INPUT ${policy} [0:0]\n:FORWARD ${policy} [0:0]\n:OUTPUT ACCEPT [0:0]\n${rules.trim()}\nCOMMIT\n`;

const STORIES: readonly Story[] = [
  {
    name: 'jump, goto, return and policy',
    ipv4: `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:a - [0:0]
:b - [0:0]
:c - [0:0]
-A INPUT -p udp -j a
-A INPUT -p tcp -g b
-A INPUT -p udp --dport 3 -j ACCEPT
-A INPUT -p tcp -j ACCEPT
-A a -p udp --dport 1 -j RETURN
-A a -p udp --dport 2 -g c
-A a -p udp --dport 3
-A a -p udp --dport 4 -j ACCEPT
-A b -p tcp --dport 1 -j RETURN
-A b -j c
-A b -p tcp --dport 2 -j ACCEPT
-A c -p tcp --dport 3 -j DROP
-A c -p udp -j LOG --log-prefix "c "
-A c -j RETURN
COMMIT
`,
    packets: [1, 2, 3, 4, 5].flatMap((port) => [
      `udp 10.0.0.5:1000 > 10.0.0.1:${port}`,
      `tcp 10.0.0.5:1000 > 10.0.0.1:${port} syn`,
    ]),
  },
  {
    name: 'the life of a TCP connection, and another on its ports',
    ipv4: filter('DROP', STATES),
    packets: [
      'tcp 10.0.0.5:4000 > 10.0.0.1:80 syn seq 1000',
      'tcp 10.0.0.5:4000 > 10.0.0.1:80 syn seq 1000',
      'tcp 10.0.0.1:80 > 10.0.0.5:4000 syn ack seq 5000 ack 1001 local',
      'tcp 10.0.0.5:4000 > 10.0.0.1:80 ack seq 1001 ack 5001',
      'tcp 10.0.0.5:4000 > 10.0.0.1:80 psh ack seq 1001 ack 5001 data 10',
      'tcp 10.0.0.1:80 > 10.0.0.5:4000 ack seq 5001 ack 1011 local',
      'tcp 10.0.0.5:4000 > 10.0.0.1:80 syn seq 9000',
      'tcp 10.0.0.5:4000 > 10.0.0.1:80 fin ack seq 1011 ack 5001',
      'tcp 10.0.0.1:80 > 10.0.0.5:4000 fin ack seq 5001 ack 1012 local',
      'tcp 10.0.0.5:4000 > 10.0.0.1:80 ack seq 1012 ack 5002',
      'tcp 10.0.0.5:4000 > 10.0.0.1:80 syn seq 20000',
      'tcp 10.0.0.1:80 > 10.0.0.5:4000 rst ack seq 0 ack 20001 local',
      'tcp 10.0.0.5:4000 > 10.0.0.1:80 ack seq 20001 ack 1',
    ],
  },
  {
    name: 'TCP that begins in its middle, nonsense flags, wrong checksums',
    ipv4: filter('DROP', STATES),
    packets: [
      'tcp 10.0.0.5:4001 > 10.0.0.1:80 ack seq 100 ack 200',
      'tcp 10.0.0.5:4002 > 10.0.0.1:80 fin ack seq 100 ack 200',
      'tcp 10.0.0.5:4003 > 10.0.0.1:80 rst seq 100',
      'tcp 10.0.0.5:4004 > 10.0.0.1:80 syn ack seq 100 ack 200',
      'tcp 10.0.0.5:4005 > 10.0.0.1:80 syn fin seq 100',
      'tcp 10.0.0.5:4006 > 10.0.0.1:80 seq 100',
      'tcp 10.0.0.5:4007 > 10.0.0.1:80 fin psh urg seq 100',
      'tcp 10.0.0.5:4008 > 10.0.0.1:80 syn seq 100 bad-checksum',
      'udp 10.0.0.5:4008 > 10.0.0.1:80 bad-checksum',
      'udp 10.0.0.1:4008 > 10.0.0.5:80 bad-checksum local',
      'icmp 10.0.0.5 > 10.0.0.1 echo-request bad-checksum',
    ],
  },
  {
    name: 'UDP, ICMP and errors about them, forged ones too',
    ipv4: filter(
      'DROP',
      `${STATES}\n-A FORWARD -m conntrack --ctstate RELATED -j ACCEPT\n-A FORWARD -p udp -j ACCEPT`,
    ),
    packets: [
      'udp 10.0.0.1:5000 > 192.0.2.1:53 local',
      'udp 192.0.2.1:53 > 10.0.0.1:5000 in eth0',
      'icmp 10.0.0.5 > 10.0.0.1 echo-request',
      'icmp 10.0.0.1 > 10.0.0.5 echo-reply local',
      'icmp 10.0.0.6 > 10.0.0.1 echo-reply',
      'udp 10.0.0.5:6000 > 192.0.2.1:99 in eth1',
      { from: 'eth0', layers: unreachable('192.0.2.1', '10.0.0.5', ['10.0.0.5', 6000, '192.0.2.1', 99]) },
      { from: 'eth0', layers: unreachable('192.0.2.9', '10.0.0.6', ['10.0.0.5', 6000, '192.0.2.1', 99]) },
      { from: 'eth0', layers: unreachable('192.0.2.1', '10.0.0.5', ['10.0.0.5', 6001, '192.0.2.1', 99]) },
    ],
  },
  {
    name: 'fragments where connections are tracked',
    ipv4: filter('DROP', `${STATES}\n-A FORWARD -p udp --dport 53 -m length --length 1000: -j ACCEPT`),
    packets: fragmented('10.0.0.5', '192.0.2.1', 'eth1').concat(fragmented('10.0.0.5', '10.0.0.1', 'eth1')),
  },
  {
    name: 'fragments where nothing tracks connections',
    ipv4: filter(
      'DROP',
      `-A INPUT -p udp --dport 53 -j ACCEPT\n-A FORWARD -f -j ACCEPT\n-A FORWARD -p udp -m udp --dport 53 -j ACCEPT`,
    ),
    packets: fragmented('10.0.0.5', '192.0.2.1', 'eth1').concat(fragmented('10.0.0.5', '10.0.0.1', 'eth1')),
  },
  {
    name: 'REJECT answers whom it may, and its answers use up what OUTPUT allows',
    ipv4: `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT DROP [0:0]
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
-A INPUT -p udp -j REJECT
-A INPUT -p icmp -j REJECT --reject-with icmp-host-prohibited
-A FORWARD -j REJECT --reject-with icmp-admin-prohibited
-A OUTPUT -m limit --limit 1/hour --limit-burst 4 -j ACCEPT
-A OUTPUT -p udp -j REJECT --reject-with icmp-net-unreachable
COMMIT
`,
    packets: [
      'tcp 10.0.0.5:1 > 10.0.0.1:2 syn',
      'tcp 10.0.0.5:1 > 10.0.0.1:2 rst',
      'tcp 10.0.0.5:1 > 10.0.0.1:2 syn bad-checksum',
      'udp 10.0.0.5:1 > 10.0.0.1:2 bad-checksum',
      'udp 10.0.0.5:1 > 10.0.0.255:2 in eth1',
      'icmp 10.0.0.5 > 10.0.0.1 echo-request',
      'icmp 10.0.0.5 > 10.0.0.1 destination-unreachable',
      'udp 10.0.0.5:1 > 192.0.2.1:2 in eth1',
      'udp 10.0.0.1:1 > 192.0.2.1:2 local',
      'udp 10.0.0.1:1 > 192.0.2.1:2 local',
      'udp 10.0.0.1:1 > 192.0.2.1:2 local',
      'udp 10.0.0.1:1 > 10.0.0.255:2 local',
    ],
  },
  {
    name: 'what the stack drops, and what it lets the host say to itself',
    ipv4: filter(
      'ACCEPT',
      '-A INPUT -i lo -p udp -j LOG --log-prefix "lo "\n-A INPUT -m addrtype --dst-type BROADCAST -j DROP',
    ),
    packets: [
      'udp 10.0.0.5:1 > 192.0.2.1:2 ttl 1 in eth1',
      'udp 10.0.0.5:1 > 192.0.2.1:2 ttl 2 in eth1',
      'udp 10.0.0.1:1 > 10.0.0.1:2 in eth1',
      'udp 10.0.0.5:1 > 127.0.0.1:2 in eth1',
      'udp 127.0.0.1:1 > 10.0.0.1:2 in eth1',
      'udp 10.0.0.5:1 > 224.0.0.5:2 in eth1',
      'udp 10.0.0.5:1 > 224.0.0.1:2 in eth1',
      'udp 0.0.0.0:68 > 255.255.255.255:67 in eth1',
      'udp 10.0.0.5:1 > 10.0.0.255:2 in eth1',
      'udp 240.0.0.1:1 > 10.0.0.1:2 in eth0',
      'udp 10.0.0.1:1 > 10.0.0.1:2 local',
      'udp 10.0.0.1:1 > 10.0.0.255:2 local',
      'udp 10.0.0.5:1 > 10.0.0.1:2 vlan 7 in eth1',
      {
        from: 'eth1',
        layers: eth({ kind: 'ipv4', source: '10.0.0.5', destination: '10.0.0.1', version: 5 }),
      },
      {
        from: 'eth1',
        layers: eth({ kind: 'ipv4', source: '10.0.0.5', destination: '10.0.0.1', checksum: 'wrong' }),
      },
      {
        from: 'eth1',
        layers: eth({ kind: 'ipv4', source: '10.0.0.5', destination: '10.0.0.1', totalLength: 400 }),
      },
      {
        from: 'eth1',
        layers: eth(
          { kind: 'ipv4', source: '10.0.0.5', destination: '10.0.0.1', options: [131, 7, 4, 10, 0, 0, 1] },
          { kind: 'udp', sourcePort: 1, destinationPort: 2 },
        ),
      },
      {
        from: 'eth1',
        layers: eth(
          { kind: 'ipv4', source: '10.0.0.5', destination: '192.0.2.1', options: [148, 4, 0, 0, 1, 1, 0, 0] },
          { kind: 'tcp', sourcePort: 1, destinationPort: 2, flags: ['syn'] },
        ),
      },
    ],
  },
  {
    name: 'marks, NOTRACK and matches of every kind',
    ipset: `create ips hash:ip family inet
add ips 10.0.0.5
create nets hash:net family inet
add nets 10.0.0.0/24
add nets 10.0.0.6 nomatch
create pairs hash:ip,port family inet
add pairs 10.0.0.7,udp:9
create ports bitmap:port range 0-100
add ports 7
create all list:set size 8
add all ips
add all pairs
`,
    ipv4: `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p udp --dport 7 -j NOTRACK
-A PREROUTING -p udp --dport 8 -j CT --notrack
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -m set --match-set ips src -j MARK --set-xmark 0x10/0xff
-A PREROUTING -m set --match-set nets src -j MARK --set-xmark 0x1/0x0
-A FORWARD -m ttl --ttl-eq 63 -j MARK --set-mark 9
-A POSTROUTING -o eth0 -m mark --mark 9 -j DROP
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m set --match-set all src,dst -j ACCEPT
-A INPUT -m set ! --match-set ports dst -m mark --mark 0x1/0x1 -j DROP
-A INPUT -m mac --mac-source 02:00:00:00:00:01 -m iprange --src-range 10.0.0.6-10.0.0.8 -j ACCEPT
-A INPUT -m conntrack --ctstate UNTRACKED -m length --length 28:40 -j ACCEPT
-A INPUT -p udp -m multiport --ports 1000:1001,8 -j ACCEPT
COMMIT
`,
    packets: ['10.0.0.5', '10.0.0.6', '10.0.0.7', '10.0.0.9', '192.0.2.1'].flatMap((source) => [
      ...[7, 8, 9].map(
        (port) => `udp ${source}:1000 > 10.0.0.1:${port} in ${source.startsWith('10') ? 'eth1' : 'eth0'}`,
      ),
      `udp ${source}:1000 > 198.51.100.7:9 ttl 64 in ${source.startsWith('10') ? 'eth1' : 'eth0'}`,
    ]),
  },
  {
    name: 'IPv6: extension headers, neighbour discovery, addresses that are not to be answered',
    ipv6: `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
${STATES.trim()}
-A FORWARD -p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset
-A FORWARD -p udp -m hl --hl-eq 63 -j REJECT
-A FORWARD -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j DROP
COMMIT
`,
    packets: [
      'udp [2001:db8:2::5]:1 > [2001:db8:2::1]:2 in eth1',
      'udp [2001:db8:2::5]:1 > [2001:db8:9::1]:2 ttl 64 in eth1',
      'udp [2001:db8:2::5]:1 > [2001:db8:9::1]:2 ttl 1 in eth1',
      'tcp [2001:db8:2::5]:1 > [2001:db8:9::1]:80 syn in eth1',
      'udp [::1]:1 > [2001:db8:2::1]:2 in eth1',
      'udp [2001:db8:2::5]:1 > [ff02::1]:2 in eth1',
      'udp [2001:db8:2::5]:1 > [ff02::5]:2 in eth1',
      'icmp 2001:db8:2::5 > 2001:db8:2::1 echo-request in eth1',
      'icmp 2001:db8:2::5 > 2001:db8:2::1 neighbour-solicitation in eth1',
      ...(['hop-by-hop', 'destination-options', 'routing'] as const).map((kind) => ({
        from: 'eth1',
        layers: eth(
          { kind: 'ipv6', source: '2001:db8:2::5', destination: '2001:db8:9::1' },
          { kind },
          { kind: 'tcp', sourcePort: 1, destinationPort: 80, flags: ['syn'] },
        ),
      })),
      ...[
        { offset: 0, more: true, size: 16 },
        { offset: 16, more: false, size: 24 },
      ].map(({ offset, more, size }) => ({
        from: 'eth1',
        layers: eth(
          { kind: 'ipv6', source: '2001:db8:2::5', destination: '2001:db8:2::1' },
          { kind: 'fragment', offset, more, id: 7, nextHeader: 17 },
          { kind: 'payload', data: udpPiece(offset, size) },
        ),
      })),
      {
        from: 'eth1',
        layers: eth(
          { kind: 'ipv6', source: '2001:db8:2::5', destination: '2001:db8:9::1' },
          { kind: 'destination-options', nextHeader: 60, length: 0 },
        ),
      },
    ],
  },
];

/** Bytes of a 40-byte UDP datagram without a checksum that holds. */
function udpPiece(offset: number, size: number): Uint8Array {
  const whole = buildPacket(
    { kind: 'udp', sourcePort: 1000, destinationPort: 53, length: 40, checksum: 0 },
    { kind: 'payload', data: new Uint8Array(32) },
  );
  return whole.subarray(offset, offset + size);
}

/** A UDP datagram of 1,248 bytes to port 53 in three pieces, the last one first. */
function fragmented(
  source: string,
  destination: string,
  from: string,
): { from: string; layers: readonly Layer[] }[] {
  const datagram = buildPacket(
    { kind: 'udp', sourcePort: 1000, destinationPort: 53, length: 1248, checksum: 0 },
    { kind: 'payload', data: new Uint8Array(1240) },
  );
  return [1000, 0, 400].map((offset) => {
    const end = { 0: 400, 400: 1000 }[offset] ?? datagram.length;
    return {
      from,
      layers: eth(
        {
          kind: 'ipv4',
          source,
          destination,
          id: 77,
          protocol: 17,
          fragmentOffset: offset,
          moreFragments: end !== datagram.length,
        },
        { kind: 'payload', data: datagram.subarray(offset, end) },
      ),
    };
  });
}

function replayPackets(story: Story): ReplayPacket[] {
  return story.packets.map((packet, index) => {
    const { frame, from } =
      typeof packet === 'string'
        ? fromText(packet)
        : { frame: buildPacket(...packet.layers), from: packet.from };
    return { index, interface: from, frame, timestampNs: 0n, wireLength: frame.length };
  });
}

function fromText(text: string): { readonly frame: Uint8Array; readonly from: string } {
  const { frame, interface: from = 'eth1' } = parsePacketText(text);
  return { frame, from };
}

describeOn('netfilter', 'reference evaluator and netfilter', () => {
  it.each(STORIES)('$name', async (story) => {
    const { ipv4, ipv6, ipset } = story;
    const files = [ipv4, ipv6].flatMap((text, i) =>
      text === undefined
        ? []
        : [
            parseSaveFile({ name: `rules.v${i === 0 ? 4 : 6}`, text }, { family: i === 0 ? 'ipv4' : 'ipv6' })
              .file,
          ],
    );
    const { sets } = readSets(ipset === undefined ? [] : [{ name: 'ipset.save', text: ipset }], DEBIAN_NAMES);
    const { ruleset, diagnostics } = resolve({ files, sets, names: DEBIAN_NAMES });
    expect(diagnostics).toEqual([]);
    const packets = replayPackets(story);
    const netfilter = await NetfilterRunner.create({
      host: DEFAULT_HOST,
      ...(ipv4 && { ipv4 }),
      ...(ipv6 && { ipv6 }),
      ...(ipset && { ipset }),
    });
    const expected = await netfilter.run(packets).finally(() => netfilter.close());
    const actual = await openRulesRunner(ruleset, DEFAULT_HOST, { checksums: 'verify', trace: true }).run(
      packets,
    );
    const { differing, loose, undecided } = compareRecords(story.name, expected, actual);
    expect({ differing, loose, undecided }).toEqual({ differing: [], loose: [], undecided: 0 });
  });
});
