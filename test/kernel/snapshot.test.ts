// SPDX-License-Identifier: Apache-2.0
// A namespace built by hand, with everything a snapshot takes: what the snapshot says is compared with what
// was set up, and the other commands read it.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Host } from '../../src/host/host.js';
import { complaints } from '../support/schemas.js';
import { repositoryRoot } from '../cli/run-cli.js';
import { describeOn } from './needs.js';

const NS = `snapshot-${String(process.pid)}`;
const SETUP = `set -e
ip link set lo up
ip link add eth0 address 02:00:00:00:00:10 type veth peer name peer0
ip link add br0 address 02:00:00:00:00:11 type bridge
ip link set peer0 master br0
ip link add link eth0 name mac0 type macvlan
ip link set eth0 mtu 1400 up; ip link set br0 up
ip addr add 203.0.113.2/24 dev eth0
ip addr add 2001:db8:1::2/64 dev eth0 nodad
ip route add default via 203.0.113.1
ip route add 10.8.0.0/16 dev eth0 table 100
ip route add blackhole 10.7.0.0/16
ip route add 10.6.0.0/16 nexthop via 203.0.113.3 nexthop via 203.0.113.4
ip rule add fwmark 7 table 100
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.eth0.rp_filter=2
ipset create friends hash:ip; ipset add friends 192.0.2.7
iptables-legacy -A INPUT -m set --match-set friends src -j ACCEPT
iptables-legacy -A INPUT -p tcp -m tcp --dport 22 -j DROP -c 5 300
ip6tables-legacy -P FORWARD DROP
iptables-nft -A INPUT -p tcp -m tcp --dport 23 -j DROP
ebtables-nft -A FORWARD -p ARP -j DROP
nft 'add table inet native; add chain inet native c { type filter hook input priority 0; }'
conntrack -I -s 203.0.113.2 -d 203.0.113.9 -p tcp --sport 5 --dport 6 -t 1000 --state ESTABLISHED -m 4 -u ASSURED
conntrack -I -s 2001:db8::1 -d 2001:db8::2 -p udp --sport 5 --dport 6 -t 100 -w 3
tc qdisc add dev eth0 clsact; tc filter add dev eth0 ingress bpf da obj $1 sec tc
ip link set dev eth0 xdpgeneric obj $1 sec xdp
`;
const PROGRAMS = `__attribute__((section("tc"),used)) int one(void*c){return 0;}
__attribute__((section("xdp"),used)) int two(void*c){return 2;}
char l[] __attribute__((section("license"),used))="GPL";
`;

let directory = '';
const path = (name: string): string => join(directory, name);
const text = (name: string): string => readFileSync(path(name), 'latin1');

