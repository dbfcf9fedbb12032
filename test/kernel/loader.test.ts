// SPDX-License-Identifier: Apache-2.0
// load.sh of a migration, in a network namespace with the host's interfaces and a mount namespace with a BPF
// file system of its own: it loads, says what it sees, drops nothing, and leaves nothing behind.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadInput } from '../../src/input/load.js';
import { migrate } from '../../src/migrate/migrate.js';
import { writeFolder } from '../../src/migrate/output-folder.js';
import { describeOn } from './needs.js';

/** Everything is dropped by the rules, so that a packet that arrives shows that the program only observes. */
const RULES = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -j DROP
COMMIT
`;

const STORY = `set -e
mount -t tmpfs none /run
mount -t sysfs none /sys
mount -t bpf none /sys/fs/bpf
ip link set lo up
ip link add eth0 type veth peer name eth1
ip link set eth0 up
ip link set eth1 up
ip addr add 203.0.113.2/24 dev eth0
cd /
echo "== load"; sh "$1" load
echo "== again"; sh "$1" load
echo "== connect"; "$2" -e "$3"
echo "== filters"; for i in lo eth0 eth1; do
  tc filter show dev $i ingress | grep -c 'ipt2ebpf_in' || true
  tc filter show dev $i egress | grep -c 'ipt2ebpf_out' || true
done
echo "== status"; sh "$1" status
echo "== unload"; sh "$1" unload
echo "== left"; ls -A /sys/fs/bpf /run | grep ipt2ebpf || true; tc qdisc show | grep clsact || true
echo "== second unload"; sh "$1" unload
echo "== end"
`;

/** A connection over the loopback, to which the program is attached as well. */
const CONNECT = `const net = require('node:net');
net.createServer((socket) => socket.end()).listen(9, '127.0.0.1', () => {
  const client = net.connect(9, '127.0.0.1', () => { console.log('connected'); process.exit(); });
  client.setTimeout(2000, () => { console.log('no answer'); process.exit(); });
});`;

describeOn('kernel', 'load.sh', () => {
  let folder = '';
  let output = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-loader-'));
    writeFileSync(join(folder, 'rules.v4'), RULES);
    const hz = /^CONFIG_HZ=(\d+)$/m.exec(kernelConfiguration())?.[1];
    const host = { interfaces: [{ name: 'eth0', addresses: ['203.0.113.2/24'] }, { name: 'eth1' }] };
    writeFileSync(join(folder, 'host.json'), JSON.stringify({ ...host, ...(hz && { hz: Number(hz) }) }));
    const input = await loadInput([folder]);
    const { files, report } = await migrate(input, [], '0.1.0');
    expect(report.ok).toBe(true);
    await writeFolder(join(folder, 'out'), files);
    const run = spawnSync(
      'unshare',
      ['-n', '-m', 'sh', '-c', STORY, 'story', join(folder, 'out', 'load.sh'), process.execPath, CONNECT],
      { encoding: 'utf8', timeout: 60_000 },
    );
    output = `${run.stdout}${run.stderr}`;
    expect(run.status, output).toBe(0);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const part = (name: string): string => output.split(`== ${name}\n`)[1]!.split('== ')[0]!;

  it('attaches to every interface of the host, and again without a second filter', () => {
    for (const name of ['load', 'again']) {
      expect(part(name)).toContain('lo: observing');
      expect(part(name)).toContain('eth0: observing');
      expect(part(name)).toContain('eth1: observing');
    }
    expect(part('filters').trim().split('\n')).toEqual(['1', '1', '1', '1', '1', '1']);
  });

  it('drops nothing of what the rules drop', () => {
    expect(part('connect').trim()).toBe('connected');
  });

  it('tells what is attached, and leaves nothing when unloaded, also the second time', () => {
    expect(part('status')).toContain('eth0: observing');
    expect(part('unload')).toContain('unloaded');
    expect(part('left')).toBe('');
    expect(part('second unload')).toContain('unloaded');
    expect(readdirSync('/sys/fs/bpf')).not.toContain('ipt2ebpf');
  });
});

/** Empty where the kernel's configuration is not installed; load.sh does not check then either. */
function kernelConfiguration(): string {
  const release = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  try {
    return readFileSync(`/boot/config-${release}`, 'utf8');
  } catch {
    return '';
  }
}
