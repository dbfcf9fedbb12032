// SPDX-License-Identifier: Apache-2.0
// Attach kinds: where in the kernel a program judges packets, and the lists that `--attach` takes. What each can
// decide exactly is said in src/ruleset/support/; how its programs are written, in program-source.ts.

export const ATTACH_KINDS = ['tc', 'netfilter', 'xdp', 'cgroup'] as const;

export type AttachKind = (typeof ATTACH_KINDS)[number];

/** Lists that a migration can be made for. `xdp` alone is there to be refused by the rule that needs more. */
export const ATTACH_SETS = ['tc', 'netfilter', 'tc,xdp', 'xdp'] as const;

/** What a migration is made for unless told otherwise. */
export const DEFAULT_ATTACH: readonly AttachKind[] = ['tc'];

/** In words, for reports. */
export const ATTACH_KIND_NAMES: Readonly<Record<AttachKind, string>> = {
  tc: 'TC ingress and egress of each interface',
  netfilter: 'netfilter hooks (BPF netfilter programs)',
  xdp: 'XDP of each interface, for early drops',
  cgroup: 'cgroup hooks of sockets and their packets',
};

/**
 * `tc` or `tc,xdp`: kinds in the order of ATTACH_KINDS, each once. Undefined for a list that is empty or names
 * something else.
 */
export function parseAttachKinds(text: string): readonly AttachKind[] | undefined {
  const names = text.split(',').map((name) => name.trim());
  if (!names.every((name) => (ATTACH_KINDS as readonly string[]).includes(name))) return undefined;
  return ATTACH_KINDS.filter((kind) => names.includes(kind));
}
