// SPDX-License-Identifier: Apache-2.0
// The host of a snapshot, rebuilt in a namespace: interfaces (TAP devices, bridges, VLANs), addresses,
// routes, sysctls. Nothing answers ARP or ND: devices are NOARP, so every frame finds its way at once.
import { readFileSync } from 'node:fs';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import type { Host, HostInterface, HostRoute } from '../host/host.js';
import { sysctl } from '../host/sysctls.js';
import { parseAddress } from '../net/address.js';
import { AF_INET6, joinGroup, openSocket, SOCK_DGRAM } from './libc.js';
import type { Namespace } from './namespace.js';
import { Tap } from './tap.js';

/** Before host.json's own: forwarding as documented, and nothing that sends packets by itself or limits answers. */
const BASE_SYSCTLS: readonly (readonly [path: string, value: number])[] = [
  ['net/ipv4/ip_forward', 1],
  ['net/ipv6/conf/all/forwarding', 1],
  ['net/ipv6/conf/default/forwarding', 1],
  ['net/ipv4/conf/all/rp_filter', 0],
  ['net/ipv4/conf/default/rp_filter', 0],
  ['net/ipv6/conf/all/accept_dad', 0],
  ['net/ipv6/conf/default/accept_dad', 0],
  ['net/ipv6/conf/default/dad_transmits', 0],
  ['net/ipv6/conf/default/router_solicitations', 0],
  ['net/ipv6/conf/default/accept_ra', 0],
  // No link-local address but those that the snapshot lists.
  ['net/ipv6/conf/default/addr_gen_mode', 1],
  ['net/ipv4/icmp_ratelimit', 0],
  ['net/ipv4/icmp_msgs_per_sec', 1_000_000_000],
  ['net/ipv4/icmp_msgs_burst', 1_000_000],
  ['net/ipv6/icmp/ratelimit', 0],
  // Redirects are limited by time: with them the answers of two runs would differ.
  ['net/ipv4/conf/all/send_redirects', 0],
  ['net/ipv4/conf/default/send_redirects', 0],
];

/** Short names that host.json may use (ARCHITECTURE.md) and where the kernel keeps them. */
const SHORT_NAMES: Readonly<Record<string, readonly string[]>> = {
  ip_forward: ['net/ipv4/ip_forward'],
  ipv6_forwarding: ['net/ipv6/conf/all/forwarding'],
  rp_filter: ['net/ipv4/conf/all/rp_filter', 'net/ipv4/conf/default/rp_filter'],
  route_localnet: ['net/ipv4/conf/all/route_localnet'],
  accept_local: ['net/ipv4/conf/all/accept_local'],
  send_redirects: ['net/ipv4/conf/all/send_redirects'],
  bc_forwarding: ['net/ipv4/conf/all/bc_forwarding'],
  ip_default_ttl: ['net/ipv4/ip_default_ttl'],
  ipv6_hop_limit: ['net/ipv6/conf/all/hop_limit'],
  fwmark_reflect: ['net/ipv4/fwmark_reflect'],
  ipfrag_time: ['net/ipv4/ipfrag_time'],
};

/** Settings of the whole machine that a namespace must not touch, and cannot. */
const GLOBAL_SYSCTLS = new Set(['net/netfilter/nf_conntrack_max', 'net/netfilter/nf_conntrack_buckets']);

const VIRTUAL_TYPES = new Set(['bridge', 'vlan']);

export interface HostNetwork {
  /** By interface name; interfaces that take frames themselves. */
  readonly taps: ReadonlyMap<string, Tap>;
  /** Interface index by name, `lo` included. */
  readonly indexes: ReadonlyMap<string, number>;
  /** MAC address by interface name. */
  readonly macs: ReadonlyMap<string, Uint8Array>;
}

