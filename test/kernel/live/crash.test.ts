// SPDX-License-Identifier: Apache-2.0
// kill -9 of the loader at random moments of the switch, under traffic: at no moment is there nobody who decides,
// or half of somebody, and the next load, the unload, or the rollback process brings the host to one side.
// IPT2EBPF_CRASHES: how many moments (8); IPT2EBPF_SEED: which.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOn } from '../needs.js';
import { HOST, Lab, SERVER } from './lab.js';
import { migrateHost, setRules, startServers, told, type Servers, TOOLS } from './story.js';
import { pause, probe, Traffic, until, type Probe, type StreamReport } from './traffic.js';

const CRASHES = Number(process.env['IPT2EBPF_CRASHES'] ?? 8);
const SEED = Number(process.env['IPT2EBPF_SEED'] ?? 1);
const UNDER_WAY = 5;
const ROLLBACK_SECONDS = 6;

/** One of each manner, and what is allowed. */
const PROBES: readonly Probe[] = [
  ...[22, 23, 24, 25].map((port) => ({ protocol: 'tcp' as const, address: HOST.ipv4, port })),
  ...[80, 81, 82].map((port) => ({ protocol: 'tcp' as const, address: SERVER.ipv4, port })),
  { protocol: 'udp', address: HOST.ipv6, port: 161 },
];

/** Where a crash left the host. */
type Found = 'nothing loaded' | 'remains' | 'observing' | 'enforcing' | 'enforcing, iptables emptied';

