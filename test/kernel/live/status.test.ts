// SPDX-License-Identifier: Apache-2.0
// `status` beside the live iptables: equal counters for equal traffic, rule by rule; what is amiss is named.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StatusReport } from '../../../src/live/status.js';
import { describeOn } from '../needs.js';
import { HOST, Lab } from './lab.js';
import { iptablesCounters, migrateHost, TOOLS } from './story.js';
import { probe, until } from './traffic.js';

const RULES = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 23 -j DROP
-A INPUT -p tcp -m tcp --dport 25 -j REJECT --reject-with tcp-reset
COMMIT
`;

describeOn(
  'netfilter',
  'status',
  () => {
    let lab: Lab;
    const status = (code: number): StatusReport => {
      const result = lab.cli('status', '--json');
      expect(result.status, result.stdout + result.stderr).toBe(code);
      return JSON.parse(result.stdout) as StatusReport;
    };
    const counted = (report: StatusReport): unknown[] =>
      report.chains
        .flatMap(({ rules }) => rules)
        .map(({ text, counted: count }) => ({ rule: text, ...count }));

    beforeAll(async () => {
      lab = await Lab.start();
      lab.must('host', ['iptables-legacy-restore'], RULES);
    });
    afterAll(() => lab?.close());

    it('says that nothing is loaded, with 1, and leaves nothing', () => {
      expect(status(1)).toMatchObject({ loaded: 'nothing', problems: ['nothing is loaded'], chains: [] });
      expect(lab.remains()).toEqual([]);
    });

    it('counts what iptables counts, in the words of its rules', () => {
      const folder = migrateHost(lab);
      expect(lab.cli('load', folder).status).toBe(0);
      lab.must('host', ['iptables-legacy', '-Z']);
      const before = status(0);
      expect(before).toMatchObject({ loaded: 'programs', mode: 'observe', attach: ['tc'], bare: [] });
      expect([...before.interfaces].sort()).toEqual(['eth0', 'eth1', 'lo']);
      probe(lab, 'client', [
        { protocol: 'tcp', address: HOST.ipv4, port: 23 },
        { protocol: 'tcp', address: HOST.ipv4, port: 25 },
      ]);
      const after = status(0);
      expect(counted(after)).toEqual(iptablesCounters(lab));
      expect(counted(after)).not.toEqual(counted(before));
      const text = lab.cli('status').stdout;
      expect(text).toMatch(/^observing since .* by tc$/m);
      expect(text).toMatch(/^2 +[1-9]\d* +\d+ {2}-A INPUT .* --dport 25 .*tcp-reset$/m);
    });

    it('names a bare interface and a watcher that is gone', async () => {
      for (const { pid } of lab.processes('watcher-process')) process.kill(pid, 'SIGKILL');
      await until(() => lab.processes('watcher-process').length === 0, 5000);
      lab.must('host', ['tc', 'filter', 'del', 'dev', 'eth1', 'ingress']);
      const report = status(1);
      expect(report.bare.map(({ name }) => name)).toEqual(['eth1']);
      expect(report.problems.join('\n')).toContain('the watcher is gone');
      expect(lab.cli('unload').status).toBe(0);
    });
  },
  TOOLS,
);
