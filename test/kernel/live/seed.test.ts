// SPDX-License-Identifier: Apache-2.0
// Connections that were open before `load` live on under programs whose rules accept SYN and ESTABLISHED only, and
// what is written for them is what the program writes itself. Without the list of the kernel's they stall.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectionEntry } from '../../../src/live/connection-entry.js';
import { readConnection, type KernelConnection } from '../../../src/live/kernel-connections.js';
import type { LoadReport } from '../../../src/live/load-report.js';
import { decodeStruct } from '../../../src/program/layout-codec.js';
import { CONNECTION } from '../../../src/program/layout.js';
import { describeOn } from '../needs.js';
import { Lab, SERVER } from './lab.js';
import { migrateHost, pings, setRules, startServers, TOOLS } from './story.js';
import { pause, probe, Traffic, until, type HolderReport, type StreamReport } from './traffic.js';

const HELD = 20;
const SWITCH = ['--enforce', '--rollback-after', '60', '--flush-iptables', '--json'];
/** Entries that no program can follow, as `conntrack -I` takes them, and why. */
const UNSEEDABLE: readonly [string, RegExp][] = [
  [
    '-p tcp -s 192.0.2.10 -d 192.0.2.1 --sport 1 --dport 2 --state ESTABLISHED --dst-nat 198.51.100.10',
    /translated \(NAT\)/,
  ],
  ['-p tcp -s 192.0.2.10 -d 192.0.2.1 --sport 3 --dport 4 --state ESTABLISHED -w 7', /zone \(zone=7\)/],
  [
    '-p sctp -s 192.0.2.10 -d 192.0.2.1 --sport 5 --dport 6 --state ESTABLISHED --orig-vtag 1 --reply-vtag 2',
    /verification tags/,
  ],
];

interface Dumped {
  readonly key: readonly string[];
  readonly value: readonly string[];
}

