// SPDX-License-Identifier: Apache-2.0
// Calico: a HostEndpoint for each interface and GlobalNetworkPolicies with the rules in their order, by interface.
// Table raw becomes untracked policy, INPUT and OUTPUT policy for the host's own traffic, FORWARD policy that also
// applies to forwarded packets, behind a last rule that ends the host's own.
//
// Semantics: https://docs.tigera.io/calico/latest/reference/resources/globalnetworkpolicy (rules, order, actions,
// applyOnForward, doNotTrack) and https://docs.tigera.io/calico/latest/reference/host-endpoints/ (overview,
// forwarded, untracked, failsafe, summary).
import type { AddressRange } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import { complement, contains } from '../../model/ranges.js';
import { addressWord, complementAddresses } from '../words.js';
import { isUnrestricted, subjectOf, type Drafted, type ExportContext } from './context.js';
import { reasonOf, type Entry, type Plan } from './plan.js';
import { prefixesOf, type Region } from './region.js';
import type { Decision, Manifest, Path, Target, Trace } from './target.js';
import { byProtocol, ICMP, PORT_PROTOCOLS, wholeTypes, type Layer4 } from './wording.js';

const INTERFACE = 'ipt2ebpf.io/interface';
const ORDER = { untracked: 10, own: 100, forward: 200 } as const;
/** ICMP types with codes are a rule each. */
const MOST_CODES = 64;

export const CALICO: Target = {
  format: 'calico',
  name: 'Calico',
  perInterface: true,
  ownAddresses: true,
  forwards: true,
  untracked: true,
  fixed(state) {
    if (state === 'INVALID') return 'deny';
    return state === 'ESTABLISHED' || state === 'RELATED' ? 'allow' : undefined;
  },
  unsayable(region, family) {
    if (exceptProtocol(region) !== undefined) return undefined;
    const each = byProtocol(region);
    if (each === undefined) return 'it asks for all protocols but some';
    return each.map((layer4) => unsayable(layer4, family)).find((why) => why !== undefined);
  },
};

function unsayable({ protocol, first, second }: Layer4, family: Family): string | undefined {
  if (protocol === 0) return 'it asks for protocol 0';
  if (first === undefined && second === undefined) return undefined;
  if (protocol === undefined) return 'it asks for ports of any protocol';
  if (protocol === ICMP[family])
    return icmpTerms(first ?? []) === undefined
      ? `it asks for more than ${MOST_CODES} ICMP codes`
      : undefined;
  return PORT_PROTOCOLS[protocol] === undefined ? `it asks for ports of protocol ${protocol}` : undefined;
}

/** The one protocol that a region leaves out. */
function exceptProtocol({ protocols, first, second }: Region): number | undefined {
  if (protocols === undefined || first !== undefined || second !== undefined) return undefined;
  const [one, ...more] = complement(protocols, 255);
  return one !== undefined && more.length === 0 && one.first === one.last && one.first > 0
    ? one.first
    : undefined;
}

export const CALICO_ASSUMPTIONS: readonly string[] = [
  "Felix's failsafe ports are off (failsafeInboundHostPorts and failsafeOutboundHostPorts are []): they would stay open whatever policies say.",
  'Packets of an allowed connection and its replies pass, packets of state INVALID are dropped (disableConntrackInvalidCheck is false).',
  'No other policy or tier selects these host endpoints; lo has none and is not judged.',
  'Labels of the inventory stand on endpoints or network sets with the same addresses. Headers are whole, and no packet is a later fragment.',
];

interface Group {
  readonly interfaces: string[];
  readonly policies: readonly Drafted[];
}

