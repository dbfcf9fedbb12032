// SPDX-License-Identifier: Apache-2.0
// Where commands that act on the running host are tried: a network and mount namespace of their own, with a BPF
// file system and /run of its own, one interface, a few rules, and their migration in `out/`.
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';

const SET_UP = `set -e
mount --make-rprivate /
mount -t tmpfs none /run
mount -t sysfs none /sys
mount -t bpf none /sys/fs/bpf
ip link set lo up
ip link add eth0 type veth peer name eth1
ip addr add 203.0.113.2/24 dev eth0
ip link set eth0 up
ip link set eth1 up
iptables-legacy -A INPUT -i lo -j ACCEPT
iptables-legacy -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables-legacy -A INPUT -p tcp --dport 23 -j DROP
cd "$(mktemp -d)"
trap 'cd /; ipt2ebpf unload >/dev/null 2>&1 || true; rm -rf "$OLDPWD"' EXIT
(sleep 0.5; ipt2ebpf snapshot -o snapshot && ipt2ebpf migrate snapshot -o out) >&2
`;

/** How far it goes before the line: what is loaded then. */
export type LiveStage = 'none' | 'observing' | 'enforcing';

const STAGES: Readonly<Record<LiveStage, string>> = {
  none: '',
  observing: 'ipt2ebpf load out >&2\n',
  enforcing: 'ipt2ebpf load out --enforce --rollback-after 60 --flush-iptables >&2\n',
};

/** What a line that acts on the running host starts from; undefined for other lines. */
export function liveStage(line: string): LiveStage | undefined {
  const command = /^ipt2ebpf (load|confirm|unload|status|observe)\b/.exec(line)?.[1];
  if (command === undefined) return undefined;
  if (command === 'load') return 'none';
  return command === 'confirm' || command === 'unload' ? 'enforcing' : 'observing';
}

/** Runs one line of shell there; `path` finds ipt2ebpf. Needs root and what `kernel` needs. */
export function runLive(line: string, stage: LiveStage, path: string): SpawnSyncReturns<string> {
  return spawnSync(
    'unshare',
    ['--net', '--mount', 'bash', '-c', `${SET_UP}${STAGES[stage]}set +e\n${line}`],
    {
      encoding: 'utf8',
      timeout: 120_000,
      env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: undefined, PATH: path },
    },
  );
}
