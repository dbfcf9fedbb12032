// SPDX-License-Identifier: Apache-2.0
// Three namespaces, `client -- host -- server`, where a host is moved from iptables to programs under real
// traffic. The host has a mount namespace of its own with a BPF file system and /run, so that nothing of this
// machine is touched; all of it ends with close(), and with this process.
import { spawn, spawnSync, type ChildProcess, type SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { repositoryRoot } from '../../cli/run-cli.js';

export const CLIENT = { ipv4: '192.0.2.10', ipv6: '2001:db8:1::10' } as const;
/** The host's address on the client's side. */
export const HOST = { ipv4: '192.0.2.1', ipv6: '2001:db8:1::1' } as const;
export const SERVER = { ipv4: '198.51.100.10', ipv6: '2001:db8:2::10' } as const;

export type Node = 'client' | 'host' | 'server';

const SET_UP = `set -e
mount --make-rprivate /
mount -t tmpfs none /run
mount -t sysfs none /sys
mount -t bpf none /sys/fs/bpf
mkdir -p /run/netns
ip netns add client
ip netns add server
ip link set lo up
ip link add eth0 type veth peer name eth0 netns client
ip link add eth1 type veth peer name eth0 netns server
ip addr add ${HOST.ipv4}/24 dev eth0
ip addr add 198.51.100.1/24 dev eth1
ip -6 addr add ${HOST.ipv6}/64 dev eth0 nodad
ip -6 addr add 2001:db8:2::1/64 dev eth1 nodad
ip link set eth0 up
ip link set eth1 up
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 net.ipv4.conf.all.rp_filter=1
for each in "client ${CLIENT.ipv4} ${CLIENT.ipv6} ${HOST.ipv4} ${HOST.ipv6}" \\
    "server ${SERVER.ipv4} ${SERVER.ipv6} 198.51.100.1 2001:db8:2::1"; do
  set -- $each
  ip -n $1 link set lo up
  ip -n $1 addr add $2/24 dev eth0
  ip -n $1 -6 addr add $3/64 dev eth0 nodad
  ip -n $1 link set eth0 up
  ip -n $1 route add default via $4
  ip -n $1 -6 route add default via $5
done
`;
/**
 * clsact qdiscs of somebody else. The kernel stops a device for a millisecond or so when one is made or taken
 * away (net/sched/sch_api.c qdisc_graft), and drops what is sent meanwhile; with these a switch loses nothing.
 */
const CLSACT = `for each in lo eth0 eth1; do tc qdisc add dev $each clsact; done
`;
const READY = `echo ready
exec cat
`;

export class Lab {
  private readonly children: ChildProcess[] = [];

  private constructor(
    private readonly holder: ChildProcess,
    /** Files of the story; gone with the lab. */
    readonly folder: string,
  ) {}

  static async start(options: { readonly clsact?: boolean } = {}): Promise<Lab> {
    const script = SET_UP + (options.clsact === true ? CLSACT : '') + READY;
    const holder = spawn('unshare', ['--net', '--mount', 'bash', '-c', script], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let said = '';
    holder.stderr!.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const lines = createInterface({ input: holder.stdout! });
    const [first] = (await Promise.race([
      once(lines, 'line'),
      once(holder, 'exit').then(() => []),
    ])) as string[];
    if (first !== 'ready') throw new Error(`the lab cannot be built: ${said}`);
    return new Lab(holder, mkdtempSync(join(tmpdir(), 'ipt2ebpf-lab-')));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  /** The command line that runs something on a node. */
  argv(node: Node, ...command: string[]): [string, string[]] {
    const host = ['-t', String(this.holder.pid), '-m', '-n'];
    return node === 'host'
      ? ['nsenter', [...host, ...command]]
      : ['nsenter', [...host, 'ip', 'netns', 'exec', node, ...command]];
  }

  run(node: Node, command: readonly string[], input = ''): SpawnSyncReturns<string> {
    const [program, args] = this.argv(node, ...command);
    return spawnSync(program, args, { encoding: 'latin1', input, timeout: 120_000, cwd: repositoryRoot });
  }

  /** Standard output; throws with what was said when it fails. */
  must(node: Node, command: readonly string[], input = ''): string {
    const { status, stdout, stderr } = this.run(node, command, input);
    if (status !== 0) throw new Error(`${command.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  }

  /** Our own command, built, on the host. */
  cli(...args: string[]): SpawnSyncReturns<string> {
    return this.run('host', this.cliCommand(...args));
  }

  cliCommand(...args: string[]): string[] {
    return [process.execPath, join(repositoryRoot, 'bin/run.js'), ...args];
  }

  start(node: Node, command: readonly string[]): ChildProcess {
    const [program, args] = this.argv(node, ...command);
    const child = spawn(program, args, { cwd: repositoryRoot, stdio: ['pipe', 'pipe', 'inherit'] });
    this.children.push(child);
    return child;
  }

  /** `iptables-save` of both families without counters and comments. */
  rules(): string {
    return ['iptables-legacy-save', 'ip6tables-legacy-save']
      .map((tool) => this.must('host', [tool]))
      .join('')
      .replace(/^#.*\n/gm, '')
      .replace(/ \[\d+:\d+\]/g, '');
  }

  /** What a load makes: pins, state, qdiscs, filters, processes. Without a load: nothing, but others' qdiscs. */
  remains(): string[] {
    const script = `ls -d /sys/fs/bpf/ipt2ebpf* /run/ipt2ebpf 2>/dev/null; tc qdisc show | grep clsact; nft list tables | grep ipt2ebpf; ip link show | grep xdp;
      for i in lo eth0 eth1; do tc filter show dev $i ingress; tc filter show dev $i egress; done 2>/dev/null; true`;
    const left = this.must('host', ['sh', '-c', script]).split('\n').filter(Boolean);
    return [...left, ...this.processes().map(({ line }) => line)];
  }

  /** Interfaces of the host with an XDP program: `eth0 xdp`, `eth0 xdpgeneric`. */
  xdp(): string[] {
    const lines = this.must('host', ['ip', '-oneline', 'link', 'show']).matchAll(/^\d+: (\w+).* (xdp\w*) /gm);
    return [...lines].map(([, name, mode]) => `${name!} ${mode!}`).sort();
  }

  /** Processes that a load starts, by a word of their command line. */
  processes(word = '/src/live/'): { readonly pid: number; readonly line: string }[] {
    const text = this.must('host', ['ps', '-eo', 'pid=,args=', '-ww']);
    const namespace = mountNamespace(this.holder.pid!);
    return text
      .split('\n')
      .map((line) => /^ *(\d+) (.*)$/.exec(line))
      .filter((match) => match !== null)
      .map(([, pid, line]) => ({ pid: Number(pid), line: line! }))
      .filter(({ pid, line }) => line.includes(word) && mountNamespace(pid) === namespace);
  }

  close(): void {
    for (const child of this.children) child.kill('SIGKILL');
    const namespace = mountNamespace(this.holder.pid!);
    for (const name of readdirSync('/proc')) {
      const pid = Number(name);
      if (Number.isInteger(pid) && pid !== this.holder.pid && namespace !== undefined)
        if (mountNamespace(pid) === namespace) process.kill(pid, 'SIGKILL');
    }
    this.holder.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function mountNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${String(pid)}/ns/mnt`);
  } catch {
    return undefined;
  }
}
