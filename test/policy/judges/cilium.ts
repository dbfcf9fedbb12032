// SPDX-License-Identifier: Apache-2.0
// What Cilium policies decide, after https://docs.cilium.io/en/stable/security/policy/: an endpoint is in default deny
// for a direction once a rule that selects it has that section (intro); a rule allows what all its members hold for,
// an empty rule selects without allowing (layer3, default deny examples); deny rules win over allow rules (deny); toPorts and icmps
// name protocols, and a rule with neither is for all of them (layer4). Replies of an allowed connection pass.
import { hasLabels, inCidr, labelsOf, PORTS, type Judge, type Seen } from './seen.js';
import type { Inventory } from '../../../src/policy/inventory.js';
import type { Manifest } from '../../../src/policy/export/target.js';

type Labels = { readonly matchLabels: Readonly<Record<string, string>> };
type Block = { readonly cidr: string; readonly except?: readonly string[] };

interface Rule {
  readonly fromEntities?: readonly string[];
  readonly toEntities?: readonly string[];
  readonly fromEndpoints?: readonly Labels[];
  readonly toEndpoints?: readonly Labels[];
  readonly fromCIDRSet?: readonly Block[];
  readonly toCIDRSet?: readonly Block[];
  readonly toPorts?: readonly {
    readonly ports: readonly {
      readonly port: string;
      readonly endPort?: number;
      readonly protocol: string;
    }[];
  }[];
  readonly icmps?: readonly {
    readonly fields: readonly { readonly family: string; readonly type: number }[];
  }[];
}

interface Spec {
  readonly ingress?: readonly Rule[];
  readonly ingressDeny?: readonly Rule[];
  readonly egress?: readonly Rule[];
  readonly egressDeny?: readonly Rule[];
}

export function judgeCilium(manifests: readonly Manifest[], inventory: Inventory): Judge {
  const specs = manifests.map(({ spec }) => spec as Spec);
  const labels = labelsOf(inventory);
  const holds = (rule: Rule, packet: Seen): boolean => {
    if (Object.keys(rule).length === 0) return false;
    const isIn = packet.path === 'input';
    const address = isIn ? packet.source : packet.destination;
    const entities = isIn ? rule.fromEntities : rule.toEntities;
    const endpoints = isIn ? rule.fromEndpoints : rule.toEndpoints;
    const blocks = isIn ? rule.fromCIDRSet : rule.toCIDRSet;
    return (
      (entities?.includes('all') ?? true) &&
      (endpoints?.some(({ matchLabels }) => hasLabels(labels(address), matchLabels)) ?? true) &&
      (blocks?.some(
        ({ cidr, except = [] }) => inCidr(address, cidr) && !except.some((each) => inCidr(address, each)),
      ) ??
        true) &&
      headersHold(rule, packet)
    );
  };
  return (packet) => {
    if (packet.path === 'forward' || packet.inInterface === 'lo' || packet.outInterface === 'lo')
      return 'allow';
    if (packet.state === 'ESTABLISHED' || packet.state === 'RELATED') return 'allow';
    const [allow, deny] =
      packet.path === 'input' ? (['ingress', 'ingressDeny'] as const) : (['egress', 'egressDeny'] as const);
    const selecting = specs.filter((spec) => (spec[allow] ?? spec[deny]) !== undefined);
    if (selecting.length === 0) return 'allow';
    if (selecting.some((spec) => spec[deny]?.some((rule) => holds(rule, packet)) === true)) return 'deny';
    return selecting.some((spec) => spec[allow]?.some((rule) => holds(rule, packet)) === true)
      ? 'allow'
      : 'deny';
  };
}

function headersHold({ toPorts, icmps }: Rule, packet: Seen): boolean {
  const { protocol, destinationPort, family, type } = packet;
  const ports =
    toPorts?.some(({ ports: each }) =>
      each.some(
        ({ port, endPort, protocol: name }) =>
          PORTS[name] === protocol &&
          destinationPort >= Number(port) &&
          destinationPort <= (endPort ?? Number(port)),
      ),
    ) ?? true;
  const isIcmp = protocol === (family === 'ipv4' ? 1 : 58);
  const types =
    icmps?.some(({ fields }) =>
      fields.some((field) => isIcmp && field.family.toLowerCase() === family && field.type === type),
    ) ?? true;
  return ports && types;
}