describeOn(
  'netfilter',
  `the loader killed at ${String(CRASHES)} random moments (seed ${String(SEED)})`,
  () => {
    let lab: Lab;
    let untouched: string[] = [];
    let folder = '';
    let servers: Servers;
    let allowed: Traffic<StreamReport>;
    let blocked: Traffic<StreamReport>;
    let before: { readonly manners: string[]; readonly rules: string };
    let wholeMs = 0;

    const enforceArguments = (seconds: number): string[] => [
      'load',
      folder,
      '--enforce',
      '--rollback-after',
      String(seconds),
      '--flush-iptables',
    ];

    const found = (): Found => {
      const { stdout, status } = lab.run('host', ['bpftool', '-j', 'map', 'dump', 'pinned', CONFIG]);
      if (status !== 0) return 'nothing loaded';
      const mode = (JSON.parse(stdout) as { formatted: { value: { mode: number } } }[])[0]!.formatted.value
        .mode;
      if (mode === 1) return lab.rules() === before.rules ? 'enforcing' : 'enforcing, iptables emptied';
      return lab.run('host', ['test', '-e', '/run/ipt2ebpf/state.json']).status === 0
        ? 'observing'
        : 'remains';
    };

    /** iptables as it was, or programs that enforce, attached everywhere. */
    const isWhole = (where: Found): boolean => {
      if (lab.rules() === before.rules) return true;
      const attached = lab.must('host', [
        'sh',
        '-c',
        'for i in lo eth0 eth1; do for d in ingress egress; do tc filter show dev $i $d; done; done',
      ]);
      return where.startsWith('enforcing') && (attached.match(/ipt2ebpf_(?:in|out)/g) ?? []).length >= 6;
    };

    /** From the first datagram on. */
    const expectNoGap = async (): Promise<void> => {
      expect((await servers.onServer.ask())['9999']).toBe(0);
      const { sent, returned } = await allowed.ask();
      expect(sent - returned).toBeLessThanOrEqual(UNDER_WAY);
    };

    beforeAll(async () => {
      lab = await Lab.start({ clsact: true });
      untouched = lab.remains();
      setRules(lab);
      servers = await startServers(lab);
      before = { manners: told(probe(lab, 'client', PROBES)), rules: lab.rules() };
      folder = migrateHost(lab);
      allowed = await Traffic.start(lab, 'client', 'stream', { address: SERVER.ipv4, port: 53 });
      blocked = await Traffic.start(lab, 'client', 'stream', { address: SERVER.ipv4, port: 9999 });
      const start = performance.now();
      expect(lab.cli(...enforceArguments(60)).status).toBe(0);
      wholeMs = performance.now() - start;
      expect(lab.cli('unload').status).toBe(0);
    });
    afterAll(() => lab?.close());

    const tally = new Map<Found, number>();
    it(
      'leaves iptables or programs whole each time, and the next command recovers',
      { timeout: 60_000 + CRASHES * 60_000 },
      async () => {
        const random = numbers(SEED);
        for (let i = 0; i < CRASHES; i++) {
          const seconds = i % 3 === 2 ? ROLLBACK_SECONDS : 60;
          const child = lab.start('host', lab.cliCommand(...enforceArguments(seconds)));
          // Denser towards the end, where the switch is; the beginning is the start of Node.
          const afterMs = Math.sqrt(random()) * wholeMs * 1.1;
          await pause(afterMs);
          child.kill('SIGKILL');
          const where = found();
          const place = `moment ${String(i)}, ${afterMs.toFixed(0)} ms: ${where}`;
          tally.set(where, (tally.get(where) ?? 0) + 1);
          expect(isWhole(where), place).toBe(true);
          expect(told(probe(lab, 'client', PROBES)), place).toEqual(before.manners);
          await expectNoGap();
          if (i % 3 === 0) {
            const again = lab.cli('load', folder);
            expect(again.status, place + again.stderr).toBe(0);
            expect(isWhole(found()), place).toBe(true);
          }
          if (i % 3 === 2 && where.startsWith('enforcing'))
            await until(() => lab.remains().join() === untouched.join(), ROLLBACK_SECONDS * 1000 + 15_000);
          const unloaded = lab.cli('unload');
          expect(unloaded.status, place + unloaded.stderr).toBe(0);
          expect(lab.rules(), place).toBe(before.rules);
          await until(() => lab.remains().join() === untouched.join(), 10_000);
          await expectNoGap();
        }
        process.stderr.write(
          `${[...tally].map(([where, count]) => `${where}: ${String(count)}`).join('; ')}\n`,
        );
        expect((await blocked.ask()).sent).toBeGreaterThan(CRASHES * 100);
      },
    );

    it('goes on whole when the rollback process dies, too, and the next load rolls back', async () => {
      expect(lab.cli(...enforceArguments(2)).status).toBe(0);
      for (const { pid } of lab.processes('rollback-process')) process.kill(pid, 'SIGKILL');
      await pause(2500);
      expect(found()).toBe('enforcing, iptables emptied');
      expect(told(probe(lab, 'client', PROBES))).toEqual(before.manners);
      const again = lab.cli('load', folder);
      expect(again.status, again.stderr).toBe(0);
      expect(again.stderr).toContain('rolled back now');
      expect(found()).toBe('observing');
      expect(lab.rules()).toBe(before.rules);
      await expectNoGap();
      expect(lab.cli('unload').status).toBe(0);
    });

    it('refuses to unload while iptables does not take its rules back, and stays whole', async () => {
      expect(lab.cli(...enforceArguments(60)).status).toBe(0);
      lab.must('host', ['sh', '-c', 'mv /run/ipt2ebpf/saved/rules.v4.legacy /run/ipt2ebpf/saved/away']);
      expect(lab.cli('unload').status).toBe(2);
      expect(isWhole(found())).toBe(true);
      expect(told(probe(lab, 'client', PROBES))).toEqual(before.manners);
      lab.must('host', ['sh', '-c', 'mv /run/ipt2ebpf/saved/away /run/ipt2ebpf/saved/rules.v4.legacy']);
      expect(lab.cli('unload').status).toBe(0);
      expect(lab.rules()).toBe(before.rules);
      await expectNoGap();
    });

    it('would see that nobody decides', async () => {
      expect(lab.cli(...enforceArguments(60)).status).toBe(0);
      lab.must('host', ['tc', 'filter', 'del', 'dev', 'eth0', 'ingress']);
      await expect(until(() => !isWhole(found()), 500)).rejects.toThrow();
      lab.cli('unload');
      lab.must('host', ['iptables-legacy', '-F', 'FORWARD']);
      lab.must('host', ['iptables-legacy', '-P', 'FORWARD', 'ACCEPT']);
      expect(isWhole(found())).toBe(false);
      await pause(300);
      await expect(expectNoGap()).rejects.toThrow();
    });
  },
  TOOLS,
);

const CONFIG = '/sys/fs/bpf/ipt2ebpf/maps/config';

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
