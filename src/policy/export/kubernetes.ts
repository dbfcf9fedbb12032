// SPDX-License-Identifier: Apache-2.0
// NetworkPolicy (networking.k8s.io/v1) for the pods that stand where the host stood: ingress from what INPUT allows,
// egress from what OUTPUT allows. An allow-list: what rules deny is cut out of what later ones allow.
//
// Semantics: https://kubernetes.io/docs/concepts/services-networking/network-policies/ (isolation by direction,
// policies add up, replies pass, ports and endPort, ipBlock with except, what the API does not say).
import { complement, intersect } from '../../model/ranges.js';
import type { Labels } from '../inventory.js';
import { Unsayable } from './condition-regions.js';
import { reasonOf, type Entry, type Plan, type Planner } from './plan.js';
import { subtractRegions, type Region } from './region.js';
import type { ResidueBook } from './residue-book.js';
import type { Manifest, Target } from './target.js';
import {
  grantsOf,
  isPortZero,
  PORT_PROTOCOLS,
  PORT_ZERO,
  portsOf,
  SCTP,
  TCP,
  UDP,
  type Grant,
  type Granted,
  type Peers,
} from './wording.js';
import { isUnrestricted, subjectOf, type Drafted, type ExportContext } from './context.js';

const PROTOCOLS = [TCP, UDP, SCTP].map((value) => ({ first: value, last: value }));

export const KUBERNETES: Target = {
  format: 'kubernetes',
  name: 'NetworkPolicy',
  perInterface: false,
  ownAddresses: false,
  forwards: false,
  untracked: false,
  fixed: (state) => (state === 'ESTABLISHED' || state === 'RELATED' ? 'allow' : undefined),
  unsayable(region) {
    const { protocols, first } = spoken(region);
    if (protocols?.length === 0) return 'it asks for a protocol other than TCP, UDP and SCTP';
    if (first !== undefined) return 'it asks for a source port';
    if (protocols === undefined && region.second !== undefined) return 'it asks for ports of any protocol';
    return undefined;
  },
};

/** The region as far as the API speaks: of TCP, UDP and SCTP. */
function spoken(region: Region): Region {
  return region.protocols === undefined
    ? region
    : { ...region, protocols: intersect(region.protocols, PROTOCOLS) };
}

export const KUBERNETES_ASSUMPTIONS: readonly string[] = [
  'The pods that the policy selects stand where the host stood; other policies that select them add to what is allowed.',
  'NetworkPolicy speaks of TCP, UDP and SCTP. What becomes of other protocols is left to the network plugin.',
  'Packets of an allowed connection and its replies pass. Packets of no connection are judged like the first of one.',
  'Cut headers, later fragments without their first, and destination port 0 are none of its business.',
  "Traffic between a pod and the node it runs on, and through a pod's own lo, is not judged.",
];

export function exportKubernetes(context: ExportContext): Drafted[] {
  const { planner, residue, families } = context;
  const sections = (['input', 'output'] as const).flatMap((path) => {
    const plans = families.map((policy) => planner.plan(policy, path, context.interfaces));
    if (plans.every(isUnrestricted)) return [];
    const granted = plans.flatMap((plan) => allowed(plan, planner, residue));
    return [{ path, grants: grantsOf(granted, path, context.book) }];
  });
  if (sections.length === 0) return [];
  const policyTypes = sections.map(({ path }) => (path === 'input' ? 'Ingress' : 'Egress'));
  const rules = sections.map(({ path, grants }) => {
    const peerKey = path === 'input' ? 'from' : 'to';
    return { key: path === 'input' ? 'ingress' : 'egress', rules: rulesOf(grants, peerKey) };
  });
  const { namespace, labels } = subjectOf(context);
  const manifest: Manifest = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'from-iptables', ...(namespace !== undefined && { namespace }) },
    spec: {
      podSelector: { matchLabels: labels },
      policyTypes,
      ...Object.fromEntries(rules.map(({ key, rules: list }) => [key, list.map(({ rule }) => rule)])),
    },
  };
  return [
    {
      manifest,
      traces: rules.flatMap(({ key, rules: list }) =>
        list.map(({ from }, index) => ({ list: key, index, rules: from })),
      ),
    },
  ];
}

