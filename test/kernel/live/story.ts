// SPDX-License-Identifier: Apache-2.0
// The host of the lab: its rules, who listens where, and the probes that tell how each thing is blocked.
import { expect } from 'vitest';
import { CLIENT, HOST, SERVER, type Lab } from './lab.js';
import { Traffic, type Manner, type Probe } from './traffic.js';

/** What the tests of the lab run beside what a runner needs. */
export const TOOLS = ['tc', 'bpftool', 'conntrack', 'ping', 'ps', 'iperf3'] as const;

/** Kinds that `load` attaches. */
export type Attach = 'tc' | 'tc,xdp' | 'netfilter';

/** For XDP: silence that is there without them, so that all is blocked as before. */
const RAW = `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p udp -m udp --dport 9999 -j DROP
-A PREROUTING -p tcp -m tcp --dport 24 -j DROP
-A PREROUTING -p udp -m udp --dport 162 -j DROP
COMMIT
`;

const families = ['ipv4', 'ipv6'] as const;
type Family = (typeof families)[number];

/** Every manner of blocking, on every path; what is allowed beside it. Netfilter programs can only be silent. */
export function rules(family: Family, attach: Attach = 'tc'): string {
  const icmp = family === 'ipv4' ? 'icmp' : 'ipv6-icmp';
  const unreachable = family === 'ipv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable';
  const prohibited = family === 'ipv4' ? 'icmp-admin-prohibited' : 'icmp6-adm-prohibited';
  const text = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -p tcp -m tcp --dport 7001 -j REJECT --reject-with tcp-reset
-A INPUT -i lo -p udp -m udp --dport 7002 -j REJECT --reject-with ${unreachable}
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p ${icmp} -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT
-A INPUT -p tcp -m tcp --dport 23 -j REJECT --reject-with tcp-reset
-A INPUT -p tcp -m tcp --dport 25 -j REJECT --reject-with ${unreachable}
-A INPUT -p udp -m udp --dport 53 -j ACCEPT
-A INPUT -p udp -m udp --dport 161 -j REJECT --reject-with ${unreachable}
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -p tcp -m tcp --dport 80 --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT
-A FORWARD -p tcp -m tcp --dport 5201 --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT
-A FORWARD -p tcp -m tcp --dport 81 -j REJECT --reject-with ${prohibited}
-A FORWARD -p tcp -m tcp --dport 82 -j REJECT --reject-with tcp-reset
-A FORWARD -p udp -m udp --dport 53 -j ACCEPT
-A FORWARD -p udp -m udp --dport 123 -j REJECT --reject-with ${unreachable}
-A FORWARD -p udp -m udp --dport 9999 -j DROP
-A FORWARD -p ${icmp} -j ACCEPT
-A OUTPUT -p tcp -m tcp --dport 7003 -j REJECT --reject-with tcp-reset
-A OUTPUT -p udp -m udp --dport 7004 -j REJECT --reject-with ${unreachable}
-A OUTPUT -p tcp -m tcp --dport 7005 -j REJECT --reject-with ${unreachable}
-A OUTPUT -p tcp -m tcp --dport 7006 -j DROP
COMMIT
`;
  if (attach === 'tc,xdp') return RAW + text;
  return attach === 'tc' ? text : text.replace(/REJECT --reject-with \S+/g, 'DROP');
}

const TO_HOST = { tcp: [22, 23, 24, 25], udp: [53, 161, 162] };
const TO_SERVER = { tcp: [80, 81, 82, 83], udp: [53, 123, 9999] };
const FROM_HOST = { tcp: [7001, 7003, 7005, 7006, 7007], udp: [7002, 7004, 7007] };
const LISTENING = { tcp: [22, 23, 24, 25, 80, 81, 82, 83], udp: [53, 123, 161, 162, 9999] };

function to(
  address: string,
  ports: { readonly tcp: readonly number[]; readonly udp: readonly number[] },
): Probe[] {
  return (['tcp', 'udp'] as const).flatMap((protocol) =>
    ports[protocol].map((port) => ({ protocol, address, port })),
  );
}

export const CLIENT_PROBES = families.flatMap((family) => [
  ...to(HOST[family], TO_HOST),
  ...to(SERVER[family], TO_SERVER),
]);
/** To itself by both kinds of own address, and to others. */
export const HOST_PROBES = families.flatMap((family) => [
  ...to(family === 'ipv4' ? '127.0.0.1' : '::1', FROM_HOST),
  ...to(HOST[family], FROM_HOST),
  ...to(CLIENT[family], { tcp: [7003, 7005, 7006], udp: [7004] }),
]);

export function setRules(lab: Lab, attach: Attach = 'tc'): void {
  for (const [family, tool] of [
    ['ipv4', 'iptables-legacy-restore'],
    ['ipv6', 'ip6tables-legacy-restore'],
  ] as const)
    lab.must('host', [tool], rules(family, attach));
}

export interface Servers {
  readonly onServer: Traffic<Readonly<Record<string, number>>>;
}

export async function startServers(lab: Lab): Promise<Servers> {
  await Traffic.start(lab, 'host', 'server', {
    tcp: [...LISTENING.tcp, 7001, 7007],
    udp: [...LISTENING.udp, 7007],
  });
  await Traffic.start(lab, 'client', 'server', { tcp: [7003, 7005, 7006], udp: [7004] });
  return { onServer: await Traffic.start(lab, 'server', 'server', LISTENING) };
}

/** `snapshot` and `migrate` of the lab's host; returns the migration folder. */
export function migrateHost(lab: Lab, name = 'out', attach: Attach = 'tc'): string {
  const folder = lab.path(name);
  for (const args of [
    ['snapshot', '-o', lab.path(`${name}-snapshot`)],
    ['migrate', lab.path(`${name}-snapshot`), '-o', folder, '--attach', attach],
  ]) {
    const { status, stdout, stderr } = lab.cli(...args);
    expect(status, stdout + stderr).toBe(0);
  }
  return folder;
}

/** Echo replies out of three to each address, asked from the client. */
export function pings(lab: Lab): number[] {
  return [HOST.ipv4, HOST.ipv6, SERVER.ipv4, SERVER.ipv6].map((address) => {
    const { stdout } = lab.run('client', ['ping', '-c', '3', '-i', '0.1', '-W', '1', address]);
    return Number(/(\d+) received/.exec(stdout)?.[1] ?? -1);
  });
}

/** `tcp 192.0.2.1:23 ECONNREFUSED by ICMP`: what to compare, and to read when it differs. */
export function told(manners: readonly Manner[]): string[] {
  return manners.map(
    ({ protocol, address, port, outcome, unreachables }) =>
      `${protocol} ${address} ${String(port)} ${outcome}${unreachables > 0 ? ` (${String(unreachables)} ICMP)` : ''}`,
  );
}

interface Dumped {
  readonly formatted: {
    readonly key: number;
    readonly values: readonly { readonly value: { readonly packets: number; readonly bytes: number } }[];
  };
}

/** Packets and bytes by rule id, from the pinned map, all CPUs together. */
export function programCounters(lab: Lab): { packets: number; bytes: number }[] {
  const text = lab.must('host', [
    'bpftool',
    '-j',
    'map',
    'dump',
    'pinned',
    '/sys/fs/bpf/ipt2ebpf/maps/counters',
  ]);
  return (JSON.parse(text) as Dumped[]).map(({ formatted }) => ({
    packets: formatted.values.reduce((sum, { value }) => sum + value.packets, 0),
    bytes: formatted.values.reduce((sum, { value }) => sum + value.bytes, 0),
  }));
}

/** Packets and bytes by rule, in the order of the dump, IPv4 first: that of rule ids. */
export function iptablesCounters(lab: Lab): { rule: string; packets: number; bytes: number }[] {
  return ['iptables-legacy-save', 'ip6tables-legacy-save'].flatMap((tool) =>
    [...lab.must('host', [tool, '-c']).matchAll(/^\[(\d+):(\d+)\] (-A .*)$/gm)].map(
      ([, packets, bytes, rule]) => ({ rule: rule!, packets: Number(packets), bytes: Number(bytes) }),
    ),
  );
}
