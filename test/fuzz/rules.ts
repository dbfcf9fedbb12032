// SPDX-License-Identifier: Apache-2.0
// Random rulesets as iptables-restore text: raw, mangle and filter, user chains with jumps and gotos.
import type { Family } from '../../src/net/family.js';
import { BUILT_IN_CHAINS } from '../../src/ruleset/ruleset.js';
import { anyPrefix, MARKS } from './constants.js';
import { randomMatch } from './matches.js';
import type { Random } from '../../src/replay/directed/random.js';
import type { RandomSet } from './sets.js';

const REJECTS: Readonly<Record<Family, readonly string[]>> = {
  ipv4: [
    'icmp-net-unreachable',
    'icmp-host-unreachable',
    'icmp-port-unreachable',
    'icmp-proto-unreachable',
    'icmp-net-prohibited',
    'icmp-host-prohibited',
    'icmp-admin-prohibited',
  ],
  ipv6: ['icmp6-no-route', 'icmp6-adm-prohibited', 'icmp6-addr-unreachable', 'icmp6-port-unreachable'],
};
const INPUT_CHAINS = new Set(['PREROUTING', 'INPUT', 'FORWARD']);
const OUTPUT_CHAINS = new Set(['FORWARD', 'OUTPUT', 'POSTROUTING']);

interface TableContext {
  readonly random: Random;
  readonly family: Family;
  readonly table: string;
  readonly sets: readonly RandomSet[];
  /** Callable: every user chain that comes after the one being written, so that there are no loops. */
  readonly callable: readonly string[];
}

export function randomRules(random: Random, family: Family, sets: readonly RandomSet[]): string {
  const tables = ['filter'];
  if (random.chance(40)) tables.unshift('mangle');
  if (random.chance(40)) tables.unshift('raw');
  return tables.map((table) => randomTable(random, family, table, sets)).join('');
}

function randomTable(random: Random, family: Family, table: string, sets: readonly RandomSet[]): string {
  const builtIn = BUILT_IN_CHAINS[table] ?? [];
  const user = Array.from({ length: random.between(0, 3) }, (_, i) => `${table.slice(0, 1)}_${String(i)}`);
  const lines = [`*${table}`];
  for (const chain of builtIn) {
    const drops = table === 'filter' ? 40 : 3;
    lines.push(`:${chain} ${random.chance(drops) ? 'DROP' : 'ACCEPT'} [0:0]`);
  }
  for (const chain of user) lines.push(`:${chain} - [0:0]`);
  const most = table === 'filter' ? 9 : 4;
  for (const chain of builtIn) {
    if (table === 'filter' && random.chance(50)) {
      lines.push(`-A ${chain} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`);
    }
    for (let i = random.between(0, most); i > 0; i--) {
      lines.push(rule({ random, family, table, sets, callable: user }, chain, chain));
    }
  }
  user.forEach((chain, at) => {
    for (let i = random.between(0, 5); i > 0; i--) {
      lines.push(rule({ random, family, table, sets, callable: user.slice(at + 1) }, chain));
    }
  });
  lines.push('COMMIT');
  return lines.map((line) => `${line}\n`).join('');
}

function rule(context: TableContext, chain: string, builtIn?: string): string {
  const { random, family, sets } = context;
  const words = [`-A ${chain}`];
  const protocol = randomProtocol(random, family);
  if (protocol !== undefined) words.push(`${protocol.negated ? '! ' : ''}-p ${protocol.name}`);
  const name = protocol === undefined || protocol.negated ? undefined : protocol.name;
  if (random.chance(35)) words.push(`${not(random)}-s ${anyPrefix(random, family)}`);
  if (random.chance(35)) words.push(`${not(random)}-d ${anyPrefix(random, family)}`);
  if ((builtIn === undefined || INPUT_CHAINS.has(builtIn)) && random.chance(20)) {
    words.push(`${not(random)}-i ${random.pick(['eth0', 'eth1', 'eth+', 'lo', 'e+'])}`);
  }
  if ((builtIn === undefined || OUTPUT_CHAINS.has(builtIn)) && random.chance(20)) {
    words.push(`${not(random)}-o ${random.pick(['eth0', 'eth1', 'eth+', 'lo', 'e+'])}`);
  }
  if (family === 'ipv4' && name === undefined && random.chance(1)) words.push(`${not(random)}-f`);
  const limits = random.pick([0, 1, 1, 1, 2, 2, 3]);
  const kinds = new Set<string>();
  for (let i = 0; i < limits; i++) {
    const match = randomMatch({
      random,
      family,
      sets,
      ...(builtIn === undefined ? {} : { builtIn }),
      ...(name === undefined ? {} : { protocol: name }),
    });
    const kind = match.split(' ')[1] ?? '';
    if (match === '' || kinds.has(kind)) continue;
    kinds.add(kind);
    words.push(match);
  }
  const target = randomTarget(context, name);
  if (target !== '') words.push(target);
  // iptables takes no negated /0 and never matches it: its own meaning, but not one to spend rules on.
  return words.join(' ').replace(/! (-[sd] \S+\/0) /g, '$1 ');
}

function not(random: Random): string {
  return random.chance(20) ? '! ' : '';
}

function randomProtocol(random: Random, family: Family): { name: string; negated: boolean } | undefined {
  if (random.chance(25)) return undefined;
  const icmp = family === 'ipv4' ? 'icmp' : 'ipv6-icmp';
  const name = random.pick(['tcp', 'tcp', 'tcp', 'udp', 'udp', icmp, '47']);
  return { name, negated: random.chance(10) };
}

function randomTarget({ random, family, table, callable }: TableContext, protocol?: string): string {
  const verdict = (): string => `-j ${random.pick(['ACCEPT', 'ACCEPT', 'DROP'])}`;
  const ways: (readonly [number, () => string])[] = [
    [table === 'filter' ? 12 : 3, verdict],
    [2, () => '-j RETURN'],
    [1, () => ''],
    [1, () => `-j LOG --log-prefix "f${String(random.between(0, 99))}: "`],
  ];
  if (callable.length > 0) {
    ways.push([5, () => `-j ${random.pick(callable)}`], [2, () => `-g ${random.pick(callable)}`]);
  }
  if (table === 'filter') {
    ways.push([4, () => `-j REJECT --reject-with ${random.pick(REJECTS[family])}`], [1, () => '-j REJECT']);
    if (protocol === 'tcp') ways.push([4, () => '-j REJECT --reject-with tcp-reset']);
  }
  if (table === 'mangle') {
    ways.push([
      8,
      () =>
        `-j MARK --${random.pick(['set-mark', 'set-xmark', 'or-mark', 'and-mark', 'xor-mark'])} ${random.pick(MARKS)}`,
    ]);
  }
  if (table === 'raw') ways.push([3, () => '-j NOTRACK'], [3, () => '-j CT --notrack']);
  return random.choose(ways);
}
