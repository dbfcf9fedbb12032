// SPDX-License-Identifier: Apache-2.0
// CiliumClusterwideNetworkPolicy for a node (host policy), or CiliumNetworkPolicy for pods of a namespace: ingress
// from INPUT, egress from OUTPUT. Allow-lists with default deny; a denial becomes a deny rule where no earlier rule
// allows the same, since deny wins over allow there, and is else cut out of what later rules allow.
//
// Semantics: https://docs.cilium.io/en/stable/security/policy/ (intro: default deny; layer3: CIDR, entities;
// layer4: toPorts, endPort, icmps; deny: precedence) and https://docs.cilium.io/en/stable/security/host-firewall/
import type { Family } from '../../net/family.js';
import { Unsayable } from './condition-regions.js';
import { reasonOf, type Entry, type Plan } from './plan.js';
import { overlaps, subtractRegions } from './region.js';
import type { Decision, Manifest, Path, Target, Trace } from './target.js';
import { isUnrestricted, subjectOf, type Drafted, type ExportContext } from './context.js';
import {
  byProtocol,
  grantsOf,
  ICMP,
  isPortZero,
  PORT_PROTOCOLS,
  PORT_ZERO,
  wholeTypes,
  type Grant,
  type Granted,
  type Layer4,
  type Peers,
} from './wording.js';

/** Limits of the CRD: ports of one toPorts, fields of one icmps. */
const MOST_PORTS = 40;
const MOST_TYPES = 40;

export const CILIUM: Target = {
  format: 'cilium',
  name: 'Cilium',
  perInterface: false,
  ownAddresses: false,
  forwards: false,
  untracked: false,
  fixed: (state) => (state === 'ESTABLISHED' || state === 'RELATED' ? 'allow' : undefined),
  unsayable(region, family) {
    const each = byProtocol(region);
    if (each === undefined) return 'it asks for all protocols but some';
    return each.map((layer4) => unsayable(layer4, family)).find((why) => why !== undefined);
  },
};

function unsayable({ protocol, first, second }: Layer4, family: Family): string | undefined {
  if (protocol === undefined)
    return first === undefined && second === undefined ? undefined : 'it asks for ports of any protocol';
  if (protocol === ICMP[family]) {
    if (first === undefined) return 'it asks for ICMP of every type';
    if (wholeTypes(first) === undefined) return 'it asks for ICMP codes';
    return undefined;
  }
  if (PORT_PROTOCOLS[protocol] === undefined) return `it asks for protocol ${protocol}`;
  return first === undefined ? undefined : 'it asks for a source port';
}

export const CILIUM_ASSUMPTIONS: readonly string[] = [
  'The host firewall is on (hostFirewall.enabled) and guards all interfaces but lo; policy enforcement mode is default; no other policy selects the host.',
  'CIDRs name addresses outside the cluster only. Nodes and pods are named by labels: give them in the inventory.',
  'Packets of an allowed connection and its replies pass. Packets of no connection are judged like the first of one.',
  'Cut headers and unknown protocols are dropped, later fragments share the fate of their first, destination port 0 is not spoken of.',
];

/** A list of granted or denied regions of one path. */
interface Lists {
  readonly allow: Granted[];
  readonly deny: Granted[];
}

export function exportCilium(context: ExportContext): Drafted[] {
  const traces: Trace[] = [];
  const spec: Record<string, unknown> = {};
  const defaultDeny: Record<string, boolean> = {};
  for (const path of ['input', 'output'] as const) {
    const plans = context.families.map((policy) => context.planner.plan(policy, path, context.interfaces));
    if (plans.every(isUnrestricted)) continue;
    const key = path === 'input' ? 'ingress' : 'egress';
    const lists = plans.map((plan) => listsOf(plan, context));
    const drawn = (list: 'allow' | 'deny'): Drawn[] => {
      const granted = lists.flatMap((each) => each[list]);
      return rulesOf(grantsOf(granted, path, context.book), path);
    };
    const allow = drawn('allow');
    const deny = drawn('deny');
    // A section without rules says nothing; an empty rule allows nothing and turns default deny on.
    spec[key] = allow.length > 0 ? allow.map(({ rule }) => rule) : [{}];
    if (deny.length > 0) spec[`${key}Deny`] = deny.map(({ rule }) => rule);
    defaultDeny[key] = true;
    traces.push(...traced(key, allow), ...traced(`${key}Deny`, deny));
  }
  if (Object.keys(spec).length === 0) return [];
  const { namespace, labels } = subjectOf(context);
  const selector = { matchLabels: labels };
  const manifest: Manifest = {
    apiVersion: 'cilium.io/v2',
    kind: namespace === undefined ? 'CiliumClusterwideNetworkPolicy' : 'CiliumNetworkPolicy',
    metadata: { name: 'from-iptables', ...(namespace !== undefined && { namespace }) },
    spec: {
      ...(namespace === undefined ? { nodeSelector: selector } : { endpointSelector: selector }),
      enableDefaultDeny: defaultDeny,
      ...spec,
    },
  };
  return [{ manifest, traces }];
}

