// SPDX-License-Identifier: Apache-2.0
// Sysctls that decide packets (src/host/sysctls.ts), under their full names. Conntrack's are there only where
// the kernel has loaded it.
import type { Place } from './place.js';

const GLOBAL = [
  'net/ipv4/ip_forward',
  'net/ipv6/conf/all/forwarding',
  'net/ipv4/conf/all/bc_forwarding',
  'net/ipv4/ip_default_ttl',
  'net/ipv6/conf/all/hop_limit',
  'net/ipv4/fwmark_reflect',
  'net/ipv4/ipfrag_time',
];
const OF_INTERFACE = ['rp_filter', 'route_localnet', 'accept_local', 'send_redirects'];
/** Settings of conntrack that change what it says of a packet. */
const CONNTRACK =
  /^nf_conntrack_(?:checksum|max|tcp_loose|tcp_be_liberal|tcp_max_retrans|tcp_ignore_invalid_rst|.*timeout.*)$/;

/** `interfaces`: names. Dots of an interface's name stay dots. */
export function readSysctls(place: Place, interfaces: readonly string[]): Record<string, number> {
  const paths = [
    ...GLOBAL,
    ...['all', 'default', ...interfaces].flatMap((name) =>
      OF_INTERFACE.map((setting) => `net/ipv4/conf/${name}/${setting}`),
    ),
    ...place
      .list('/proc/sys/net/netfilter')
      .filter((name) => CONNTRACK.test(name))
      .sort()
      .map((name) => `net/netfilter/${name}`),
  ];
  const sysctls: Record<string, number> = {};
  for (const path of paths) {
    const value = place.read(`/proc/sys/${path}`);
    if (value !== undefined && /^-?\d+$/.test(value)) sysctls[path.replaceAll('/', '.')] = Number(value);
  }
  return sysctls;
}
