// SPDX-License-Identifier: Apache-2.0
// Sysctls that decide packets, with the kernel's or our documented defaults. Names in host.json are either
// full (`net.ipv4.conf.eth0.rp_filter`) or, for the ones below, short (`rp_filter`).
import type { Host } from './host.js';

const DEFAULTS = {
  ip_forward: { full: 'net.ipv4.ip_forward', value: 1 },
  ipv6_forwarding: { full: 'net.ipv6.conf.all.forwarding', value: 1 },
  bc_forwarding: { full: 'net.ipv4.conf.all.bc_forwarding', value: 0 },
  ip_default_ttl: { full: 'net.ipv4.ip_default_ttl', value: 64 },
  ipv6_hop_limit: { full: 'net.ipv6.conf.all.hop_limit', value: 64 },
  fwmark_reflect: { full: 'net.ipv4.fwmark_reflect', value: 0 },
  nf_conntrack_checksum: { full: 'net.netfilter.nf_conntrack_checksum', value: 1 },
  nf_conntrack_max: { full: 'net.netfilter.nf_conntrack_max', value: 262_144 },
  nf_conntrack_tcp_loose: { full: 'net.netfilter.nf_conntrack_tcp_loose', value: 1 },
  nf_conntrack_tcp_be_liberal: { full: 'net.netfilter.nf_conntrack_tcp_be_liberal', value: 0 },
  nf_conntrack_tcp_max_retrans: { full: 'net.netfilter.nf_conntrack_tcp_max_retrans', value: 3 },
  ipfrag_time: { full: 'net.ipv4.ipfrag_time', value: 30 },
  nf_conntrack_frag6_timeout: { full: 'net.netfilter.nf_conntrack_frag6_timeout', value: 60 },
} as const;

export type SysctlName = keyof typeof DEFAULTS;

/** The full name of each short one. */
export const SYSCTL_FULL_NAMES = Object.fromEntries(
  Object.entries(DEFAULTS).map(([name, { full }]) => [name, full]),
) as Readonly<Record<SysctlName, string>>;

/** The value as a number; the documented default where host.json is silent. */
export function sysctl(host: Host, name: SysctlName): number {
  const { full, value } = DEFAULTS[name];
  return numeric(host.sysctls[full]) ?? numeric(host.sysctls[name]) ?? value;
}

/** A conntrack timeout in seconds, e.g. `nf_conntrack_udp_timeout`; `fallback` is the kernel's default. */
export function conntrackTimeout(host: Host, name: string, fallback: number): number {
  return numeric(host.sysctls[`net.netfilter.${name}`]) ?? numeric(host.sysctls[name]) ?? fallback;
}

/**
 * An `ipv4.conf` switch for one interface: the larger of `all` and the interface's own, which is how the
 * kernel combines rp_filter, route_localnet and send_redirects (include/linux/inetdevice.h). `accept_local`
 * combines the same way. 0 where host.json is silent.
 */
export function interfaceSysctl(
  host: Host,
  interfaceName: string,
  name: 'rp_filter' | 'route_localnet' | 'accept_local' | 'send_redirects',
): number {
  const all = numeric(host.sysctls[`net.ipv4.conf.all.${name}`]) ?? numeric(host.sysctls[name]);
  const own =
    numeric(host.sysctls[`net.ipv4.conf.${interfaceName}.${name}`]) ??
    numeric(host.sysctls[`net.ipv4.conf.default.${name}`]);
  return Math.max(all ?? 0, own ?? 0);
}

function numeric(value: number | string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = typeof value === 'number' ? value : Number(value.trim());
  return Number.isFinite(number) ? number : undefined;
}
