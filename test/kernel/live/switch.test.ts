// SPDX-License-Identifier: Apache-2.0
// A host moves from iptables to programs under real traffic, and back: nothing that was open breaks, nothing that
// was blocked opens or is blocked in another manner, at no moment. What is blocked, and how, the real iptables
// tells first. Once for each kind of attachment.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeOn } from '../needs.js';
import { Lab, SERVER } from './lab.js';
import {
  CLIENT_PROBES,
  HOST_PROBES,
  iptablesCounters,
  migrateHost,
  pings,
  programCounters,
  setRules,
  startServers,
  told,
  TOOLS,
  type Attach,
  type Servers,
} from './story.js';
import { pause, probe, Traffic, until, type HolderReport, type StreamReport } from './traffic.js';

const HELD = 200;
/** Datagrams of the allowed stream that may be under way when it is asked. */
const UNDER_WAY = 5;

const ALL_OUTCOMES = [
  'ECONNREFUSED',
  'ECONNREFUSED (1 ICMP)',
  'EHOSTUNREACH (1 ICMP)',
  'open',
  'silence',
  // An IPv6 connection goes on trying when it is prohibited.
  'silence (1 ICMP)',
];
const OUTCOMES: Readonly<Record<Attach, readonly string[]>> = {
  tc: ALL_OUTCOMES,
  'tc,xdp': ALL_OUTCOMES,
  netfilter: ['open', 'silence'],
};
const XDP_LINKS: readonly string[] = ['eth0 xdp', 'eth1 xdp'];

describeOn(
  'netfilter',
  'the switch under traffic',
  () => {
    describe.each(['tc', 'tc,xdp', 'netfilter'] as const)('to programs on %s', theSwitch);
  },
  TOOLS,
);

