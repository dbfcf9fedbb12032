// SPDX-License-Identifier: Apache-2.0
// Interfaces as small numbers: those of the host and those that rules name, by name. Whoever loads a
// program tells it which ifindex has which number (map `interfaces`).
import type { Host } from '../host/host.js';
import { parsePrefix } from '../host/prefix.js';
import { withLoopback } from '../host/routing.js';
import { INTERFACE_ID } from '../program/table-format.js';
import type { Ruleset } from '../ruleset/ruleset.js';
import type { InterfaceIds } from './model.js';

const { LOOPBACK } = INTERFACE_ID.values;

/** `lo` first, then by name: the same input gives the same numbers. */
export function assignInterfaceIds(host: Host, ruleset: Ruleset): InterfaceIds {
  const names = new Set(withLoopback(host).map(({ name }) => name));
  for (const { header } of ruleset.rules) {
    for (const option of [header.inInterface, header.outInterface]) {
      if (option !== undefined && !option.value.wildcard) names.add(option.value.name);
    }
  }
  names.delete('lo');
  const ids: Record<string, number> = { lo: LOOPBACK };
  [...names].sort().forEach((name, i) => (ids[name] = LOOPBACK + 1 + i));
  return ids;
}

/**
 * A number for each wildcard of the rules as well, by its text (`eth+`), behind all others: an interface born later
 * gets that of the longest wildcard that covers it, which every shorter one that covers it covers as well.
 */
export function withWildcards(ids: InterfaceIds, ruleset: Ruleset): InterfaceIds {
  const wildcards = new Set<string>();
  for (const { header } of ruleset.rules) {
    for (const option of [header.inInterface, header.outInterface]) {
      if (option?.value.wildcard === true && option.value.name !== '') wildcards.add(`${option.value.name}+`);
    }
  }
  const free = LOOPBACK + Object.keys(ids).length;
  const added = [...wildcards].filter((name) => !Object.hasOwn(ids, name)).sort();
  return { ...ids, ...Object.fromEntries(added.map((name, i) => [name, free + i])) };
}

/** IPv4 address that ICMP errors sent from an interface carry, by id: its first, as inet_select_addr picks. */
export function interfaceSources(host: Host, ids: InterfaceIds): number[] {
  const sources = new Array<number>(LOOPBACK + 1 + Object.keys(ids).length).fill(0);
  for (const { name, addresses = [] } of withLoopback(host)) {
    const first = addresses.map((text) => parsePrefix(text)).find((prefix) => prefix?.family === 'ipv4');
    if (first !== undefined) sources[ids[name]!] = first.address[0]!;
  }
  return sources;
}