export function exportCalico(context: ExportContext): Drafted[] {
  const groups = new Map<string, Group>();
  for (const name of context.interfaces) {
    const policies = policiesOf(name, context);
    const key = JSON.stringify(policies);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { interfaces: [name], policies });
    else known.interfaces.push(name);
  }
  const all = [...groups.values()];
  const isOpen = all.every(({ policies }) => policies.length === 0);
  if (isOpen) return [];
  return [
    ...context.interfaces.map((name) => ({ manifest: endpoint(name, context), traces: [] })),
    ...all.flatMap(({ interfaces, policies }) => {
      const place = interfaces.map((name) => word(name)).join('-');
      const names = interfaces.map((name) => `'${word(name)}'`).join(', ');
      return policies.map(({ manifest, traces }) => ({
        traces,
        manifest: {
          ...manifest,
          metadata: { name: `${manifest.metadata.name}-${place}` },
          spec: { selector: `${INTERFACE} in {${names}}`, ...(manifest.spec as object) },
        },
      }));
    }),
  ];
}

function endpoint(name: string, context: ExportContext): Manifest {
  const node = context.inventory.host?.node ?? 'this-host';
  return {
    apiVersion: 'projectcalico.org/v3',
    kind: 'HostEndpoint',
    metadata: {
      name: `${node}-${word(name)}`,
      labels: { ...subjectOf(context).labels, [INTERFACE]: word(name) },
    },
    spec: { node, interfaceName: name },
  };
}

/** A name as names of objects and labels may be. */
function word(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9.]/g, '-');
}

/** Policies of one interface; none where nothing is denied on it. */
function policiesOf(name: string, context: ExportContext): Drafted[] {
  const plansOf = (path: Path): Plan[] =>
    context.families.map((policy) => context.planner.plan(policy, path, [name]));
  const input = plansOf('input');
  const forward = plansOf('forward');
  const output = plansOf('output');
  if ([...input, ...forward, ...output].every(isUnrestricted)) return [];
  const policies: Drafted[] = [];
  for (const [plans, direction] of [
    [input, 'Ingress'],
    [output, 'Egress'],
  ] as const) {
    const rules = plans.flatMap((plan) => plan.untracked.flatMap((entry) => draw(plan, entry, context)));
    if (rules.length > 0)
      policies.push(
        policy(`raw-${direction.toLowerCase()}`, rules, direction, {
          order: ORDER.untracked,
          doNotTrack: true,
          applyOnForward: true,
        }),
      );
  }
  // An endpoint without policy for a direction denies it, so that each has its own.
  policies.push(policy('input', ordered(input, context), 'Ingress', { order: ORDER.own }));
  policies.push(policy('output', ordered(output, context), 'Egress', { order: ORDER.own }));
  if (!forward.every((plan) => isUnrestricted({ ...plan, untracked: [] })))
    policies.push(
      policy('forward', ordered(forward, context), 'Ingress', { order: ORDER.forward, applyOnForward: true }),
    );
  return policies;
}

function ordered(plans: readonly Plan[], context: ExportContext): Drawn[] {
  return plans.flatMap((plan) => [
    ...[...plan.before, ...plan.entries].flatMap((entry) => draw(plan, entry, context)),
    { rule: { action: actionOf(plan.default), ipVersion: version(plan.policy.family) }, from: [] },
  ]);
}

interface Drawn {
  readonly rule: Readonly<Record<string, unknown>>;
  readonly from: readonly number[];
}

function policy(
  name: string,
  rules: readonly Drawn[],
  direction: 'Ingress' | 'Egress',
  more: Readonly<Record<string, unknown>>,
): Drafted {
  const list = direction.toLowerCase();
  const traces: Trace[] = rules.map(({ from }, index) => ({ list, index, rules: from }));
  return {
    traces,
    manifest: {
      apiVersion: 'projectcalico.org/v3',
      kind: 'GlobalNetworkPolicy',
      metadata: { name: `from-iptables-${name}` },
      spec: { ...more, types: [direction], [list]: rules.map(({ rule }) => rule) },
    },
  };
}

/** A statement as rules; none, and residue, where it has no words. */
function draw({ policy: { family }, policy: of, path }: Plan, entry: Entry, context: ExportContext): Drawn[] {
  try {
    for (const region of entry.regions) context.planner.check(region, of);
  } catch (error) {
    const note = context.residue.noting(family, entry.tier, path, undefined);
    const effect = entry.decision === 'deny' ? 'opens' : 'closes';
    note(effect, reasonOf(error), entry.statement, ['NEW', 'UNTRACKED'], entry.rules);
    return [];
  }
  return entry.regions.flatMap((region) =>
    headerTerms(region, family).flatMap((headers) =>
      peerTerms(region, family, context).map(({ source, destination }) => ({
        from: entry.rules.slice(-1),
        rule: {
          action: actionOf(entry.decision),
          ipVersion: version(family),
          ...headers.rule,
          ...entity('source', source, headers.sourcePorts),
          ...entity('destination', destination, headers.destinationPorts),
        },
      })),
    ),
  );
}