/** Creates the interfaces, still down. `bringUp` follows when whatever must see their first packet is in place. */
export function createInterfaces(namespace: Namespace, host: Host): Map<string, Tap> {
  for (const [path, value] of BASE_SYSCTLS) namespace.sysctl(path, value);
  const taps = new Map<string, Tap>();
  for (const each of host.interfaces) {
    if (each.name === 'lo' || isVirtual(each)) continue;
    taps.set(each.name, Tap.open(namespace, each.name));
  }
  return taps;
}

/** Addresses, routes and sysctls; every interface goes up. */
export function bringUp(namespace: Namespace, host: Host, taps: ReadonlyMap<string, Tap>): HostNetwork {
  const links = ['link set dev lo up', ...host.interfaces.flatMap(linkCommands)];
  batch(namespace, links);
  applySysctls(namespace, host);
  batch(namespace, [...host.interfaces.flatMap(addressCommands)]);
  for (const family of ['-4', '-6'] as const) {
    const routes = host.routes.filter((route) => familyFlag(route) === family).map(routeCommand);
    batch(namespace, routes, family);
  }
  awaitIpv6(namespace, host);
  const listed = listLinks(namespace);
  joinGroups(namespace, host, listed.indexes);
  return { taps, ...listed };
}

/** All routers, of the interface and of the site: joined by interfaces that see forwarding switched on. */
const ROUTER_GROUPS = ['ff010000000000000000000000000002', 'ff050000000000000000000000000002'] as const;

/**
 * A device without ARP doesn't join the solicited-node groups of its addresses (RFC 4291 2.7.1) by itself; the
 * host's real interfaces do, and neighbour solicitations arrive by them.
 */
function joinGroups(namespace: Namespace, host: Host, indexes: ReadonlyMap<string, number>): void {
  const groups = new Map<string, readonly [group: Uint8Array, index: number]>();
  for (const { name, addresses = [], up } of host.interfaces) {
    const index = indexes.get(name);
    if (name === 'lo' || up === false || index === undefined) continue;
    if (sysctl(host, 'ipv6_forwarding') !== 0) {
      for (const group of ROUTER_GROUPS) groups.set(`${name} ${group}`, [Buffer.from(group, 'hex'), index]);
    }
    for (const text of addresses) {
      const words = parseAddress(text.split('/')[0]!, 'ipv6');
      if (words === undefined) continue;
      const last = words[3]! & 0xffffff;
      const group = Buffer.from('ff0200000000000000000001ff000000', 'hex');
      group.writeUIntBE(last, 13, 3);
      groups.set(`${name} ${String(last)}`, [group, index]);
    }
  }
  if (groups.size === 0) return;
  namespace.inside(() => {
    const fd = namespace.keep(openSocket(AF_INET6, SOCK_DGRAM, 0));
    for (const [group, index] of groups.values()) joinGroup(fd, group, index);
  });
}

const IPV6_WAIT_MS = 5000;
/** Flags column of /proc/net/ipv6_route: the address is the host's own. */
const RTF_LOCAL = 0x80000000;

/** The kernel makes an IPv6 address usable from a work queue: waits until each has its local route. */
function awaitIpv6(namespace: Namespace, host: Host): void {
  const wanted = host.interfaces
    .filter((each) => each.up !== false)
    .flatMap(({ addresses = [] }) => addresses)
    .map((text) => parseAddress(text.split('/')[0]!, 'ipv6'))
    .filter((words) => words !== undefined)
    .map((words) => words.map((word) => word.toString(16).padStart(8, '0')).join(''));
  const deadline = Date.now() + IPV6_WAIT_MS;
  for (;;) {
    const table = namespace.inside(() => readFileSync('/proc/thread-self/net/ipv6_route', 'latin1'));
    const own = new Set(
      table
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter((columns) => (parseInt(columns[8] ?? '0', 16) & RTF_LOCAL) !== 0)
        .map((columns) => columns[0]),
    );
    if (wanted.every((address) => own.has(address))) return;
    if (Date.now() > deadline)
      throw new EnvironmentError('an IPv6 address of the host did not become usable');
  }
}

