// SPDX-License-Identifier: Apache-2.0
// The script beside an object: loads it once with pinned maps, attaches it in observe mode, takes it away
// again. It needs bpftool and tc alone, and may be run as often as one likes.
import type { Host } from '../host/host.js';
import { withLoopback } from '../host/routing.js';
import { sysctl } from '../host/sysctls.js';
import type { Model } from '../model/model.js';
import { encodeStruct } from '../program/layout-codec.js';
import { CHECKSUM, CONFIG, MODE } from '../program/layout.js';

export interface LoaderInput {
  readonly model: Model;
  readonly host: Host;
  /** SHA-256 of the object. */
  readonly digest: string;
}

/** Interfaces whose packets iptables judges: not bridge ports, whose bridge is judged instead. */
export function attachInterfaces(host: Host): string[] {
  const types = new Map(host.interfaces.map(({ name, type }) => [name, type]));
  return withLoopback(host)
    .filter(({ master }) => master === undefined || types.get(master) === 'vrf')
    .map(({ name }) => name);
}

/** What a program is told of its host before it is attached: the element of map `config`, in observe mode. */
export function observingConfig(model: Model, host: Host): Uint8Array {
  return encodeStruct(CONFIG, {
    mode: MODE.values.OBSERVE,
    hz: model.hz,
    loopback: 1,
    checksum: sysctl(host, 'nf_conntrack_checksum') === 0 ? CHECKSUM.values.TRUST : CHECKSUM.values.LIVE,
    tcp_loose: sysctl(host, 'nf_conntrack_tcp_loose'),
    forward4: sysctl(host, 'ip_forward'),
    forward6: sysctl(host, 'ipv6_forwarding'),
  });
}

export function loaderScript({ model, host, digest }: LoaderInput): string {
  const bytes = [...observingConfig(model, host)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const numbers = Object.entries(model.interfaces).filter(([name]) => isPlain(name));
  const attached = attachInterfaces(host).filter(isPlain);
  return `#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Loads program.o once, pins its programs and maps under $PIN, and attaches it at TC in observe mode:
# every packet passes, verdicts are only counted. Written by \`ipt2ebpf migrate\`.
#   load.sh load     load and attach; again: attach what is missing
#   load.sh unload   detach, and forget programs, maps and connections
#   load.sh status   what is attached, and counters by rule id
set -eu

HERE=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
PIN=/sys/fs/bpf/ipt2ebpf
STATE=/run/ipt2ebpf
DIGEST=${digest}
HZ=${model.hz}
# TC filters of this program: preference and handle.
PREF=49152
INTERFACES="${attached.join(' ')}"

fail() {
	echo "load.sh: $*" >&2
	exit 1
}

need() {
	command -v "$1" >/dev/null || fail "$1 is not installed"
}

prepare() {
	[ "$(id -u)" = 0 ] || fail "must be run as root"
	need bpftool
	need tc
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
	[ ! -e "$STATE/state.json" ] || fail "loaded by ipt2ebpf load: see ipt2ebpf status; to take it away: ipt2ebpf unload"
	mkdir -p "$STATE"
}

check_hz() {
	file=/boot/config-$(uname -r)
	[ -r "$file" ] || return 0
	running=$(sed -n 's/^CONFIG_HZ=//p' "$file")
	[ -z "$running" ] || [ "$running" = "$HZ" ] ||
		fail "this kernel counts $running jiffies a second, the program $HZ: migrate with \\"hz\\": $running in host.json"
}

# number_of NAME ID: tells the program which interface has which number.
number() {
	[ -r "/sys/class/net/$1/ifindex" ] || return 0
	index=$(cat "/sys/class/net/$1/ifindex")
	[ "$index" -lt 65536 ] || fail "interface $1 has number $index, the program knows those below 65536"
	bpftool map update pinned "$PIN/maps/interfaces" \\
		key $((index & 255)) $((index >> 8 & 255)) 0 0 value $(($2 & 255)) $(($2 >> 8 & 255)) 0 0
}

load() {
	prepare
	if [ -d "$PIN" ] && [ "$(cat "$STATE/digest" 2>/dev/null)" != "$DIGEST" ]; then
		fail "another program is loaded: run its load.sh unload first"
	fi
	if [ ! -d "$PIN" ]; then
		check_hz
		mkdir -p "$PIN/programs" "$PIN/maps"
		if ! bpftool prog loadall "$HERE/program.o" "$PIN/programs" type classifier pinmaps "$PIN/maps"; then
			rm -rf "$PIN"
			fail "the kernel did not take the program"
		fi
		bpftool map update pinned "$PIN/maps/config" key 0 0 0 0 value hex ${bytes}
		echo "$DIGEST" >"$STATE/digest"
	fi
${numbers.map(([name, id]) => `\tnumber ${name} ${id}`).join('\n')}
	for interface in $INTERFACES; do
		[ -d "/sys/class/net/$interface" ] || {
			echo "load.sh: no interface $interface here" >&2
			continue
		}
		if tc qdisc add dev "$interface" clsact 2>/dev/null; then
			echo "$interface" >>"$STATE/clsact"
		fi
		tc filter replace dev "$interface" ingress pref $PREF handle 1 bpf da pinned "$PIN/programs/ipt2ebpf_in"
		tc filter replace dev "$interface" egress pref $PREF handle 1 bpf da pinned "$PIN/programs/ipt2ebpf_out"
		echo "$interface: observing"
	done
}

unload() {
	prepare
	for interface in $INTERFACES; do
		[ -d "/sys/class/net/$interface" ] || continue
		tc filter del dev "$interface" ingress pref $PREF 2>/dev/null || true
		tc filter del dev "$interface" egress pref $PREF 2>/dev/null || true
		if grep -qx "$interface" "$STATE/clsact" 2>/dev/null; then
			tc qdisc del dev "$interface" clsact 2>/dev/null || true
		fi
	done
	rm -rf "$PIN" "$STATE"
	echo "unloaded"
}

status() {
	prepare
	[ -d "$PIN" ] || fail "not loaded"
	for interface in $INTERFACES; do
		[ -d "/sys/class/net/$interface" ] || continue
		if tc filter show dev "$interface" ingress pref $PREF | grep -q ipt2ebpf; then
			echo "$interface: observing"
		else
			echo "$interface: not attached"
		fi
	done
	bpftool map dump pinned "$PIN/maps/counters"
}

case "\${1:-}" in
load) load ;;
unload) unload ;;
status) status ;;
*)
	echo "usage: load.sh load|unload|status" >&2
	exit 2
	;;
esac
`;
}

/** What a device can be called that a shell takes as it is; a dump may name anything, but no such device exists. */
function isPlain(name: string): boolean {
  return /^[\w.:@-]{1,15}$/.test(name);
}
