// SPDX-License-Identifier: Apache-2.0
// Rules that would cut a management flow are refused before anything attaches, with a packet and the rule, and the
// kernel drops such a packet too. With the rule mended the guard is proven, and the flow lives through the switch.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadReport } from '../../../src/live/load-report.js';
import { describeOn } from '../needs.js';
import { CLIENT, HOST, Lab } from './lab.js';
import { migrateHost, TOOLS } from './story.js';
import { pause, probe, Traffic, type HolderReport } from './traffic.js';

const SSH = 'tcp from 192.0.2.0/24 to port 22';
const HELD = 5;
/** What cuts it, and what the message says. */
const CUTTING: readonly (readonly [string, string, RegExp])[] = [
  [
    'the first packet',
    '-A INPUT -s 192.0.2.0/28 -p tcp -m tcp --dport 22 -j DROP',
    /192\.0\.2\.\d+:\d+ > 192\.0\.2\.1:22 tcp syn .*NEW\) is dropped by `-A INPUT -s 192\.0\.2\.0\/28 -p tcp -m tcp --dport 22 -j DROP` \(\S+rules\.v4:\d+\)/,
  ],
  [
    'the answers',
    '-A OUTPUT -p tcp -m tcp --sport 22 -j DROP',
    /sent by the host, ESTABLISHED, after 1 packets of the flow\) is dropped by `-A OUTPUT/,
  ],
];

function rules(cut = ''): string {
  return `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
${cut}
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT
COMMIT
`;
}

describeOn(
  'netfilter',
  'a guard on a live host',
  () => {
    describe.each(['tc', 'netfilter'] as const)('programs on %s', (attach) => {
      let lab: Lab;
      const toSsh = (): string =>
        probe(lab, 'client', [{ protocol: 'tcp', address: HOST.ipv4, port: 22 }])[0]!.outcome;

      beforeAll(async () => {
        lab = await Lab.start({ clsact: true });
        await Traffic.start(lab, 'host', 'server', { tcp: [22], udp: [] });
      });
      afterAll(() => lab?.close());

      it.each(CUTTING)('refuses rules that cut %s, with the packet and the rule', (name, cut, message) => {
        lab.must('host', ['iptables-legacy-restore'], rules(cut));
        const folder = migrateHost(lab, name.replaceAll(' ', '-'), attach);
        const before = lab.remains();
        const { status, stdout, stderr } = lab.cli('load', folder, '--guard', SSH);
        expect(status).toBe(1);
        expect(stderr).toMatch(/IPT1111/);
        expect(stderr.replace(/\s+/g, ' ')).toMatch(message);
        expect(stdout).toContain('not loaded: a guard is not proven');
        expect(lab.remains()).toEqual(before);
        // From such an address the live iptables cuts it as well.
        expect(CLIENT.ipv4).toBe('192.0.2.10');
        expect(toSsh()).toBe('silence');
      });

      it('takes the mended rules, says over which states, and the flow lives through the switch', async () => {
        lab.must('host', ['iptables-legacy-restore'], rules());
        const folder = migrateHost(lab, 'mended', attach);
        const holder = await Traffic.start<HolderReport>(lab, 'client', 'holder', {
          address: HOST.ipv4,
          port: 22,
          count: HELD,
        });
        const flags = ['--enforce', '--rollback-after', '60', '--flush-iptables', '--json'];
        const result = lab.cli(
          'load',
          folder,
          ...flags,
          '--guard',
          SSH,
          '--guard',
          'tcp to 192.0.2.1 port ssh in eth0',
        );
        expect(result.status, result.stderr).toBe(0);
        const { guards } = JSON.parse(result.stdout) as LoadReport;
        expect(guards.map(({ outcome, states }) => ({ outcome, states }))).toEqual(
          Array(2).fill({
            outcome: 'proven',
            states: ['ipv4 requests NEW', 'ipv4 requests ESTABLISHED', 'ipv4 answers ESTABLISHED'],
          }),
        );
        expect(lab.rules()).not.toContain(' -j ');
        expect(toSsh()).toBe('open');
        await holder.ask('all');
        await pause(500);
        const { broken, sent, echoed } = await holder.ask('stop');
        expect(broken).toEqual([]);
        expect(sent - echoed).toBeLessThanOrEqual(HELD);
        expect(lab.cli('unload').status).toBe(0);
      });
    });
  },
  TOOLS,
);
