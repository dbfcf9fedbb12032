// SPDX-License-Identifier: Apache-2.0
// What NetworkPolicy objects decide, after https://kubernetes.io/docs/concepts/services-networking/network-policies/:
// a pod is isolated for a direction once a policy that selects it has that direction among its policyTypes; then what
// any rule allows is allowed, and nothing else. Replies of allowed connections are allowed. An absent `from`/`to` is
// every peer, absent `ports` every port; the elements of both lists add up.
import { hasLabels, inCidr, labelsOf, PORTS, type Judge, type Seen } from './seen.js';
import type { Inventory } from '../../../src/policy/inventory.js';
import type { Manifest } from '../../../src/policy/export/target.js';

interface Peer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
  readonly podSelector?: { readonly matchLabels: Readonly<Record<string, string>> };
}

interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly {
    readonly protocol: string;
    readonly port?: number;
    readonly endPort?: number;
  }[];
}

interface Spec {
  readonly policyTypes: readonly string[];
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

export function judgeKubernetes(manifests: readonly Manifest[], inventory: Inventory): Judge {
  const specs = manifests.map(({ spec }) => spec as Spec);
  const labels = labelsOf(inventory);
  const peerHolds = ({ ipBlock, podSelector }: Peer, address: string): boolean =>
    ipBlock !== undefined
      ? inCidr(address, ipBlock.cidr) && !(ipBlock.except ?? []).some((cidr) => inCidr(address, cidr))
      : hasLabels(labels(address), podSelector!.matchLabels);
  const portHolds = (rule: Rule, { protocol, destinationPort }: Seen): boolean =>
    rule.ports?.some(
      (each) =>
        PORTS[each.protocol] === protocol &&
        (each.port === undefined ||
          (destinationPort >= each.port && destinationPort <= (each.endPort ?? each.port))),
    ) ?? true;
  return (packet) => {
    if (packet.path === 'forward' || packet.inInterface === 'lo' || packet.outInterface === 'lo')
      return 'allow';
    if (packet.state === 'ESTABLISHED' || packet.state === 'RELATED') return 'allow';
    const isIn = packet.path === 'input';
    const isolating = specs.filter(({ policyTypes }) => policyTypes.includes(isIn ? 'Ingress' : 'Egress'));
    if (isolating.length === 0) return 'allow';
    const address = isIn ? packet.source : packet.destination;
    const holds = isolating.some((spec) =>
      ((isIn ? spec.ingress : spec.egress) ?? []).some((rule) => {
        const peers = isIn ? rule.from : rule.to;
        return (peers?.some((peer) => peerHolds(peer, address)) ?? true) && portHolds(rule, packet);
      }),
    );
    return holds ? 'allow' : 'deny';
  };
}