function actionOf(decision: Decision): string {
  return decision === 'allow' ? 'Allow' : 'Deny';
}

function version(family: Family): number {
  return family === 'ipv4' ? 4 : 6;
}

type Ports = readonly (number | string)[];
interface Headers {
  readonly rule: Readonly<Record<string, unknown>>;
  readonly sourcePorts?: Ports;
  readonly destinationPorts?: Ports;
}

function headerTerms(region: Region, family: Family): Headers[] {
  const except = exceptProtocol(region);
  if (except !== undefined) return [{ rule: { notProtocol: protocolWord(except, family) } }];
  return (byProtocol(region) ?? []).flatMap(({ protocol, first, second }): Headers[] => {
    if (protocol === undefined) return [{ rule: {} }];
    const rule = { protocol: protocolWord(protocol, family) };
    if (protocol === ICMP[family] && first !== undefined)
      return (icmpTerms(first) ?? []).map((icmp) => ({ rule: { ...rule, icmp } }));
    return [
      {
        rule,
        ...(first && { sourcePorts: portWords(first) }),
        ...(second && { destinationPorts: portWords(second) }),
      },
    ];
  });
}

function protocolWord(protocol: number, family: Family): string | number {
  if (protocol === ICMP[family]) return family === 'ipv4' ? 'ICMP' : 'ICMPv6';
  return PORT_PROTOCOLS[protocol] ?? protocol;
}

function portWords(ranges: NonNullable<Region['first']>): Ports {
  return ranges.map(({ first, last }) => (first === last ? first : `${first}:${last}`));
}

function icmpTerms(ranges: NonNullable<Region['first']>): { type: number; code?: number }[] | undefined {
  const whole = wholeTypes(ranges);
  if (whole !== undefined) return whole.map((type) => ({ type }));
  const count = ranges.reduce((all, { first, last }) => all + (last - first + 1), 0);
  if (count > MOST_CODES) return undefined;
  return Array.from({ length: 0x10000 }, (_, value) => value)
    .filter((value) => contains(ranges, value))
    .map((value) => ({ type: value >>> 8, code: value & 0xff }));
}

/** Labels and nets of one rule must both hold, so that they stand in rules of their own. */
function peerTerms({ source, destination }: Region, family: Family, { book }: ExportContext) {
  const sides = [source, destination].map((ranges): readonly Readonly<Record<string, unknown>>[] => {
    if (ranges === undefined) return [{}];
    const { selectors, rest } = book.describe({ [family]: ranges });
    const left = rest[family]!;
    const terms: Record<string, unknown>[] = selectors.map((labels) => ({
      selector: Object.entries(labels)
        .map(([key, value]) => `${key} == '${value}'`)
        .join(' && '),
    }));
    return left.length === 0 ? terms : [...terms, nets(left, family)];
  });
  return sides[0]!.flatMap((from) => sides[1]!.map((to) => ({ source: from, destination: to })));
}

function nets(ranges: readonly AddressRange[], family: Family): Record<string, unknown> {
  const words = (each: readonly AddressRange[]): string[] =>
    each.flatMap((range) => prefixesOf(range, family)).map((range) => addressWord(range, family));
  const inside = words(ranges);
  const outside = words(complementAddresses(ranges, family));
  if (outside.length === 0) return {};
  return inside.length <= outside.length ? { nets: inside } : { notNets: outside };
}

function entity(side: string, peer: Readonly<Record<string, unknown>>, ports: Ports | undefined) {
  const both = { ...peer, ...(ports !== undefined && { ports }) };
  return Object.keys(both).length === 0 ? {} : { [side]: both };
}
