// SPDX-License-Identifier: Apache-2.0
// What `ip -json` tells (ip-address(8), ip-route(8), ip-rule(8)) as host.json. Routes that follow from
// addresses are left out, because every reader of host.json derives them; what host.json cannot hold is said.
import type { Host, HostInterface, HostRoute } from '../host/host.js';

type Json = Readonly<Record<string, unknown>>;

export interface IpListing {
  /** `ip -json -details address show`. */
  readonly links: readonly Json[];
  /** `ip -json -4|-6 route show table all`. */
  readonly routes: { readonly ipv4: readonly Json[]; readonly ipv6: readonly Json[] };
  /** `ip -json -4|-6 rule show`. */
  readonly rules: { readonly ipv4: readonly Json[]; readonly ipv6: readonly Json[] };
}

export interface HostTaken {
  readonly host: Pick<Host, 'interfaces' | 'routes' | 'rules'>;
  /** What it leaves out, as sentences. */
  readonly notes: readonly string[];
}

/** Kinds whose frames come from the interface below (IFLA_LINK); of a veth that is its peer. */
const STACKED = new Set(['vlan', 'macvlan', 'macvtap', 'ipvlan', 'ipvtap', 'macsec']);
/** Kinds that the replay's stack knows, or that are plain to it. */
const KNOWN = new Set(['bridge', 'vlan', 'vrf', 'veth', 'dummy', 'tun', 'virt_wifi', 'ifb']);
const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;

export function hostFromIp(listing: IpListing): HostTaken {
  const notes: string[] = [];
  const interfaces = listing.links.map((link) => readLink(link, notes));
  const routes = [
    ...readRoutes(listing.routes.ipv4, '0.0.0.0/0', 32, notes),
    ...readRoutes(listing.routes.ipv6, '::/0', 128, notes),
  ];
  const rules = [
    ...listing.rules.ipv4.map((rule) => ({ family: 'inet', ...rule })),
    ...listing.rules.ipv6.map((rule) => ({ family: 'inet6', ...rule })),
  ];
  return { host: { interfaces, routes, rules }, notes };
}

function readLink(link: Json, notes: string[]): HostInterface {
  const name = String(link['ifname']);
  const info = object(link['linkinfo']);
  const type = text(info['info_kind']);
  const data = object(info['info_data']);
  const mac = text(link['address']);
  const master = text(link['master']);
  const below = text(link['link']);
  const flags = Array.isArray(link['flags']) ? link['flags'] : [];
  const addresses = list(link['addr_info']).flatMap((each) => readAddress(name, each, notes));
  const isVlan = type === 'vlan' && typeof data['id'] === 'number';
  if (type !== undefined && !KNOWN.has(type))
    notes.push(`${name} is of kind \`${type}\`: a replay takes it for a plain interface`);
  if (type === 'vrf') notes.push(`${name} is a VRF: a replay looks in its table only where a rule says so`);
  if (isVlan && data['protocol'] !== undefined && data['protocol'] !== '802.1Q')
    notes.push(`${name} takes tags of ${String(data['protocol'])}: a replay does not tell them from 802.1Q`);
  if (STACKED.has(type ?? '') && below === undefined)
    notes.push(`${name} stands on an interface of another namespace`);
  return {
    name,
    ...(link['link_type'] === 'ether' && mac !== undefined && MAC.test(mac) && { mac }),
    ...(typeof link['mtu'] === 'number' && { mtu: link['mtu'] }),
    addresses,
    ...(type !== undefined && { type }),
    ...(master !== undefined && { master }),
    ...(below !== undefined && STACKED.has(type ?? '') && { link: below }),
    ...(isVlan && { vlan: data['id'] as number }),
    up: flags.includes('UP'),
  };
}

function readAddress(name: string, each: Json, notes: string[]): string[] {
  const local = text(each['local']);
  const bits = each['prefixlen'];
  if (local === undefined || typeof bits !== 'number') return [];
  if (each['address'] !== undefined)
    notes.push(`${name}: the peer ${String(each['address'])} of ${local} is left out`);
  return [`${local}/${String(bits)}`];
}

function readRoutes(routes: readonly Json[], all: string, bits: number, notes: string[]): HostRoute[] {
  const best = new Map<string, { readonly metric: number; readonly route: HostRoute }>();
  for (const each of routes) {
    if (followsFromAddress(each)) continue;
    const dst = text(each['dst']) ?? 'default';
    const destination = dst === 'default' ? all : dst.includes('/') ? dst : `${dst}/${String(bits)}`;
    const table = text(each['table']);
    const place = `${destination}${table === undefined ? '' : ` in table ${table}`}`;
    const hops = list(each['nexthops']);
    const hop = hops[0] ?? each;
    if (hops.length > 1) notes.push(`the route to ${place} has ${hops.length} next hops: the first is kept`);
    if (each['tos'] !== undefined) {
      notes.push(`the route to ${place} for TOS ${String(each['tos'])} is left out`);
      continue;
    }
    if (Array.isArray(each['flags']) && each['flags'].includes('dead')) {
      notes.push(`the route to ${place} is dead and left out`);
      continue;
    }
    if (hop['via'] !== undefined)
      notes.push(`the route to ${place} has a next hop of the other family, which is left out`);
    const via = text(hop['gateway']);
    const device = text(hop['dev']);
    const type = text(each['type']);
    const metric = typeof each['metric'] === 'number' ? each['metric'] : 0;
    const before = best.get(place);
    if (before !== undefined) notes.push(`of two routes to ${place} the one with the lower metric is kept`);
    if (before !== undefined && before.metric <= metric) continue;
    best.set(place, {
      metric,
      route: {
        destination,
        ...(via !== undefined && { via }),
        ...(device !== undefined && { device }),
        ...(table !== undefined && { table }),
        ...(type !== undefined && type !== 'unicast' && { type }),
      },
    });
  }
  return [...best.values()].map(({ route }) => route);
}

/** The kernel makes it from an address or an interface, in its usual table. */
function followsFromAddress(route: Json): boolean {
  return route['protocol'] === 'kernel' && [undefined, 'main', 'local'].includes(text(route['table']));
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(object) : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