describeOn(
  'netfilter',
  'connections older than load',
  () => {
    let lab: Lab;
    let folder = '';
    let holders: Traffic<HolderReport>[] = [];

    const hold = async (): Promise<void> => {
      holders = await Promise.all(
        [SERVER.ipv4, SERVER.ipv6].map((address) =>
          Traffic.start<HolderReport>(lab, 'client', 'holder', { address, port: 80, count: HELD }),
        ),
      );
    };
    /** How many of what all connections sent now did not come back within a second. */
    const lost = async (): Promise<number> => {
      for (const each of holders) await each.ask('stop');
      await pause(300);
      const before = await Promise.all(holders.map((each) => each.ask('stop')));
      for (const each of holders) await each.ask('all');
      for (const each of holders) await each.ask('stop');
      await pause(1000);
      const after = await Promise.all(holders.map((each) => each.ask('stop')));
      expect(after.flatMap(({ broken }) => broken)).toEqual([]);
      return after.reduce((sum, { sent, echoed }, i) => {
        const was = before[i]!;
        return sum + (sent - was.sent) - (echoed - was.echoed);
      }, 0);
    };
    const load = (...args: string[]): LoadReport => {
      const result = lab.cli('load', folder, '--json', ...args);
      expect(result.status, result.stderr).toBe(0);
      return JSON.parse(result.stdout) as LoadReport;
    };
    const unload = (): void => expect(lab.cli('unload').status).toBe(0);
    const kernel = (): KernelConnection[] =>
      ['ipv4', 'ipv6'].flatMap((family) =>
        lab
          .must('host', ['conntrack', '-L', '-f', family, '-o', 'extended,id'])
          .split('\n')
          .map(readConnection)
          .filter((each) => each !== undefined),
      );
    const entries = (): Map<string, ReturnType<typeof decodeStruct<typeof CONNECTION>>> => {
      const pinned = '/sys/fs/bpf/ipt2ebpf/maps/connections';
      const text = lab.must('host', ['bpftool', '-j', 'map', 'dump', 'pinned', pinned]);
      const bytes = (words: readonly string[]): Buffer => Buffer.from(words.map(Number));
      return new Map(
        (JSON.parse(text) as Dumped[]).map(({ key, value }) => [
          bytes(key).toString('hex'),
          decodeStruct(CONNECTION, bytes(value)),
        ]),
      );
    };

    beforeAll(async () => {
      lab = await Lab.start({ clsact: true });
      setRules(lab);
      await startServers(lab);
      folder = migrateHost(lab);
    });
    afterAll(() => lab?.close());

    it('writes what the program writes of connections that it sees from their first packet on', async () => {
      lab.must('host', ['conntrack', '-F']);
      load();
      await hold();
      const stream = await Traffic.start<StreamReport>(lab, 'client', 'stream', {
        address: SERVER.ipv4,
        port: 53,
      });
      pings(lab);
      probe(lab, 'host', [{ protocol: 'tcp', address: '127.0.0.1', port: 7007 }]);
      await pause(2500);
      await stream.ask('stop');
      for (const each of holders) await each.ask('stop');
      await pause(300);
      const made = entries();
      const clock = { now: 0n, hz: 1000 };
      const wanted = kernel().map((each) => ({ each, entry: connectionEntry(each, clock) }));
      const compared = wanted.map(({ each, entry }) => {
        if (typeof entry === 'string') throw new Error(`${each.text}: ${entry}`);
        const found = made.get(Buffer.from(entry.key).toString('hex'));
        const { status, tcp_state, mark, tcp_flags } = entry.value;
        return {
          text: each.text,
          wanted: { status, tcp_state, mark, tcp_flags },
          found: found && {
            status: found.status,
            tcp_state: found.tcp_state,
            mark: found.mark,
            tcp_flags: found.tcp_flags,
          },
        };
      });
      expect(compared.map(({ text, found }) => ({ text, value: found }))).toEqual(
        compared.map((each) => ({ text: each.text, value: each.wanted })),
      );
      const kinds = new Set(wanted.map(({ each: { family, protocol } }) => `${family} ${String(protocol)}`));
      expect([...kinds].sort()).toEqual(['ipv4 1', 'ipv4 17', 'ipv4 6', 'ipv6 58', 'ipv6 6']);
      unload();
    });

    it('lives on: opened before load, enforced, iptables emptied', async () => {
      expect(await lost()).toBe(0);
      const observing = load();
      expect(observing.connections!.carried).toBeGreaterThanOrEqual(2 * HELD);
      expect(observing.connections!.leftFirst).toEqual([]);
      const enforcing = load(...SWITCH);
      expect(enforcing.connections!.carried).toBeGreaterThanOrEqual(2 * HELD);
      expect(lab.rules()).not.toContain(' -j ');
      expect(await lost()).toBe(0);
      // The kernel no longer decides: a second call takes nothing from it.
      expect(load().connections).toBeNull();
      expect(await lost()).toBe(0);
      unload();
    });

    it('keeps the lifetime the kernel gave it', () => {
      load();
      const all = [...entries().values()];
      const now = Number(/^jiffies: (\d+)/m.exec(lab.must('host', ['cat', '/proc/timer_list']))![1]);
      const config = lab.must('host', ['cat', `${folder}/model.json`]);
      const { hz } = JSON.parse(config) as { hz: number };
      const seconds = all.map(({ expires }) => (Number(expires) - now) / hz);
      const told = kernel().map(({ secondsLeft }) => secondsLeft!);
      expect(Math.max(...seconds)).toBeGreaterThan(Math.max(...told) - 30);
      expect(Math.max(...seconds)).toBeLessThan(Math.max(...told) + 30);
      unload();
    });

    it('names what it cannot carry over, and why', () => {
      lab.must('host', ['sh', '-c', UNSEEDABLE.map(([how]) => `conntrack -I -t 100 ${how}`).join(' && ')]);
      const { connections } = load();
      expect(connections!.left).toBe(UNSEEDABLE.length);
      for (const [, why] of UNSEEDABLE)
        expect(connections!.leftFirst.filter(({ reason }) => why.test(reason))).toHaveLength(1);
      const { stderr } = lab.cli('load', folder);
      expect(stderr).toContain('not carried over: ipv4 2 tcp 6 ');
      unload();
    });

    it('stalls without the list, which load says; the rollback ends it', async () => {
      lab.must('host', ['sh', '-c', 'mount --bind /dev/null "$(command -v conntrack)"']);
      const report = load('--enforce', '--rollback-after', '5', '--flush-iptables');
      expect(report.notes.join('\n')).toContain('connections older than this load are not carried over');
      expect(report.connections).toMatchObject({ carried: 0 });
      expect(await lost()).toBe(2 * HELD);
      await until(() => lab.rules().includes(' -j '), 15_000);
      // What was sent meanwhile comes back with TCP's next attempt.
      const waiting = async (): Promise<number> =>
        (await Promise.all(holders.map((each) => each.ask('stop')))).reduce(
          (sum, { sent, echoed }) => sum + sent - echoed,
          0,
        );
      for (let i = 0; i < 60 && (await waiting()) > 0; i++) await pause(500);
      expect(await waiting()).toBe(0);
    });
  },
  TOOLS,
);
