// SPDX-License-Identifier: Apache-2.0
// What this host's own applications see of REJECT, in OUTPUT and on lo: first under iptables, then under the
// enforcing programs, in one namespace with a neighbour. sendto() under iptables fails with EPERM before any
// answer comes; there the ICMP error is what the programs have to give.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadInput } from '../../src/input/load.js';
import { kernelHz } from '../../src/kernel/clock-rate.js';
import { migrate } from '../../src/migrate/migrate.js';
import { writeFolder } from '../../src/migrate/output-folder.js';
import { describeOn } from './needs.js';

const RULES = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 83 -j REJECT --reject-with tcp-reset
-A INPUT -p udp -m udp --dport 84 -j REJECT --reject-with icmp-port-unreachable
-A OUTPUT -p tcp -m tcp --dport 81 -j REJECT --reject-with tcp-reset
-A OUTPUT -p udp -m udp --dport 82 -j REJECT --reject-with icmp-port-unreachable
-A OUTPUT -p tcp -m tcp --dport 85 -j REJECT --reject-with icmp-host-prohibited
-A OUTPUT -p tcp -m tcp --dport 86 -j DROP
COMMIT
`;

const STORY = `set -e
mount -t tmpfs none /run
mount -t sysfs none /sys
mount -t bpf none /sys/fs/bpf
ip link set lo up
ip link add eth0 type veth peer name there
unshare -n sleep 60 & neighbour=$!
trap 'kill $neighbour' EXIT
sleep 0.3
ip link set there netns $neighbour
nsenter -t $neighbour -n sh -c 'ip addr add 203.0.113.3/24 dev there; ip link set there up'
ip addr add 203.0.113.2/24 dev eth0
ip link set eth0 up
sysctl -qw net.ipv4.conf.all.rp_filter=1
iptables-restore <"$1/rules.v4"
echo "== iptables"; "$2" "$1/probe.mjs"
iptables -F
sh "$1/out/load.sh" load >/dev/null
config=$(bpftool -j map lookup pinned /sys/fs/bpf/ipt2ebpf/maps/config key 0 0 0 0 |
  "$2" -e 'const v = JSON.parse(require("fs").readFileSync(0)).value; v[0] = "0x01"; console.log(v.map(Number).join(" "))')
bpftool map update pinned /sys/fs/bpf/ipt2ebpf/maps/config key 0 0 0 0 value $config
echo "== programs"; "$2" "$1/probe.mjs"
sh "$1/out/load.sh" unload >/dev/null
echo "== neither"; "$2" "$1/probe.mjs"
`;

/** One line for each address and port: what became of a connection, or of a datagram. */
const PROBE = `import net from 'node:net';
import dgram from 'node:dgram';
const tcp = (port, host) => new Promise((done) => {
  const socket = net.connect({ port, host, timeout: 1500 });
  socket.on('connect', () => done('connected'));
  socket.on('timeout', () => { socket.destroy(); done('silence'); });
  socket.on('error', ({ code }) => done(code));
});
const udp = (port, host) => new Promise((done) => {
  const socket = dgram.createSocket('udp4');
  const end = (what) => { clearTimeout(timer); try { socket.close(); } catch {} done(what); };
  const timer = setTimeout(() => end('silence'), 1500);
  socket.on('error', ({ code }) => end(code));
  socket.connect(port, host, () => socket.send('x', (error) => error && end(error.code)));
});
for (const host of ['203.0.113.3', '127.0.0.1', '203.0.113.2'])
  for (const [port, ask] of [[81, tcp], [82, udp], [83, tcp], [84, udp], [85, tcp], [86, tcp]])
    console.log(host, port, await ask(port, host));
`;

describeOn('kernel', 'REJECT of what the host sends itself', () => {
  let folder = '';
  let output = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-rejects-'));
    writeFileSync(join(folder, 'rules.v4'), RULES);
    writeFileSync(join(folder, 'probe.mjs'), PROBE);
    const interfaces = [{ name: 'eth0', addresses: ['203.0.113.2/24'] }];
    writeFileSync(join(folder, 'host.json'), JSON.stringify({ interfaces, hz: kernelHz() }));
    const input = await loadInput([folder]);
    const { files, report } = await migrate(input, [], '0.1.0');
    expect(report.ok).toBe(true);
    await writeFolder(join(folder, 'out'), files);
    const run = spawnSync('unshare', ['-n', '-m', 'sh', '-c', STORY, 'story', folder, process.execPath], {
      encoding: 'utf8',
      timeout: 100_000,
    });
    output = `${run.stdout}${run.stderr}`;
    expect(run.status, output).toBe(0);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const part = (name: string): string[] =>
    output.split(`== ${name}\n`)[1]!.split('== ')[0]!.trim().split('\n');

  it('is answered in the same manner, to the neighbour, to itself and to its own address', () => {
    const iptables = part('iptables');
    expect(iptables).toHaveLength(18);
    expect(iptables).toContain('203.0.113.3 81 ECONNREFUSED');
    expect(iptables).toContain('203.0.113.3 85 EHOSTUNREACH');
    expect(iptables).toContain('127.0.0.1 86 silence');
    expect(part('programs')).toEqual(iptables.map((line) => line.replace('82 EPERM', '82 ECONNREFUSED')));
  });

  it('is not what the namespace does without rules', () => {
    expect(part('neither')).toContain('127.0.0.1 86 ECONNREFUSED');
    expect(part('neither')).toContain('127.0.0.1 85 ECONNREFUSED');
  });
});