function theSwitch(attach: Attach): void {
  let lab: Lab;
  let untouched: string[] = [];
  let folder = '';
  let servers: Servers;
  let holder: Traffic<HolderReport>;
  let allowed: Traffic<StreamReport>;
  let blocked: Traffic<StreamReport>;
  /** What iptables counts for one round of probes. */
  let ordinary: ReturnType<typeof iptablesCounters> = [];
  let before: { fromClient: string[]; fromHost: string[]; pings: number[]; rules: string };

  const everythingBlocked = (): Pick<typeof before, 'fromClient' | 'fromHost' | 'pings'> => ({
    fromClient: told(probe(lab, 'client', CLIENT_PROBES)),
    fromHost: told(probe(lab, 'host', HOST_PROBES)),
    pings: pings(lab),
  });
  const expectAsBefore = (): void => {
    expect({ ...everythingBlocked(), rules: before.rules }).toEqual(before);
  };
  /** Of all that was sent so far: nothing lost that is allowed, nothing through that is not, nothing broken. */
  const expectUnbroken = async (): Promise<void> => {
    const { broken, sent, echoed } = await holder.ask('report');
    expect(broken).toEqual([]);
    expect(echoed).toBeGreaterThan(0);
    expect(sent - echoed).toBeLessThanOrEqual(HELD);
    const stream = await allowed.ask();
    expect(stream.sent - stream.returned).toBeLessThanOrEqual(UNDER_WAY);
    expect((await servers.onServer.ask())['9999']).toBe(0);
    expect((await blocked.ask()).sent).toBeGreaterThan(100);
  };

  const hold = async (): Promise<void> => {
    holder = await Traffic.start(lab, 'client', 'holder', { address: SERVER.ipv4, port: 80, count: HELD });
  };
  /** Nothing under way: counters of two planes can be compared. */
  const rest = async (): Promise<void> => {
    for (const each of [allowed, blocked, holder]) await each.ask('stop');
    await pause(200);
  };
  const goOn = async (): Promise<void> => {
    for (const each of [allowed, blocked, holder]) await each.ask('go');
  };
  /** Bits a second through the host. */
  const throughput = (): number => {
    const server = lab.start('server', ['iperf3', '-s', '-1']);
    const run = lab.run('client', ['sh', '-c', 'sleep 0.5; exec iperf3 -J -t 1 -c "$1"', 'sh', SERVER.ipv4]);
    server.kill();
    const report = JSON.parse(run.stdout) as { end: { sum_received: { bits_per_second: number } } };
    return report.end.sum_received.bits_per_second;
  };

  beforeAll(async () => {
    lab = await Lab.start({ clsact: true });
    untouched = lab.remains();
    setRules(lab, attach);
    servers = await startServers(lab);
    before = { ...everythingBlocked(), rules: lab.rules() };
    allowed = await Traffic.start(lab, 'client', 'stream', { address: SERVER.ipv4, port: 53 });
    blocked = await Traffic.start(lab, 'client', 'stream', { address: SERVER.ipv4, port: 9999 });
    folder = migrateHost(lab, 'out', attach);
    if (attach === 'netfilter') await hold();
  });
  afterAll(() => lab?.close());

  it('starts from iptables that blocks in every manner the programs can', () => {
    const outcomes = (from: readonly string[]): string[] =>
      [...new Set(from.map((line) => line.split(' ').slice(3).join(' ')))].sort();
    expect(outcomes(before.fromClient)).toEqual(OUTCOMES[attach]);
    expect(before.pings).toEqual([3, 3, 3, 3]);
  });

  it('observes: everything as before, and counts what iptables counts, rule by rule', async () => {
    const result = lab.cli('load', folder);
    expect(result.status, result.stderr).toBe(0);
    expect(lab.xdp()).toEqual(attach === 'tc,xdp' ? XDP_LINKS : []);
    if (attach !== 'netfilter') await hold();
    await pause(300);
    await expectUnbroken();
    await rest();
    const was = { iptables: iptablesCounters(lab), programs: programCounters(lab) };
    expectAsBefore();
    ordinary = deltas(was.iptables, iptablesCounters(lab));
    expect(ordinary.filter(({ packets }) => packets > 0).length).toBeGreaterThan(40);
    const counted = deltas(was.programs, programCounters(lab));
    // What OUTPUT drops, iptables drops before TC egress sees it.
    const isSeen = ({ rule }: { rule: string }): boolean =>
      attach === 'netfilter' || !rule.startsWith('-A OUTPUT');
    expect(ordinary.map((each, i) => ({ ...each, ...counted[i] })).filter(isSeen)).toEqual(
      ordinary.filter(isSeen),
    );
    await goOn();
  });

  it('enforces with iptables emptied: nothing breaks, everything is blocked in the same manner', async () => {
    const result = lab.cli('load', folder, '--enforce', '--rollback-after', '120', '--flush-iptables');
    expect(result.status, result.stderr).toBe(0);
    expect(lab.rules()).not.toContain(' -j ');
    await expectUnbroken();
    await rest();
    const was = programCounters(lab);
    expectAsBefore();
    const counted = deltas(was, programCounters(lab));
    // A rule with a port counts the first packet of each probe, neither more nor less.
    const isOfPort = ({ rule }: { rule: string }): boolean => rule.includes('--dport');
    expect(ordinary.map((each, i) => ({ ...each, ...counted[i] })).filter(isOfPort)).toEqual(
      ordinary.filter(isOfPort),
    );
    await goOn();
  });

  it('stays once confirmed, with iptables empty to the last rule', async () => {
    expect(lab.cli('confirm').status).toBe(0);
    expect(lab.rules()).not.toContain('-A');
    expect(lab.processes('rollback-process')).toEqual([]);
    await holder.ask('all');
    await pause(300);
    await expectUnbroken();
    expectAsBefore();
    expect(throughput()).toBeGreaterThan(1e6);
    expect(lab.cli('confirm').status).toBe(0);
  });

  it('goes back by unload: iptables as it was, nothing broken, nothing left', async () => {
    const result = lab.cli('unload');
    expect(result.status, result.stderr).toBe(0);
    expect(lab.rules()).toBe(before.rules);
    expect(lab.remains()).toEqual(untouched);
    await expectUnbroken();
    expectAsBefore();
  });

  it('goes back by itself without confirm, to the same', async () => {
    expect(lab.cli('load', folder).status).toBe(0);
    if (attach !== 'netfilter') await hold();
    await pause(300);
    const result = lab.cli('load', folder, '--enforce', '--rollback-after', '4', '--flush-iptables');
    expect(result.status, result.stderr).toBe(0);
    expect(lab.rules()).not.toBe(before.rules);
    await expectUnbroken();
    await until(() => lab.rules() === before.rules && lab.remains().join() === untouched.join(), 15_000);
    await holder.ask('all');
    await pause(300);
    await expectUnbroken();
    expectAsBefore();
    expect(lab.cli('confirm').status).toBe(2);
  });

  // Can each of these checks fail? Rules are changed under the traffic, and it must be seen.
  it('would see a rule that blocks in another manner', () => {
    const other = ['-p', 'tcp', '--dport', '23', '-j', 'REJECT', '--reject-with', 'icmp-host-prohibited'];
    lab.must('host', ['iptables-legacy', '-I', 'INPUT', ...other]);
    expect(told(probe(lab, 'client', CLIENT_PROBES))).not.toEqual(before.fromClient);
    lab.must('host', ['iptables-legacy', '-D', 'INPUT', '1']);
    expectAsBefore();
  });

  it('would see a moment in which nobody decides', async () => {
    lab.must('host', ['iptables-legacy', '-P', 'FORWARD', 'ACCEPT']);
    lab.must('host', ['iptables-legacy', '-F', 'FORWARD']);
    if (attach === 'tc,xdp') lab.must('host', ['iptables-legacy', '-t', 'raw', '-F']);
    setRules(lab, attach);
    await expect(expectUnbroken()).rejects.toThrow();
  });

  it('would see a connection that is cut', async () => {
    expect((await holder.ask()).broken).toEqual([]);
    const cut = ['FORWARD', '-p', 'tcp', '--dport', '80', '-j', 'REJECT', '--reject-with', 'tcp-reset'];
    lab.must('host', ['iptables-legacy', '-I', ...cut]);
    await pause(300);
    lab.must('host', ['iptables-legacy', '-D', ...cut]);
    expect((await holder.ask()).broken).not.toEqual([]);
  });
}

interface Count {
  readonly packets: number;
  readonly bytes: number;
}

function deltas<T extends Count>(before: readonly Count[], after: readonly T[]): T[] {
  return after.map((each, i) => ({
    ...each,
    packets: each.packets - before[i]!.packets,
    bytes: each.bytes - before[i]!.bytes,
  }));
}
