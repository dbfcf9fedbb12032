// SPDX-License-Identifier: Apache-2.0
// XDP on a running host: it drops by itself what table raw drops, in native mode where the driver can and in generic
// mode where not, and stays away where it might take a VLAN's frames for the interface's own.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOn } from '../needs.js';
import { Lab, SERVER } from './lab.js';
import { migrateHost, setRules, startServers, TOOLS, type Servers } from './story.js';
import { pause, Traffic, type StreamReport } from './traffic.js';

describeOn(
  'netfilter',
  'XDP on a running host',
  () => {
    let lab: Lab;
    let untouched: string[] = [];
    let servers: Servers;
    let said = '';
    let hasVlan = false;

    beforeAll(async () => {
      lab = await Lab.start({ clsact: true });
      // A bridge has no XDP of its own; what eth1 carries for eth1.5 is not eth1's.
      lab.must('host', ['ip', 'link', 'add', 'br0', 'type', 'bridge']);
      const vlan = ['ip', 'link', 'add', 'link', 'eth1', 'name', 'eth1.5', 'type', 'vlan', 'id', '5'];
      hasVlan = lab.run('host', vlan).status === 0;
      if (!hasVlan) process.stderr.write('XDP below a VLAN: NOT RUN: this kernel has no VLAN interfaces\n');
      untouched = lab.remains();
      setRules(lab, 'tc,xdp');
      servers = await startServers(lab);
      const folder = migrateHost(lab, 'out', 'tc,xdp');
      const { status, stderr, stdout } = lab.cli(
        ...['load', folder, '--enforce', '--rollback-after', '120', '--flush-iptables'],
      );
      said = stdout + stderr;
      expect(status, said).toBe(0);
      expect(lab.cli('confirm').status).toBe(0);
    });
    afterAll(() => lab?.close());

    it('is native on eth0, generic on a bridge, and not below a VLAN', () => {
      const attached = lab
        .must('host', ['ip', '-oneline', 'link', 'show'])
        .matchAll(/^\d+: ([\w.]+).*? (xdp\w*) /gm);
      expect([...attached].map(([, name, mode]) => `${name!} ${mode!}`).sort()).toEqual([
        'br0 xdpgeneric',
        'eth0 xdp',
        hasVlan ? 'eth1.5 xdpgeneric' : 'eth1 xdp',
      ]);
      expect(said).toMatch(/XDP on br0: in generic mode/);
      expect(/XDP on eth1: not there: .* VLAN .*; TC decides all/.test(said)).toBe(hasVlan);
      expect(said).not.toMatch(/XDP on eth0/);
    });

    it('drops by itself: with TC gone what raw drops still is, with XDP gone it gets through', async () => {
      for (const { pid } of lab.processes('watcher-process')) process.kill(pid, 'SIGKILL');
      for (const device of ['eth0', 'eth1'])
        for (const way of ['ingress', 'egress'])
          lab.must('host', ['tc', 'filter', 'del', 'dev', device, way]);
      const at = { address: SERVER.ipv4, port: 9999 };
      const stream = await Traffic.start<StreamReport>(lab, 'client', 'stream', at);
      await pause(500);
      expect((await stream.ask()).sent).toBeGreaterThan(20);
      expect((await servers.onServer.ask())['9999']).toBe(0);
      lab.must('host', ['sh', '-c', 'rm /sys/fs/bpf/ipt2ebpf/links/xdp_*']);
      await pause(500);
      expect((await servers.onServer.ask())['9999']).toBeGreaterThan(20);
    });

    it('is put back by load, and leaves nothing after unload', () => {
      expect(lab.cli('load', lab.path('out')).status).toBe(0);
      expect(lab.xdp()).toContain('eth0 xdp');
      expect(lab.cli('unload').status).toBe(0);
      expect(lab.remains()).toEqual(untouched);
    });
  },
  TOOLS,
);
