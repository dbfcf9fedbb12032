// SPDX-License-Identifier: Apache-2.0
/**
 * The interface of `-i`/`-o`: exact, or a prefix where the text ends in `+` (a lone `+` is any).
 * iptables(8) `-i`; net/ipv4/netfilter/ip_tables.c compares under a byte mask (`ifname_compare_aligned`).
 */
export interface InterfacePattern {
  readonly name: string;
  /** True for `eth+`: `name` is then the part before `+`. */
  readonly wildcard: boolean;
}

export function matchesInterface(name: string, pattern: InterfacePattern): boolean {
  return pattern.wildcard ? name.startsWith(pattern.name) : name === pattern.name;
}