/** The built command, as another user where one is given. */
function cli(
  args: readonly string[],
  user?: number,
): { code: number | null; stdout: string; stderr: string } {
  const result = spawnSync(process.execPath, ['bin/run.js', ...args], {
    cwd: repositoryRoot,
    encoding: 'latin1',
    maxBuffer: 64 << 20,
    ...(user !== undefined && { uid: user, gid: user }),
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

function inNamespace(script: string, ...args: string[]): void {
  execFileSync('ip', ['netns', 'exec', NS, 'bash', '-c', script, 'bash', ...args], { stdio: 'pipe' });
}

describeOn('netfilter', 'snapshot of a namespace', () => {
  let summary: Record<string, unknown> = {};

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ipt2ebpf-snapshot-'));
    writeFileSync(path('p.c'), PROGRAMS);
    execFileSync('clang', ['-O2', '-target', 'bpf', '-c', path('p.c'), '-o', path('p.o')]);
    execFileSync('ip', ['netns', 'add', NS]);
    inNamespace(SETUP, path('p.o'));
    const result = cli(['snapshot', '-o', path('s'), '--netns', NS, '--backend', 'legacy', '--json']);
    expect(result.code, result.stderr).toBe(0);
    summary = JSON.parse(result.stdout) as Record<string, unknown>;
  });
  afterAll(() => {
    spawnSync('ip', ['netns', 'del', NS]);
    rmSync(directory, { recursive: true, force: true });
  });

  it('tells what it took as its schema says', () => {
    expect(complaints('snapshot.json', summary)).toEqual([]);
    expect(summary).toMatchObject({ sets: 1, interfaces: 5, connections: 2, lacking: [] });
    expect(summary['rules']).toMatchObject([
      { family: 'ipv4', backend: 'legacy', tables: [{ table: 'filter', rules: 2 }], beside: { rules: 1 } },
      { family: 'ipv6', backend: 'legacy' },
    ]);
  });

  it('takes interfaces, addresses, routes, rules and sysctls as they were set', () => {
    const host = JSON.parse(text('s/host.json')) as Host;
    const byName = new Map(host.interfaces.map((each) => [each.name, each]));
    expect(byName.get('eth0')).toMatchObject({
      mac: '02:00:00:00:00:10',
      mtu: 1400,
      type: 'veth',
      up: true,
    });
    expect(byName.get('eth0')?.addresses).toEqual(
      expect.arrayContaining(['203.0.113.2/24', '2001:db8:1::2/64']),
    );
    expect(byName.get('eth0')?.link).toBeUndefined();
    expect(byName.get('peer0')).toMatchObject({ master: 'br0', up: false });
    expect(byName.get('mac0')).toMatchObject({ link: 'eth0', type: 'macvlan' });
    expect(host.routes).toEqual(
      expect.arrayContaining([
        { destination: '0.0.0.0/0', via: '203.0.113.1', device: 'eth0' },
        { destination: '10.8.0.0/16', device: 'eth0', table: '100' },
        { destination: '10.7.0.0/16', type: 'blackhole' },
        { destination: '10.6.0.0/16', via: '203.0.113.3', device: 'eth0' },
      ]),
    );
    expect(host.routes).toHaveLength(4);
    expect(host.rules).toContainEqual(expect.objectContaining({ fwmark: '0x7', table: '100' }));
    expect(host.sysctls).toMatchObject({ 'net.ipv4.ip_forward': 1, 'net.ipv4.conf.eth0.rp_filter': 2 });
    expect(summary['notes']).toContain('the route to 10.6.0.0/16 has 2 next hops: the first is kept');
  });

  it('takes rules with counters, sets and connections of both families', () => {
    expect(text('s/rules.v4')).toContain('[5:300] -A INPUT -p tcp -m tcp --dport 22 -j DROP');
    expect(text('s/beside.v4')).toContain('--dport 23 -j DROP');
    expect(text('s/ipset.save')).toContain('add friends 192.0.2.7');
    expect(text('s/conntrack.txt')).toMatch(/^ipv4 .* ESTABLISHED .*\[ASSURED\] mark=4 /m);
    expect(text('s/conntrack.txt')).toMatch(/^ipv6 .* zone=3 /m);
    expect(statSync(path('s')).mode & 0o777).toBe(0o700);
    expect(statSync(path('s/rules.v4')).mode & 0o777).toBe(0o600);
  });

  it('lets check name everything else that judges packets', () => {
    const { stdout } = cli(['check', path('s'), '--json']);
    const report = JSON.parse(stdout) as { otherEnforcement: unknown[] };
    expect(complaints('check.json', report)).toEqual([]);
    for (const plane of [
      { kind: 'iptables-nft', name: '1 rules' },
      { kind: 'nft', name: 'inet native' },
      { kind: 'ebtables', name: 'bridge filter' },
      { kind: 'xdp', name: 'eth0' },
      { kind: 'tc', name: 'eth0' },
    ])
      expect(report.otherEnforcement).toContainEqual(plane);
  });

  it('is read by print, which gives the same rules', () => {
    const rules = (dump: string): string =>
      dump
        .replace(/^#.*\n/gm, '')
        .replace(/\[\d+:\d+\] ?/g, '')
        .replace(/ +$/gm, '');
    const printed = cli(['print', '--canonical', path('s/rules.v4'), path('s/ipset.save')]);
    expect(rules(printed.stdout)).toContain(rules(text('s/rules.v4')));
  });

  it('refuses what is there, replaces a snapshot with --force, and leaves other folders alone', () => {
    expect(cli(['snapshot', '-o', path('s'), '--netns', NS]).code).toBe(2);
    expect(cli(['snapshot', '-o', path('s'), '--netns', NS, '--force', '--backend', 'nft']).code).toBe(0);
    expect(text('s/rules.v4')).toContain('--dport 23');
    expect(text('s/beside.v4')).toContain('--dport 22');
    const report = JSON.parse(cli(['check', path('s'), '--json']).stdout) as { otherEnforcement: unknown[] };
    expect(report.otherEnforcement).toContainEqual({ kind: 'iptables-legacy', name: '2 rules' });
    const foreign = cli(['snapshot', '-o', directory, '--netns', NS, '--force']);
    expect(foreign.code).toBe(2);
    expect(foreign.stderr).toContain('no part of a snapshot');
  });
});

/** iptables-legacy-save prints the table first that was loaded last. */
function tablesReversed(dump: string): string {
  return (dump.match(/^\*[^]*?^COMMIT\n/gm) ?? []).reverse().join('');
}

describeOn('netfilter', 'snapshot of a fixture', () => {
  it('gives the rules of fixtures/router byte for byte, header comments aside', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-snapshot-'));
    const namespace = `${NS}-router`;
    try {
      execFileSync('ip', ['netns', 'add', namespace]);
      for (const [tool, file] of [
        ['iptables', 'rules.v4'],
        ['ip6tables', 'rules.v6'],
      ] as const)
        execFileSync('ip', ['netns', 'exec', namespace, `${tool}-legacy-restore`, '-c'], {
          input: tablesReversed(readFileSync(join(repositoryRoot, 'fixtures/router', file), 'latin1')),
        });
      const result = cli(['snapshot', '-o', join(folder, 's'), '--netns', namespace]);
      expect(result.code, result.stderr).toBe(0);
      const bare = (name: string): string =>
        readFileSync(name, 'latin1')
          .replace(/^#.*\n/gm, '')
          .replace(/^\[\d+:\d+\] /gm, '');
      for (const file of ['rules.v4', 'rules.v6'])
        expect(bare(join(folder, 's', file))).toBe(bare(join(repositoryRoot, 'fixtures/router', file)));
    } finally {
      spawnSync('ip', ['netns', 'del', namespace]);
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('snapshot without rights', () => {
  it.skipIf(process.geteuid?.() !== 0)('writes what an ordinary user may read and says what not', () => {
    // A child of a root process: the modules are readable to it, the kernel's rules are not.
    const folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-snapshot-'));
    execFileSync('chown', ['65534:65534', folder]);
    try {
      const result = cli(['snapshot', '-o', join(folder, 's'), '--json'], 65534);
      expect(result.code, result.stderr).toBe(0);
      const { files, lacking } = JSON.parse(result.stdout) as {
        files: string[];
        lacking: { file: string; why: string }[];
      };
      expect(files).toEqual(['host.json']);
      for (const file of ['rules.v4', 'rules.v6', 'ipset.save', 'nft.txt', 'conntrack.txt', 'bpf.json'])
        expect(lacking.map((each) => each.file)).toContain(file);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