/** What the plan allows once all denials before are cut out. */
function allowed(plan: Plan, planner: Planner, residue: ResidueBook): Granted[] {
  const { policy, path } = plan;
  const denied: Region[] = plan.before.flatMap(({ regions }) => regions);
  const out: Granted[] = [];
  const last: Entry[] = plan.default === 'allow' ? [plan.defaultRules] : [];
  for (const entry of [...plan.entries, ...last]) {
    if (entry.decision === 'deny') {
      denied.push(...entry.regions);
      continue;
    }
    try {
      const regions = subtractRegions(entry.regions, denied, policy.family);
      for (const region of regions) planner.check(region, policy);
      // The rule's own words: what denials leave of it may be anything.
      if (entry.regions.some(isPortZero)) lost(entry, PORT_ZERO);
      if (regions.some(isNarrowed)) lost(entry, 'it also asks for protocols other than TCP, UDP and SCTP');
      out.push(
        ...regions.map((region) => ({
          region: spoken(region),
          family: policy.family,
          rules: entry.rules.slice(-1),
        })),
      );
    } catch (error) {
      lost(entry, reasonOf(error));
    }
  }
  return out;

  function lost(entry: Entry, why: string): void {
    const note = residue.noting(policy.family, entry.tier, path, undefined);
    note('closes', why, entry.statement, ['NEW', 'INVALID', 'UNTRACKED'], entry.rules);
  }
}

/** Whether `spoken` takes away protocols that are asked for by number. */
function isNarrowed({ protocols }: Region): boolean {
  return protocols !== undefined && intersect(protocols, complement(PROTOCOLS, 255)).length > 0;
}

interface Port {
  readonly protocol: string;
  readonly port?: number;
  readonly endPort?: number;
}

/** Grants to the same peers become one rule. */
function rulesOf(grants: readonly Grant[], peerKey: 'from' | 'to') {
  const rules = new Map<string, { peers: Peers; ports: Port[] | undefined; from: Set<number> }>();
  for (const { layer4, peers, rules: from } of grants) {
    const key = JSON.stringify([peers, layer4.protocol === undefined]);
    const known = rules.get(key) ?? { peers, ports: [], from: new Set() };
    rules.set(key, known);
    if (layer4.protocol === undefined) known.ports = undefined;
    else known.ports?.push(...kubernetesPorts(layer4.protocol, layer4.second));
    for (const rule of from) known.from.add(rule);
  }
  return [...rules.values()]
    .filter(({ ports }) => ports === undefined || ports.length > 0)
    .map(({ peers, ports, from }) => ({
      rule: {
        ...(!peers.all && { [peerKey]: peersOf(peers) }),
        ...(ports !== undefined && { ports }),
      },
      from: [...from],
    }));
}

/** Ports are 1 to 65535; without one all are meant. */
function kubernetesPorts(protocol: number, ports: Grant['layer4']['second']): Port[] {
  const name = PORT_PROTOCOLS[protocol];
  if (name === undefined) throw new Unsayable('it asks for a protocol other than TCP, UDP and SCTP');
  if (ports === undefined) return [{ protocol: name }];
  return portsOf(ports)
    .filter(({ last }) => last > 0)
    .map(({ first, last }) => {
      const port = Math.max(first, 1);
      return { protocol: name, port, ...(last > port && { endPort: last }) };
    });
}

function peersOf({ selectors, blocks }: Peers): unknown[] {
  const bySelector = selectors.map((labels: Labels) => ({
    namespaceSelector: {},
    podSelector: { matchLabels: labels },
  }));
  return [...bySelector, ...blocks.map((ipBlock) => ({ ipBlock }))];
}
