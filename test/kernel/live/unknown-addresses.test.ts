// SPDX-License-Identifier: Apache-2.0
// What the host got after its snapshot, an address and a multicast group, is judged by INPUT all the same: under
// enforcing programs nothing is let in unasked. Once with forwarding, where the lookup tells, once without.
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeOn } from '../needs.js';
import { Lab } from './lab.js';
import { migrateHost, TOOLS } from './story.js';
import { probe, Traffic } from './traffic.js';

const RULES = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j DROP
-A INPUT -p udp -m udp --dport 161 -j DROP
COMMIT
`;
const GROUP = '239.1.2.3';
const LATE = { ipv4: '192.0.2.77', ipv6: '2001:db8:1::77' };

/** A member of the group: says `ready`, then each datagram's destination port. */
const MEMBER = `const dgram = require('node:dgram');
for (const port of [161, 162]) {
  const socket = dgram.createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('message', () => console.log(port));
  socket.bind(port, '${GROUP}', () => { socket.addMembership('${GROUP}', '192.0.2.1'); console.log('ready'); });
}`;
const SENDER = `const dgram = require('node:dgram');
const socket = dgram.createSocket('udp4');
socket.bind(0, '192.0.2.10', async () => {
  socket.setMulticastInterface('192.0.2.10');
  for (let i = 0; i < 3; i++) for (const port of [161, 162])
    await new Promise((done) => socket.send('x', port, '${GROUP}', done));
  setTimeout(() => process.exit(), 300);
});`;

describeOn(
  'netfilter',
  'after the snapshot',
  () => {
    describe.each([1, 0])('with forwarding %i', (forwarding) => {
      let lab: Lab;
      let member: AsyncIterator<string>;
      const ports = async (): Promise<string[]> => {
        lab.must('client', [process.execPath, '-e', SENDER]);
        lab.must('client', [process.execPath, '-e', SENDER.replaceAll('161, 162', '162')]);
        const heard: string[] = [];
        // The second sender is heard on 162 alone, three times: so all of the first is in by then.
        for (let last = 0; last < 6;) {
          const { value } = await member.next();
          heard.push(value as string);
          if (value === '162') last++;
        }
        return heard;
      };

      beforeAll(async () => {
        lab = await Lab.start({ clsact: true });
        const on = String(forwarding);
        lab.must('host', [
          'sysctl',
          '-qw',
          `net.ipv4.ip_forward=${on}`,
          `net.ipv6.conf.all.forwarding=${on}`,
        ]);
        lab.must('host', ['iptables-legacy-restore'], RULES);
        lab.must('host', ['ip6tables-legacy-restore'], RULES);
        const folder = migrateHost(lab);
        await Traffic.start(lab, 'host', 'server', { tcp: [22, 23], udp: [] });
        const loaded = lab.cli('load', folder, '--enforce', '--rollback-after', '200', '--flush-iptables');
        expect(loaded.status, loaded.stderr).toBe(0);
        lab.must('host', ['ip', 'addr', 'add', `${LATE.ipv4}/24`, 'dev', 'eth0']);
        lab.must('host', ['ip', '-6', 'addr', 'add', `${LATE.ipv6}/64`, 'dev', 'eth0', 'nodad']);
        const child = lab.start('host', [process.execPath, '-e', MEMBER]);
        member = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
        for (let ready = 0; ready < 2; ready++) expect((await member.next()).value).toBe('ready');
      });
      afterAll(() => lab?.close());

      it.each(['ipv4', 'ipv6'] as const)('a new own %s address is judged by INPUT', (family) => {
        const asked = [22, 23].map((port) => ({ protocol: 'tcp' as const, address: LATE[family], port }));
        expect(probe(lab, 'client', asked).map(({ outcome }) => outcome)).toEqual(['silence', 'open']);
      });

      it('and so is a group joined since', async () => {
        expect(await ports()).not.toContain('161');
      });

      it('where nobody decides any more, all of it gets in', async () => {
        expect(lab.cli('unload').status).toBe(0);
        lab.must('host', ['iptables-legacy', '-F']);
        lab.must('host', ['ip6tables-legacy', '-F']);
        const asked = [LATE.ipv4, LATE.ipv6].map((address) => ({
          protocol: 'tcp' as const,
          address,
          port: 22,
        }));
        expect(probe(lab, 'client', asked).map(({ outcome }) => outcome)).toEqual(['open', 'open']);
        expect(await ports()).toContain('161');
      });
    });
  },
  TOOLS,
);
