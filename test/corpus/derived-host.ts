// SPDX-License-Identifier: Apache-2.0
// A host for a dump that comes without one. Interfaces are those that `-i` and `-o` name (`eth+` is eth0); each
// gets the network that most rules name beside it, else one of its own; addresses that INPUT alone names as
// destinations are the host's. What else rules name beside an interface is reached by it, and all the rest by the
// first. A guess, good enough to have most rules met: routing comes from this very host on every runner, so none
// is favoured.
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import type { Host, HostInterface, HostRoute } from '../../src/host/host.js';
import { formatAddress, maskPrefixLength, type AddressWords } from '../../src/net/address.js';
import type { InterfacePattern } from '../../src/net/interface-pattern.js';
import { aimsOf } from '../../src/replay/directed/aims.js';
import type { Rule, Ruleset } from '../../src/ruleset/ruleset.js';

/** Interfaces of one host; more would only cost time. */
const MOST_INTERFACES = 32;
/** Addresses of its own that a host gets from rules. */
const MOST_OWN = 16;
const MOST_ROUTES = 256;

export function derivedHost(ruleset: Ruleset): Host {
  const { rules } = ruleset;
  const names = interfaceNames(rules);
  const own = ownAddresses(ruleset);
  if (names.length === 0) return withAddresses(DEFAULT_HOST, own);
  const taken = new Set<string>();
  const interfaces = names.map((name, i): HostInterface => {
    const network = networkBeside(name, rules, taken) ?? `10.${String(201 + (i % 50))}.${String(i)}.1/24`;
    return {
      name,
      mac: `02:00:00:00:01:${i.toString(16).padStart(2, '0')}`,
      mtu: 1500,
      addresses: [network, `2001:db8:${(i + 1).toString(16)}::1/64`, ...(i === 0 ? own : [])],
    };
  });
  const first = interfaces[0]!;
  const gateway = first.addresses![0]!.replace(/\.\d+\/\d+$/, '.250');
  return {
    interfaces,
    routes: [
      ...routesBeside(rules, names, new Set([...taken, ...own])),
      { destination: '0.0.0.0/0', via: gateway, device: first.name },
      { destination: '::/0', via: '2001:db8:1::fe', device: first.name },
    ],
    sysctls: {},
  };
}

/** The host with more addresses on its first interface. */
function withAddresses(host: Host, more: readonly string[]): Host {
  const [first, ...others] = host.interfaces;
  return {
    ...host,
    interfaces: [{ ...first!, addresses: [...first!.addresses!, ...more] }, ...others],
  };
}

function interfaceNames(rules: readonly Rule[]): string[] {
  const names = new Set<string>();
  const add = (pattern: InterfacePattern | undefined): void => {
    if (pattern === undefined || pattern.name === 'lo') return;
    const name = deviceOf(pattern);
    if (/^[a-zA-Z][\w.-]{0,14}$/.test(name)) names.add(name);
  };
  for (const { header } of rules) {
    add(header.inInterface?.value);
    add(header.outInterface?.value);
  }
  return [...names].slice(0, MOST_INTERFACES);
}

/** The first address of the IPv4 network that most rules name with the interface and no other interface has. */
function networkBeside(name: string, rules: readonly Rule[], taken: Set<string>): string | undefined {
  const counts = new Map<string, number>();
  for (const { family, header } of rules) {
    if (family !== 'ipv4') continue;
    const beside =
      header.inInterface?.value.name === name
        ? header.source
        : header.outInterface?.value.name === name
          ? header.destination
          : undefined;
    if (beside === undefined || beside.negated) continue;
    const { address, mask } = beside.value;
    const bits = maskPrefixLength(mask);
    if (bits === undefined || bits < 8 || bits > 29 || !isOrdinary(address)) continue;
    const text = `${formatAddress([address[0]! + 1])}/${String(bits)}`;
    if (!taken.has(text)) counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const best = [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
  if (best !== undefined) taken.add(best);
  return best;
}

/** A device that the pattern names. */
function deviceOf({ name, wildcard }: InterfacePattern): string {
  return wildcard ? `${name}0` : name;
}

/** Routes to the IPv4 addresses that rules name with an interface, except to those in `taken`. */
function routesBeside(rules: readonly Rule[], devices: readonly string[], taken: Set<string>): HostRoute[] {
  const routes: HostRoute[] = [];
  for (const { family, header } of rules) {
    if (family !== 'ipv4') continue;
    const pairs = [
      [header.inInterface, header.source],
      [header.outInterface, header.destination],
    ] as const;
    for (const [device, beside] of pairs) {
      if (device === undefined || device.negated || beside === undefined || beside.negated) continue;
      const { address, mask } = beside.value;
      const bits = maskPrefixLength(mask);
      const destination = `${formatAddress(address)}/${String(bits)}`;
      const name = deviceOf(device.value);
      if (bits === undefined || bits < 8 || !isOrdinary(address) || taken.has(destination)) continue;
      if (!devices.includes(name) || routes.length >= MOST_ROUTES) continue;
      taken.add(destination);
      routes.push({ destination, device: name });
    }
  }
  return routes;
}

/** What rules of INPUT call their destination and rules of OUTPUT their source. */
function ownAddresses(ruleset: Ruleset): string[] {
  const own = new Set<string>();
  for (const { family, hook, rules } of aimsOf(ruleset)) {
    const header = rules.at(-1)?.header;
    const named = hook === 'INPUT' ? header?.destination : hook === 'OUTPUT' ? header?.source : undefined;
    if (family !== 'ipv4' || named === undefined || named.negated) continue;
    const { address, mask } = named.value;
    if (maskPrefixLength(mask) === 32 && isOrdinary(address)) own.add(`${formatAddress(address)}/32`);
  }
  return [...own].slice(0, MOST_OWN);
}

/** Neither loopback, multicast, broadcast nor zero. */
function isOrdinary([word]: AddressWords): boolean {
  const top = word! >>> 24;
  return top !== 0 && top !== 127 && top < 224;
}
