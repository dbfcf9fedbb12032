// SPDX-License-Identifier: Apache-2.0
// What Calico's host endpoint policies decide, after https://docs.tigera.io/calico/latest/reference/resources/
// globalnetworkpolicy and .../host-endpoints/ (overview, untracked, forwarded, summary): policies by order, in each the first rule that
// holds. Untracked policy comes first and decides only what one of its rules holds for. Connection tracking then lets
// established and related packets pass and drops invalid ones. Policy for the host's own traffic denies what nothing
// allows, also where there is no policy; for forwarded traffic only policies with applyOnForward count, and without
// one it passes. An interface without an endpoint is not judged.
import { hasLabels, inCidr, labelsOf, PORTS, type Judge, type Seen, type Verdict } from './seen.js';
import type { Inventory } from '../../../src/policy/inventory.js';
import type { Manifest } from '../../../src/policy/export/target.js';

interface Entity {
  readonly nets?: readonly string[];
  readonly notNets?: readonly string[];
  readonly selector?: string;
  readonly ports?: readonly (number | string)[];
}

interface Rule {
  readonly action: 'Allow' | 'Deny';
  readonly ipVersion: 4 | 6;
  readonly protocol?: string | number;
  readonly notProtocol?: string | number;
  readonly icmp?: { readonly type: number; readonly code?: number };
  readonly source?: Entity;
  readonly destination?: Entity;
}

interface Spec {
  readonly order: number;
  readonly selector: string;
  readonly types: readonly string[];
  readonly doNotTrack?: boolean;
  readonly applyOnForward?: boolean;
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

interface Endpoint {
  readonly interfaceName: string;
}

const NAMES: Readonly<Record<string, number>> = { ...PORTS, ICMP: 1, ICMPv6: 58 };

export function judgeCalico(manifests: readonly Manifest[], inventory: Inventory): Judge {
  const labels = labelsOf(inventory);
  const endpoints = new Map(
    manifests
      .filter(({ kind }) => kind === 'HostEndpoint')
      .map(({ spec, metadata }) => [(spec as Endpoint).interfaceName, metadata.labels ?? {}]),
  );
  const policies = manifests
    .filter(({ kind }) => kind === 'GlobalNetworkPolicy')
    .map(({ spec }) => spec as Spec)
    .sort((a, b) => a.order - b.order);

  const entityHolds = (entity: Entity | undefined, address: string, port: number): boolean =>
    (entity?.nets?.some((net) => inCidr(address, net)) ?? true) &&
    !(entity?.notNets?.some((net) => inCidr(address, net)) ?? false) &&
    (entity?.selector === undefined || selects(entity.selector, labels(address))) &&
    (entity?.ports?.some((each) => portHolds(each, port)) ?? true);

  const ruleHolds = (rule: Rule, packet: Seen): boolean =>
    rule.ipVersion === (packet.family === 'ipv4' ? 4 : 6) &&
    (rule.protocol === undefined || numberOf(rule.protocol) === packet.protocol) &&
    (rule.notProtocol === undefined || numberOf(rule.notProtocol) !== packet.protocol) &&
    (rule.icmp === undefined ||
      (rule.icmp.type === packet.type && (rule.icmp.code ?? packet.code) === packet.code)) &&
    entityHolds(rule.source, packet.source, packet.sourcePort) &&
    entityHolds(rule.destination, packet.destination, packet.destinationPort);

  return (packet) => {
    const isOut = packet.path === 'output';
    const own = endpoints.get(isOut ? packet.outInterface : packet.inInterface);
    if (own === undefined) return 'allow';
    const direction = isOut ? 'Egress' : 'Ingress';
    const here = policies.filter(
      ({ selector, types }) => selects(selector, own) && types.includes(direction),
    );
    const first = (some: readonly Spec[]): Verdict | undefined => {
      for (const spec of some)
        for (const rule of (isOut ? spec.egress : spec.ingress) ?? [])
          if (ruleHolds(rule, packet)) return rule.action === 'Allow' ? 'allow' : 'deny';
      return undefined;
    };
    const untracked = first(here.filter(({ doNotTrack }) => doNotTrack === true));
    if (untracked !== undefined) return untracked;
    if (packet.state === 'ESTABLISHED' || packet.state === 'RELATED') return 'allow';
    if (packet.state === 'INVALID') return 'deny';
    const tracked = here.filter(
      ({ doNotTrack, applyOnForward }) =>
        doNotTrack !== true && (packet.path !== 'forward' || applyOnForward === true),
    );
    if (packet.path === 'forward' && tracked.length === 0) return 'allow';
    return first(tracked) ?? 'deny';
  };
}

function numberOf(protocol: string | number): number {
  return typeof protocol === 'number' ? protocol : NAMES[protocol]!;
}

function portHolds(given: number | string, port: number): boolean {
  const [first, last] = String(given).split(':').map(Number);
  return port >= first! && port <= (last ?? first!);
}

/** `a == 'b' && c == 'd'` and `a in {'b', 'c'}`: what the export writes. */
function selects(selector: string, labels: Readonly<Record<string, string>>): boolean {
  return selector.split(' && ').every((term) => {
    const equal = /^(\S+) == '([^']*)'$/.exec(term);
    if (equal !== null) return hasLabels(labels, { [equal[1]!]: equal[2]! });
    const among = /^(\S+) in \{(.*)\}$/.exec(term)!;
    return among[2]!.split(', ').includes(`'${labels[among[1]!] ?? ''}'`);
  });
}