function listLinks(namespace: Namespace): Pick<HostNetwork, 'indexes' | 'macs'> {
  const listing = JSON.parse(namespace.tool('ip', ['-json', 'link', 'show'])) as {
    readonly ifname: string;
    readonly ifindex: number;
    readonly address?: string;
  }[];
  return {
    indexes: new Map(listing.map(({ ifname, ifindex }) => [ifname, ifindex])),
    macs: new Map(
      listing.map(({ ifname, address = '' }) => [ifname, Buffer.from(address.replaceAll(':', ''), 'hex')]),
    ),
  };
}

function isVirtual(each: HostInterface): boolean {
  return (each.type !== undefined && VIRTUAL_TYPES.has(each.type)) || each.vlan !== undefined;
}

function linkCommands(each: HostInterface): string[] {
  if (each.name === 'lo') return [];
  const { name } = each;
  const commands: string[] = [];
  if (each.vlan !== undefined) {
    if (each.link === undefined) throw new EnvironmentError(`VLAN \`${name}\` names no device below it`);
    commands.push(`link add link ${each.link} name ${name} type vlan id ${String(each.vlan)}`);
  } else if (each.type === 'bridge') {
    commands.push(`link add name ${name} type bridge`);
  }
  if (each.mac !== undefined) commands.push(`link set dev ${name} address ${each.mac}`);
  if (each.mtu !== undefined) commands.push(`link set dev ${name} mtu ${String(each.mtu)}`);
  commands.push(`link set dev ${name} arp off`);
  if (each.master !== undefined) commands.push(`link set dev ${name} master ${each.master}`);
  if (each.up !== false) commands.push(`link set dev ${name} up`);
  return commands;
}

function addressCommands(each: HostInterface): string[] {
  if (each.name === 'lo') return [];
  return (each.addresses ?? []).map((address) =>
    address.includes(':')
      ? `address replace ${address} dev ${each.name} nodad`
      : `address add ${address} dev ${each.name} brd +`,
  );
}

function familyFlag({ destination, via }: HostRoute): '-4' | '-6' {
  return destination.includes(':') || (via ?? '').includes(':') ? '-6' : '-4';
}

function routeCommand(route: HostRoute): string {
  const words = ['route', 'replace'];
  if (route.type !== undefined && route.type !== 'unicast') words.push(route.type);
  words.push(route.destination);
  if (route.via !== undefined) words.push('via', route.via);
  if (route.device !== undefined) words.push('dev', route.device);
  if (route.table !== undefined) words.push('table', route.table);
  return words.join(' ');
}

function batch(namespace: Namespace, commands: readonly string[], ...options: string[]): void {
  if (commands.length === 0) return;
  namespace.tool('ip', [...options, '-batch', '-'], commands.map((line) => `${line}\n`).join(''));
}

function applySysctls(namespace: Namespace, host: Host): void {
  for (const [name, value] of Object.entries(host.sysctls)) {
    const paths = SHORT_NAMES[name] ?? [
      name.startsWith('nf_conntrack') ? `net/netfilter/${name}` : sysctlPath(name, host),
    ];
    for (const path of paths) if (!GLOBAL_SYSCTLS.has(path)) namespace.sysctl(path, value);
  }
}

/** Dots become slashes, except those of an interface's name (`net.ipv4.conf.eth0.100.rp_filter`). */
function sysctlPath(name: string, host: Host): string {
  const dotted = host.interfaces.find((each) => each.name.includes('.') && name.includes(`.${each.name}.`));
  if (dotted === undefined) return name.replaceAll('.', '/');
  const [before = '', after = ''] = name.split(`.${dotted.name}.`);
  return `${before.replaceAll('.', '/')}/${dotted.name}/${after.replaceAll('.', '/')}`;
}
