// SPDX-License-Identifier: Apache-2.0
// Where the netfilter programs of an object attach: which program judges which phase, at which hook and priority.
// A priority is taken by one BPF program alone (net/netfilter/core.c nf_hook_entries_grow), and iptables may still
// have its table there: each program stands just before the table it stands for.
import type { Model, PhaseName } from '../model/model.js';
import type { Family } from '../net/family.js';

/** enum nf_inet_hooks. */
export const NETFILTER_HOOK = {
  PRE_ROUTING: 0,
  LOCAL_IN: 1,
  FORWARD: 2,
  LOCAL_OUT: 3,
  POST_ROUTING: 4,
} as const;

export interface NetfilterAttachPoint {
  /** Name of the program's function. */
  readonly program: string;
  readonly family: Family;
  readonly phase: PhaseName;
  /** enum nf_inet_hooks. */
  readonly hook: number;
  readonly priority: number;
}

/** NFPROTO_*. */
export const PROTOCOL_FAMILIES: Readonly<Record<Family, number>> = { ipv4: 2, ipv6: 10 };

/** Of iptables' tables: enum nf_ip_hook_priorities. */
const RAW = -300;
const MANGLE = -150;
const FILTER = 0;
const BEFORE = -1;

const PLACES: Readonly<Record<PhaseName, Omit<NetfilterAttachPoint, 'family' | 'phase'>>> = {
  preroutingRaw: { program: 'ipt2ebpf_raw', hook: NETFILTER_HOOK.PRE_ROUTING, priority: RAW + BEFORE },
  prerouting: { program: 'ipt2ebpf_mangle', hook: NETFILTER_HOOK.PRE_ROUTING, priority: MANGLE + BEFORE },
  input: { program: 'ipt2ebpf_filter', hook: NETFILTER_HOOK.LOCAL_IN, priority: FILTER + BEFORE },
  forward: { program: 'ipt2ebpf_filter', hook: NETFILTER_HOOK.FORWARD, priority: FILTER + BEFORE },
  outputRaw: { program: 'ipt2ebpf_raw', hook: NETFILTER_HOOK.LOCAL_OUT, priority: RAW + BEFORE },
  output: { program: 'ipt2ebpf_filter', hook: NETFILTER_HOOK.LOCAL_OUT, priority: FILTER + BEFORE },
};

/** One for each phase that has chains. */
export function netfilterAttachPoints({ families }: Pick<Model, 'families'>): NetfilterAttachPoint[] {
  return families.flatMap(({ family, phases }) =>
    (Object.keys(phases) as PhaseName[]).map((phase) => ({ family, phase, ...PLACES[phase] })),
  );
}

/** Families whose packets rules ask for connections: the kernel tracks them only while somebody wants it to. */
export function trackedFamilies({ families }: Pick<Model, 'families'>): Family[] {
  return families.filter(({ tracked }) => tracked).map(({ family }) => family);
}

const NFT_FAMILY: Readonly<Record<Family, string>> = { ipv4: 'ip', ipv6: 'ip6' };

/** As nft lists it. */
export function trackingTable(family: Family): string {
  return `${NFT_FAMILY[family]} ipt2ebpf_tracking`;
}

/**
 * nft commands for a table that judges nothing (its chain has no hook) and makes the kernel track connections, as
 * rules with `-m conntrack` did (nf_ct_netns_get). They may be given again.
 */
export function trackingCommands(families: readonly Family[]): string {
  const chain = '{ chain tracking { ct state new accept; }; }';
  return families
    .map((family) => `table ${trackingTable(family)}`)
    .map((table) => `${table}\ndelete ${table}\n${table} ${chain}\n`)
    .join('');
}

/** nft commands that take the tables away. */
export function untrackingCommands(families: readonly Family[]): string {
  return families.map((family) => `delete table ${trackingTable(family)}\n`).join('');
}