function listsOf(plan: Plan, { planner, residue }: ExportContext): Lists {
  const { policy, path } = plan;
  const { family } = policy;
  const allows = plan.entries
    .map((entry, at) => ({ entry, at, regions: entry.regions }))
    .filter(({ entry }) => entry.decision === 'allow' && isSayable(entry));
  if (plan.default === 'allow')
    allows.push({ entry: plan.defaultRules, at: plan.entries.length, regions: plan.defaultRules.regions });
  const lists: Lists = { allow: [], deny: [] };
  const denials = [
    ...plan.before.map((entry) => ({ entry, at: -1 })),
    ...plan.entries.map((entry, at) => ({ entry, at })),
  ];
  for (const { entry, at } of denials) {
    if (entry.decision !== 'deny') continue;
    try {
      const later = allows.filter((each) => each.at > at);
      if (!later.some(({ regions }) => overlaps(regions, entry.regions, family))) continue;
      const earlier = allows.filter((each) => each.at < at).flatMap(({ entry: { regions } }) => regions);
      const left = subtractRegions(entry.regions, earlier, family);
      if (left.every((region) => CILIUM.unsayable(region, family) === undefined)) {
        lists.deny.push(...left.map((region) => ({ region, family, rules: entry.rules.slice(-1) })));
        continue;
      }
      const cut = later.map((each) => ({
        each,
        regions: subtractRegions(each.regions, entry.regions, family),
      }));
      for (const { regions } of cut) for (const region of regions) planner.check(region, policy);
      for (const { each, regions } of cut) each.regions = regions;
    } catch (error) {
      noteFor(entry, 'deny', error);
    }
  }
  for (const { entry, regions } of allows)
    lists.allow.push(...regions.map((region) => ({ region, family, rules: entry.rules.slice(-1) })));
  return lists;

  function isSayable(entry: Entry): boolean {
    try {
      for (const region of entry.regions) planner.check(region, policy);
      if (entry.regions.some(isPortZero)) noteFor(entry, 'allow', new Unsayable(PORT_ZERO));
      return true;
    } catch (error) {
      noteFor(entry, 'allow', error);
      return false;
    }
  }

  function noteFor(entry: Entry, decision: Decision, error: unknown): void {
    const note = residue.noting(family, entry.tier, path, undefined);
    const effect = decision === 'deny' ? 'opens' : 'closes';
    note(effect, reasonOf(error), entry.statement, ['NEW', 'INVALID', 'UNTRACKED'], entry.rules);
  }
}

interface Drawn {
  readonly rule: Readonly<Record<string, unknown>>;
  readonly from: readonly number[];
}

function traced(list: string, rules: readonly Drawn[]): Trace[] {
  return rules.map(({ from }, index) => ({ list, index, rules: from }));
}

/** Grants to the same peers become one rule, ICMP and each kind of peer apart. */
function rulesOf(grants: readonly Grant[], path: Path): Drawn[] {
  const groups = new Map<string, { grants: Grant[]; from: Set<number> }>();
  for (const grant of grants) {
    const kind = grant.family ?? (grant.layer4.protocol === undefined ? 'any' : 'ports');
    const key = JSON.stringify([grant.peers, kind]);
    const group = groups.get(key) ?? { grants: [], from: new Set() };
    groups.set(key, group);
    group.grants.push(grant);
    for (const rule of grant.rules) group.from.add(rule);
  }
  return [...groups.values()].flatMap(({ grants: same, from }) =>
    peerTerms(same[0]!.peers, path).flatMap((peers) =>
      headerTerms(same).map((headers) => ({ rule: { ...peers, ...headers }, from: [...from] })),
    ),
  );
}

/** Rules name peers of one kind each. */
function peerTerms({ all, selectors, blocks }: Peers, path: Path): Record<string, unknown>[] {
  const word = path === 'output' ? 'to' : 'from';
  if (all) return [{ [`${word}Entities`]: ['all'] }];
  const terms: Record<string, unknown>[] = [];
  if (selectors.length > 0)
    terms.push({ [`${word}Endpoints`]: selectors.map((labels) => ({ matchLabels: labels })) });
  if (blocks.length > 0) terms.push({ [`${word}CIDRSet`]: blocks });
  return terms;
}

function headerTerms(grants: readonly Grant[]): Record<string, unknown>[] {
  const [{ layer4, family }] = grants as [Grant];
  if (layer4.protocol === undefined) return [{}];
  if (family !== undefined) {
    const types = grants.flatMap((grant) => wholeTypes(grant.layer4.first ?? []) ?? []);
    const fields = [...new Set(types)].map((type) => ({
      family: family === 'ipv4' ? 'IPv4' : 'IPv6',
      type,
    }));
    return pieces(fields, MOST_TYPES).map((each) => ({ icmps: [{ fields: each }] }));
  }
  const ports = grants.flatMap((grant) =>
    (grant.layer4.second ?? [{ first: 1, last: 0xffff }])
      .filter(({ last }) => last > 0)
      .map(({ first, last }) => {
        const port = Math.max(first, 1);
        return {
          port: String(port),
          ...(last > port && { endPort: last }),
          protocol: PORT_PROTOCOLS[grant.layer4.protocol!]!,
        };
      }),
  );
  return pieces(ports, MOST_PORTS).map((each) => ({ toPorts: [{ ports: each }] }));
}

function pieces<T>(all: readonly T[], most: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / most) }, (_, i) => all.slice(i * most, (i + 1) * most));
}
