// SPDX-License-Identifier: Apache-2.0
// Routing tables and policy rules of one address family, built from interface addresses and the routes of
// host.json. Kernel: net/ipv4/fib_frontend.c fib_add_ifaddr, fib_rules.c; net/ipv6/route.c, addrconf.c.
// Multipath routes, route metrics beyond order, and TOS-keyed routes are not modelled.
import {
  type AddressWords,
  type MaskedAddress,
  matchesMasked,
  parseAddress,
  prefixMask,
} from '../net/address.js';
import type { Family } from '../net/family.js';
import { PrefixTable } from '../net/prefix-table.js';
import type { Host } from './host.js';
import { parsePrefix } from './prefix.js';
import { sysctl } from './sysctls.js';

export type RouteType =
  | 'unicast'
  | 'local'
  | 'broadcast'
  | 'anycast'
  | 'multicast'
  | 'unreachable'
  | 'prohibit'
  | 'blackhole'
  | 'throw';

export interface Route {
  readonly type: RouteType;
  /** Absent for the refusing types. */
  readonly device?: string;
  /** Next hop; absent when the destination is on the link. */
  readonly gateway?: AddressWords;
  readonly address: AddressWords;
  readonly bits: number;
}

export interface RouteQuery {
  readonly destination: AddressWords;
  readonly source?: AddressWords;
  readonly mark: number;
  readonly inInterface?: string;
  readonly outInterface?: string;
}

/** Errors as the kernel names them: ENETUNREACH (nothing found), EHOSTUNREACH, EACCES, EINVAL (blackhole). */
export type RouteError = 'net-unreachable' | 'host-unreachable' | 'prohibited' | 'blackhole';

export type RouteResult = Route | RouteError;

interface PolicyRule {
  readonly priority: number;
  readonly source?: MaskedAddress;
  readonly destination?: MaskedAddress;
  readonly mark: number;
  readonly markMask: number;
  readonly inInterface?: string;
  readonly outInterface?: string;
  readonly negated: boolean;
  readonly action: string | RouteError;
}

export class Routing {
  private readonly tables = new Map<string, PrefixTable<Route>>();
  private readonly rules: readonly PolicyRule[];
  /** True when rules beyond local, main and default exist (fib4_has_custom_rules). */
  readonly hasCustomRules: boolean;

  constructor(
    private readonly family: Family,
    host: Host,
  ) {
    const table = (name: string): PrefixTable<Route> => {
      let found = this.tables.get(name);
      if (found === undefined) this.tables.set(name, (found = new PrefixTable(family)));
      return found;
    };
    addInterfaceRoutes(family, host, table('local'), table('main'));
    for (const entry of host.routes) {
      const destination = parsePrefix(entry.destination, entry.via);
      if (destination?.family !== family) continue;
      const gateway = entry.via === undefined ? undefined : parseAddress(entry.via, family);
      const type = (entry.type ?? 'unicast') as RouteType;
      const name = tableName(entry.table ?? (type === 'local' || type === 'broadcast' ? 'local' : 'main'));
      table(name).insert(destination.address, destination.bits, {
        type,
        address: destination.address,
        bits: destination.bits,
        ...(entry.device === undefined ? {} : { device: entry.device }),
        ...(gateway === undefined ? {} : { gateway }),
      });
    }
    const given = (host.rules ?? []).flatMap((rule) => policyRule(family, rule) ?? []);
    this.hasCustomRules = given.some((rule) => !['local', 'main', 'default'].includes(rule.action));
    this.rules = (given.length > 0 ? given : defaultRules()).toSorted((a, b) => a.priority - b.priority);
  }

  /** Walks the policy rules; a `throw` route or an empty table goes on with the next rule. */
  lookup(query: RouteQuery, accepts: (route: Route) => boolean = acceptAll): RouteResult {
    for (const rule of this.rules) {
      if (ruleMatches(rule, query) === rule.negated) continue;
      if (isRouteError(rule.action)) return rule.action;
      const route = this.tables.get(rule.action)?.lookup(query.destination, accepts);
      if (route === undefined || route.type === 'throw') continue;
      return refusal(route.type) ?? route;
    }
    return 'net-unreachable';
  }

  /** Looks in table `local` alone: what `inet_addr_type` asks (net/ipv4/fib_frontend.c). */
  lookupLocal(destination: AddressWords, accepts: (route: Route) => boolean = acceptAll): Route | undefined {
    return this.tables.get('local')?.lookup(destination, accepts);
  }

  get addressFamily(): Family {
    return this.family;
  }
}

function acceptAll(): boolean {
  return true;
}

function refusal(type: RouteType): RouteError | undefined {
  if (type === 'unreachable') return 'host-unreachable';
  if (type === 'prohibit') return 'prohibited';
  return type === 'blackhole' ? 'blackhole' : undefined;
}

function isRouteError(action: string): action is RouteError {
  return (
    action === 'net-unreachable' ||
    action === 'host-unreachable' ||
    action === 'prohibited' ||
    action === 'blackhole'
  );
}

function ruleMatches(rule: PolicyRule, query: RouteQuery): boolean {
  if (((query.mark ^ rule.mark) & rule.markMask) !== 0) return false;
  if (rule.inInterface !== undefined && rule.inInterface !== query.inInterface) return false;
  if (rule.outInterface !== undefined && rule.outInterface !== query.outInterface) return false;
  if (rule.destination !== undefined && !matchesMasked(query.destination, rule.destination)) return false;
  if (rule.source === undefined) return true;
  return query.source !== undefined && matchesMasked(query.source, rule.source);
}

