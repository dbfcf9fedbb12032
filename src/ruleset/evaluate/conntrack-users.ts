// SPDX-License-Identifier: Apache-2.0
// Which families track connections: only those where a loaded rule asks for it (nf_ct_netns_get in the check
// functions of net/netfilter/xt_*.c). Without it there is no state, no INVALID, and no reassembly before the
// hooks. NOTRACK and an idle nat table don't ask.
import type { FamilyRuleset, Rule } from '../ruleset.js';

/** Matches whose check function takes conntrack into use. */
export const CONNTRACK_MATCHES: ReadonlySet<string> = new Set([
  'cluster',
  'connbytes',
  'connlabel',
  'connlimit',
  'connmark',
  'conntrack',
  'helper',
  'state',
]);
/** Targets that do; CT does too, but for `--notrack`. */
export const CONNTRACK_TARGETS: ReadonlySet<string> = new Set([
  'CONNMARK',
  'CONNSECMARK',
  'CLUSTERIP',
  'DNAT',
  'MASQUERADE',
  'NETMAP',
  'REDIRECT',
  'SNAT',
  'SYNPROXY',
]);

export function tracksConnections(family: FamilyRuleset): boolean {
  for (const table of family.tables.values()) {
    for (const chain of table.chains.values()) if (chain.rules.some(asksForConntrack)) return true;
  }
  return false;
}

function asksForConntrack({ matches, target }: Rule): boolean {
  if (target.kind === 'CT' && !target.notrack) return true;
  const targetName = target.kind === 'opaque' ? target.name : target.kind;
  if (CONNTRACK_TARGETS.has(targetName)) return true;
  return matches.some((match) => CONNTRACK_MATCHES.has(match.kind === 'opaque' ? match.name : match.kind));
}
