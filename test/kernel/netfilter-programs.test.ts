// SPDX-License-Identifier: Apache-2.0
// Netfilter programs in place of the tables they carry over, live in a namespace, against the real iptables: every
// case in which a runner once differed, and what only hooks of the stack see: whole datagrams, translated packets.
import { describe, expect, it } from 'vitest';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import type { FuzzCase } from '../fuzz/case.js';
import { judge } from '../fuzz/compare.js';
import { loadRegression, regressionNames } from '../fixtures/regressions.js';
import { randomPackets } from '../fuzz/packets.js';
import { Random } from '../../src/replay/directed/random.js';
import { describeOn } from './needs.js';

const BOTH = new Set(['netfilter', 'netfilter-bpf'] as const);
const PACKETS = 200;

function caseOf(ipv4: string): FuzzCase {
  const packets = randomPackets(new Random(7), ['ipv4'], PACKETS);
  return { ipv4, ipset: '', host: DEFAULT_HOST, packets };
}

describeOn('netfilter', 'netfilter programs', () => {
  it.each(regressionNames())('%s: as iptables', async (name) => {
    const { case: given } = await loadRegression(name);
    const { difference, noProgram } = await judge(given, BOTH);
    expect({ difference, noProgram }).toEqual({});
  });

  describe('beside tables that stay with iptables', () => {
    it.each([
      [
        'source and destination translated',
        `*nat
-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.5:8080
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*mangle
-A PREROUTING -p udp -j MARK --set-xmark 0x10/0xffffffff
COMMIT
*filter
:FORWARD DROP [0:0]
-A INPUT -m mark --mark 0x10 -j DROP
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -d 10.0.0.5/32 -p tcp -m tcp --dport 8080 -j ACCEPT
-A FORWARD -i eth1 -o eth0 -j ACCEPT
COMMIT
`,
      ],
      [
        'exempted from tracking',
        `*raw
-A PREROUTING -p udp -j NOTRACK
-A OUTPUT -p udp -j NOTRACK
COMMIT
*filter
:INPUT DROP [0:0]
-A INPUT -m conntrack --ctstate UNTRACKED -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -m conntrack --ctstate NEW -p tcp -j ACCEPT
-A INPUT -f -j ACCEPT
COMMIT
`,
      ],
    ])('%s', async (_, rules) => {
      const { difference, noProgram, compared } = await judge(caseOf(rules), BOTH);
      expect({ difference, noProgram }).toEqual({});
      expect(compared.get('netfilter = netfilter-bpf')).toBe(PACKETS);
    });
  });
});