function defaultRules(): PolicyRule[] {
  const rule = (priority: number, action: string): PolicyRule => ({
    priority,
    mark: 0,
    markMask: 0,
    negated: false,
    action,
  });
  return [rule(0, 'local'), rule(32_766, 'main'), rule(32_767, 'default')];
}

/** Whether a packet's mark can send it another way (ip-rule(8) fwmark). */
export function routesByMark(host: Host, family: Family): boolean {
  return (host.rules ?? []).some((rule) => (policyRule(family, rule)?.markMask ?? 0) !== 0);
}

/** One object of `ip -j rule`; undefined when it is of the other family. */
function policyRule(family: Family, rule: Readonly<Record<string, unknown>>): PolicyRule | undefined {
  const text = (key: string): string | undefined => {
    const value = rule[key];
    return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;
  };
  const selector = (key: string): MaskedAddress | undefined | null => {
    const address = text(key);
    if (address === undefined || address === 'all') return undefined;
    const bits = text(`${key}len`);
    const prefix = parsePrefix(bits === undefined ? address : `${address}/${bits}`);
    if (prefix === undefined || prefix.family !== family) return null;
    const mask = prefixMask(prefix.bits, family);
    return { address: prefix.address.map((word, i) => (word & mask[i]!) >>> 0), mask };
  };
  const source = selector('src');
  const destination = selector('dst');
  if (source === null || destination === null) return undefined;
  const declared = text('family');
  if (declared !== undefined && declared !== (family === 'ipv4' ? 'inet' : 'inet6')) return undefined;
  const mark = Number(text('fwmark') ?? 0);
  const inInterface = text('iif');
  const outInterface = text('oif');
  const refuses: Readonly<Record<string, RouteError>> = {
    unreachable: 'host-unreachable',
    prohibit: 'prohibited',
    blackhole: 'blackhole',
  };
  return {
    priority: Number(text('priority') ?? 0),
    ...(source === undefined ? {} : { source }),
    ...(destination === undefined ? {} : { destination }),
    mark,
    markMask: Number(text('fwmask') ?? (text('fwmark') === undefined ? 0 : 0xffffffff)),
    ...(inInterface === undefined ? {} : { inInterface }),
    ...(outInterface === undefined ? {} : { outInterface }),
    negated: 'not' in rule,
    action: refuses[text('action') ?? ''] ?? tableName(text('table') ?? 'main'),
  };
}

function tableName(table: string): string {
  return { 255: 'local', 254: 'main', 253: 'default' }[table] ?? table;
}

function addInterfaceRoutes(
  family: Family,
  host: Host,
  local: PrefixTable<Route>,
  main: PrefixTable<Route>,
): void {
  const forwards = sysctl(host, 'ipv6_forwarding') !== 0;
  for (const { name, addresses = [] } of withLoopback(host)) {
    for (const text of addresses) {
      const prefix = parsePrefix(text);
      if (prefix?.family !== family) continue;
      if (family === 'ipv4') addIpv4Address(local, main, name, prefix.address, prefix.bits);
      else addIpv6Address(local, main, name, prefix.address, prefix.bits, forwards);
    }
    if (family === 'ipv6' && name !== 'lo') {
      add(local, [0xff000000, 0, 0, 0], 8, 'multicast', name);
    }
  }
}

/** Interfaces with `lo`, which is implied, first. */
export function withLoopback(host: Host): Host['interfaces'] {
  const lo = host.interfaces.find((each) => each.name === 'lo');
  const addresses = [...new Set([...(lo?.addresses ?? []), '127.0.0.1/8', '::1/128'])];
  const others = host.interfaces.filter((each) => each.name !== 'lo');
  return [{ mtu: 65_536, ...lo, name: 'lo', addresses }, ...others];
}

function addIpv4Address(
  local: PrefixTable<Route>,
  main: PrefixTable<Route>,
  device: string,
  address: AddressWords,
  bits: number,
): void {
  add(local, address, 32, 'local', device);
  const mask = prefixMask(bits, 'ipv4')[0]!;
  if (bits === 32 || (address[0]! & mask) >>> 0 === 0) return;
  const network = [(address[0]! & mask) >>> 0];
  if (device === 'lo') add(local, network, bits, 'local', device);
  else add(main, network, bits, 'unicast', device);
  if (bits < 31) add(local, [(address[0]! | ~mask) >>> 0], 32, 'broadcast', device);
}

function addIpv6Address(
  local: PrefixTable<Route>,
  main: PrefixTable<Route>,
  device: string,
  address: AddressWords,
  bits: number,
  forwards: boolean,
): void {
  add(local, address, 128, 'local', device);
  if (device === 'lo') return;
  const mask = prefixMask(bits, 'ipv6');
  const subnet = address.map((word, i) => (word & mask[i]!) >>> 0);
  add(main, subnet, bits, 'unicast', device);
  // A forwarding host answers to the subnet-router anycast address of each network (addrconf_join_anycast).
  if (bits < 127 && forwards) add(local, subnet, 128, 'anycast', device);
}

function add(
  table: PrefixTable<Route>,
  address: AddressWords,
  bits: number,
  type: RouteType,
  device: string,
): void {
  table.insert(address, bits, { type, device, address, bits });
}
