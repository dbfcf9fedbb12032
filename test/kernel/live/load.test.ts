// SPDX-License-Identifier: Apache-2.0
// What `load` refuses by name, what it may be repeated for, what becomes of interfaces born later, and that
// unload leaves nothing.
import { appendFileSync, cpSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOn } from '../needs.js';
import { Lab } from './lab.js';
import { migrateHost, TOOLS } from './story.js';
import { probe, until } from './traffic.js';

const RULES = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lat+ -p tcp -m tcp --dport 22 -j REJECT --reject-with icmp-port-unreachable
-A INPUT -i eth+ -p tcp -m tcp --dport 22 -j DROP
COMMIT
`;

describeOn(
  'netfilter',
  'load',
  () => {
    let lab: Lab;
    let folder = '';
    const sh = (script: string): string => lab.must('host', ['sh', '-c', script]);
    const filters = (name: string): string =>
      sh(`tc filter show dev ${name} ingress; tc filter show dev ${name} egress`);

    beforeAll(async () => {
      lab = await Lab.start();
      lab.must('host', ['iptables-legacy-restore'], RULES);
      folder = migrateHost(lab);
    });
    afterAll(() => lab?.close());

    it.each<[string, string[], RegExp]>([
      ['no folder', ['nowhere'], /no folder nowhere/],
      ['half a switch', ['DIR', '--enforce'], /--enforce needs --rollback-after/],
      ['a way back without a switch', ['DIR', '--rollback-after', '9'], /goes with --enforce/],
      ['iptables emptied for programs that observe', ['DIR', '--flush-iptables'], /goes with --enforce/],
    ])('refuses %s with 2 and does nothing', (_, args, message) => {
      const { status, stderr } = lab.cli('load', ...args.map((arg) => (arg === 'DIR' ? folder : arg)));
      expect(status).toBe(2);
      expect(stderr).toMatch(message);
      expect(lab.remains()).toEqual([]);
    });

    it('refuses a folder that was changed', () => {
      cpSync(folder, lab.path('changed'), { recursive: true });
      appendFileSync(lab.path('changed/program.o'), 'x');
      const { status, stderr } = lab.cli('load', lab.path('changed'));
      expect(status).toBe(2);
      expect(stderr).toContain('program.o is not what was written');
    });

    it.each<[string, string, string, RegExp]>([
      [
        'ip addr add 192.0.2.77/24 dev eth0',
        'ip addr del 192.0.2.77/24 dev eth0',
        'IPT1100',
        /192\.0\.2\.77\/24 of eth0 is new/,
      ],
      [
        'ip link add other0 type veth peer name other1 netns client',
        'ip link del other0',
        'IPT1101',
        /interface other0 is new/,
      ],
      [
        'sysctl -qw net.ipv4.ip_forward=0',
        'sysctl -qw net.ipv4.ip_forward=1',
        'IPT1102',
        /net\.ipv4\.ip_forward is 0, at the migration 1/,
      ],
      [
        'ip rule add fwmark 7 table 100',
        'ip rule del fwmark 7 table 100',
        'IPT1103',
        /routing rule .*"0x7".* is new/,
      ],
      [
        'iptables-legacy -I INPUT 2 -s 192.0.2.9 -j DROP',
        'iptables-legacy -D INPUT 2',
        'IPT1104',
        /ipv4 filter\/INPUT:2 is `-A INPUT -s 192\.0\.2\.9\/32 -j DROP`, at the migration/,
      ],
    ])('names what differs after %s, and accepts it when it is waived', (change, back, code, message) => {
      sh(change);
      const refused = lab.cli('load', folder);
      expect(refused.stderr).toMatch(message);
      expect(refused.stderr).toContain(`[${code}]`);
      expect(refused.status).toBe(1);
      expect(lab.remains()).toEqual([]);
      const waived = lab.cli('load', folder, '--waive', code);
      expect(waived.status, waived.stderr).toBe(0);
      expect(lab.cli('unload').status).toBe(0);
      sh(back);
      expect(lab.remains()).toEqual([]);
    });

    it('attaches what is missing when repeated, and starts another watcher', async () => {
      expect(lab.cli('load', folder).status).toBe(0);
      for (const { pid } of lab.processes('watcher-process')) process.kill(pid, 'SIGKILL');
      await until(() => lab.processes('watcher-process').length === 0, 5000);
      sh('tc qdisc del dev eth0 clsact');
      expect(filters('eth0')).toBe('');
      expect(lab.cli('load', folder).status).toBe(0);
      expect(filters('eth0').match(/ipt2ebpf_/g)).not.toBeNull();
      expect(lab.processes('watcher-process')).toHaveLength(1);
    });

    it('refuses another program by name until unload', () => {
      sh('iptables-legacy -A INPUT -s 192.0.2.9 -j DROP');
      const other = migrateHost(lab, 'other');
      const { status, stderr } = lab.cli('load', other);
      expect(status).toBe(2);
      expect(stderr).toContain('another program is loaded');
      sh('iptables-legacy -D INPUT 3');
    });

    it('attaches to interfaces born later, with the rules that cover them, and puts filters back', async () => {
      const enforced = lab.cli('load', folder, '--enforce', '--rollback-after', '100', '--flush-iptables');
      expect(enforced.status, enforced.stderr).toBe(0);
      sh('ip link add late0 type veth peer name late0 netns client; ip link set late0 up');
      sh('ip addr add 203.0.113.1/24 dev late0; ip -n client link set late0 up');
      sh('ip -n client addr add 203.0.113.10/24 dev late0');
      await until(() => filters('late0').split('ipt2ebpf_').length > 2, 10_000);
      // To an address of the snapshot, by the new interface.
      sh('ip -n client route add 198.51.100.1/32 via 203.0.113.1');
      const [late] = probe(lab, 'client', [{ protocol: 'tcp', address: '198.51.100.1', port: 22 }]);
      expect(late).toMatchObject({ outcome: 'ECONNREFUSED', unreachables: 1 });
      sh('tc filter del dev late0 ingress');
      await until(() => filters('late0').split('ipt2ebpf_').length > 2, 10_000);
      await until(
        () => sh('cat /run/ipt2ebpf/state.json').includes('203.0.113.1/24 of late0 is new'),
        10_000,
      );
    });

    it('leaves nothing: no pins, no state, no qdisc, no process', async () => {
      expect(lab.cli('unload').status).toBe(0);
      await until(() => lab.remains().length === 0, 5000);
      sh('ip link del late0');
      const again = lab.cli('unload');
      expect([again.status, again.stdout.trim()]).toEqual([0, 'nothing was loaded']);
      expect(lab.cli('confirm').status).toBe(2);
    });

    it('sees what load.sh loaded, and unload takes it away', () => {
      const script = `${folder}/load.sh`;
      lab.must('host', ['sh', script, 'load']);
      const refused = lab.cli('load', folder);
      expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('load.sh loaded')]);
      expect(lab.cli('unload').stdout.trim()).toBe('unloaded');
      expect(lab.remains()).toEqual([]);
      expect(lab.cli('load', folder).status).toBe(0);
      const unload = lab.run('host', ['sh', script, 'unload']);
      expect([unload.status, unload.stderr]).toEqual([1, expect.stringContaining('ipt2ebpf unload')]);
      expect(lab.cli('unload').status).toBe(0);
      expect(lab.remains()).toEqual([]);
    });
  },
  TOOLS,
);
