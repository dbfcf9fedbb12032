// SPDX-License-Identifier: Apache-2.0
// Whether the running host still is what was migrated: a program holds own addresses, interfaces, sysctls, sets
// and rules as data, and decides wrongly where they have changed since. Codes IPT1100 to IPT1109; each can be
// waived by name.
import { parseSaveFile } from '../../grammar/index.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import type { Host } from '../host/host.js';
import { sysctl, interfaceSysctl, SYSCTL_FULL_NAMES, type SysctlName } from '../host/sysctls.js';
import { withLoopback } from '../host/routing.js';
import { DEBIAN_NAMES } from '../net/name-services.js';
import type { Family } from '../net/family.js';
import { readSets } from '../ruleset/ipset/sets-builder.js';
import { printSet } from '../ruleset/ipset/print.js';
import { printCanonical } from '../ruleset/print.js';
import { resolve } from '../ruleset/resolve/resolve.js';
import type { Ruleset } from '../ruleset/ruleset.js';
import { Place } from '../snapshot/place.js';
import { takeRules } from '../snapshot/rules.js';
import { takeHost } from '../snapshot/take.js';
import { attachInterfaces } from '../migrate/loader-script.js';
import type { LoadedMigration } from './migration.js';

/** A difference, and where it is when it is in a chain: waivers may name that. */
export interface HostDifference {
  readonly diagnostic: Diagnostic;
  readonly table?: string;
  readonly chain?: string;
  readonly number?: number;
}

/** Sysctls that a program holds; those of conntrack only where the kernel has loaded it. */
const PROGRAM_SYSCTLS: readonly SysctlName[] = [
  'ip_forward',
  'ipv6_forwarding',
  'bc_forwarding',
  'nf_conntrack_checksum',
  'nf_conntrack_tcp_loose',
  'nf_conntrack_tcp_be_liberal',
  'nf_conntrack_tcp_max_retrans',
];
const INTERFACE_SYSCTLS = ['route_localnet', 'accept_local'] as const;
const MOST_TOLD = 5;

/** The running host, by the tools that `snapshot` uses. Throws EnvironmentError where it cannot be read. */
export function readRunningHost(): Host {
  const lacking: string[] = [];
  const { host } = takeHost(Place.here(), (_file, { why }) => lacking.push(why));
  if (host === undefined) throw new EnvironmentError(`the host cannot be read: ${lacking.join('; ')}`);
  return host;
}

/** `rules`: false where iptables was emptied by us, so that nothing is left to compare. */
export function hostDifferences(
  { input, model }: LoadedMigration,
  running: Host,
  rules: boolean,
): HostDifference[] {
  const { host } = input;
  return [
    ...interfaceDifferences(host, running),
    ...addressDifferences(host, running),
    ...sysctlDifferences(host, running, model.hz),
    ...policyRuleDifferences(host, running),
    ...(rules ? ruleDifferences(input.ruleset, running) : []),
    ...setDifferences(input.ruleset),
  ];
}

function difference(code: string, message: string, help?: string): HostDifference {
  return { diagnostic: { code, severity: 'error', message, ...(help !== undefined && { help }) } };
}

function interfaceDifferences(then: Host, now: Host): HostDifference[] {
  const before = new Map(withLoopback(then).map((each) => [each.name, each]));
  const after = new Map(withLoopback(now).map((each) => [each.name, each]));
  const gone = attachInterfaces(then).filter((name) => !after.has(name));
  const born = attachInterfaces(now).filter((name) => !before.has(name));
  const moved = [...before.values()].filter(
    ({ name, master }) => after.has(name) && after.get(name)!.master !== master,
  );
  return [
    ...gone.map((name) => difference('IPT1101', `interface ${name} of the migrated host is not here`)),
    ...born.map((name) => difference('IPT1101', `interface ${name} is new since the migration`)),
    ...moved.map(({ name, master }) =>
      difference(
        'IPT1101',
        `interface ${name} is a port of ${after.get(name)!.master ?? 'none'}, at the migration of ${master ?? 'none'}`,
      ),
    ),
  ];
}

/**
 * Own addresses, those of `lo` aside. On a live host INPUT judges what is sent to unknown ones too, but addrtype,
 * the source of answers and the way of a packet through FORWARD follow the migrated ones.
 */
export function addressDifferences(
  then: Pick<Host, 'interfaces'>,
  now: Pick<Host, 'interfaces'>,
): HostDifference[] {
  const addresses = (host: Pick<Host, 'interfaces'>): Map<string, string> =>
    new Map(
      host.interfaces
        .filter(({ name }) => name !== 'lo')
        .flatMap(({ name, addresses: own = [] }) => own.map((text): [string, string] => [text, name])),
    );
  const before = addresses(then);
  const after = addresses(now);
  const news = [...after].filter(([text]) => !before.has(text));
  const gone = [...before].filter(([text]) => !after.has(text));
  return [
    ...news.map(([text, name]) =>
      difference(
        'IPT1100',
        `${text} of ${name} is new since the migration`,
        "programs do not know it as the host's own: take a snapshot and migrate again",
      ),
    ),
    ...gone.map(([text, name]) => difference('IPT1100', `${text} of ${name} is gone since the migration`)),
  ];
}

function sysctlDifferences(then: Host, now: Host, hz: number): HostDifference[] {
  const found: HostDifference[] = [];
  const compare = (name: string, before: number, after: number): void => {
    if (before !== after)
      found.push(difference('IPT1102', `${name} is ${String(after)}, at the migration ${String(before)}`));
  };
  for (const name of PROGRAM_SYSCTLS) {
    const full = SYSCTL_FULL_NAMES[name];
    if (full in now.sysctls) compare(full, sysctl(then, name), sysctl(now, name));
  }
  for (const { name } of now.interfaces)
    for (const setting of INTERFACE_SYSCTLS)
      compare(
        `net.ipv4.conf.${name}.${setting}`,
        interfaceSysctl(then, name, setting),
        interfaceSysctl(now, name, setting),
      );
  for (const [name, value] of Object.entries(now.sysctls)) {
    const before = then.sysctls[name];
    if (/^net\.netfilter\.nf_conntrack_.*timeout/.test(name) && before !== undefined)
      compare(name, Number(before), Number(value));
  }
  if (now.hz !== undefined) compare('CONFIG_HZ, in which limits and lifetimes count,', hz, now.hz);
  return found;
}

function policyRuleDifferences(then: Host, now: Host): HostDifference[] {
  if (then.rules === undefined) return [];
  const texts = (host: Host): string[] =>
    (host.rules ?? []).map((rule) => JSON.stringify(rule, Object.keys(rule).sort()));
  const before = texts(then);
  const after = texts(now);
  return [
    ...after.filter((text) => !before.includes(text)).map((text) => ['new', text] as const),
    ...before.filter((text) => !after.includes(text)).map((text) => ['gone', text] as const),
  ].map(([what, text]) => difference('IPT1103', `the routing rule ${text} is ${what} since the migration`));
}

interface ChainText {
  readonly table: string;
  readonly chain: string;
  readonly family: Family;
  policy: string;
  readonly rules: string[];
}

function ruleDifferences(migrated: Ruleset, host: Host): HostDifference[] {
  return (['ipv4', 'ipv6'] as const).flatMap((family) => {
    if (migrated[family] === undefined) return [];
    const { taken, lacking } = takeRules(Place.here(), family, undefined);
    if (taken === undefined)
      return [
        difference('IPT1104', `${family} rules cannot be read: ${lacking.map(({ why }) => why).join('; ')}`),
      ];
    const { file } = parseSaveFile({ name: `running ${family} rules`, text: taken.text }, { family });
    const { sets } = migrated;
    const { ruleset } = resolve({ files: [file], sets, names: DEBIAN_NAMES, host });
    return compareChains(chainsOf(migrated, family), chainsOf(ruleset, family));
  });
}

function chainsOf(ruleset: Ruleset, family: Family): Map<string, ChainText> {
  const chains = new Map<string, ChainText>();
  const rules = ruleset[family];
  let table = '';
  for (const line of (rules === undefined ? '' : printCanonical(rules, DEBIAN_NAMES)).split('\n')) {
    const [first = '', second = ''] = line.split(' ');
    if (line.startsWith('*')) table = line.slice(1);
    else if (line.startsWith(':')) {
      const chain = first.slice(1);
      chains.set(`${table}/${chain}`, { table, chain, family, policy: second, rules: [] });
    } else if (line.startsWith('-A ')) chains.get(`${table}/${second}`)?.rules.push(line);
  }
  return chains;
}

function compareChains(
  then: ReadonlyMap<string, ChainText>,
  now: ReadonlyMap<string, ChainText>,
): HostDifference[] {
  const found: HostDifference[] = [];
  for (const key of new Set([...then.keys(), ...now.keys()])) {
    const { table, chain, family } = (then.get(key) ?? now.get(key))!;
    const before = then.get(key) ?? { policy: 'ACCEPT', rules: [] };
    const after = now.get(key) ?? { policy: 'ACCEPT', rules: [] };
    const tell = (message: string, number?: number): void => {
      const place = `${family} ${table}/${chain}${number === undefined ? '' : `:${String(number)}`}`;
      const at = difference('IPT1104', `${place} ${message}`, 'take a snapshot and migrate again');
      found.push({ ...at, table, chain, ...(number !== undefined && { number }) });
    };
    const isBuiltIn = [before.policy, after.policy].some(
      (policy) => policy === 'ACCEPT' || policy === 'DROP',
    );
    if (isBuiltIn && before.policy !== after.policy && ![before.policy, after.policy].includes('-'))
      tell(`has the policy ${after.policy}, at the migration ${before.policy}`);
    const differing = [...Array(Math.max(before.rules.length, after.rules.length)).keys()].filter(
      (i) => before.rules[i] !== after.rules[i],
    );
    for (const i of differing.slice(0, MOST_TOLD))
      tell(`is ${quoted(after.rules[i])}, at the migration ${quoted(before.rules[i])}`, i + 1);
    if (differing.length > MOST_TOLD) tell(`differs in ${String(differing.length - MOST_TOLD)} more rules`);
  }
  return found;
}

function quoted(rule: string | undefined): string {
  return rule === undefined ? 'not there' : `\`${rule}\``;
}

function setDifferences({ sets }: Ruleset): HostDifference[] {
  if (sets.size === 0) return [];
  const told = Place.here().run('ipset', ['save']);
  if (!('text' in told)) return [difference('IPT1105', `sets cannot be read: ${told.why}`)];
  const running = readSets([{ name: 'running sets', text: told.text }], DEBIAN_NAMES).sets;
  const lines = (set: Parameters<typeof printSet>[0] | undefined): Set<string> =>
    new Set(
      set === undefined
        ? []
        : [...printSet(set, DEBIAN_NAMES)]
            .slice(1)
            .map((line) => line.replace(/ (?:timeout|packets|bytes) \d+/g, '').trim()),
    );
  return [...sets.values()].flatMap((set) => {
    const now = running.get(set.name);
    if (now === undefined) return [difference('IPT1105', `the set ${set.name} is not here`)];
    const before = lines(set);
    const after = lines(now);
    const changes = [
      ...[...after].filter((line) => !before.has(line)).map((line) => `new: ${line}`),
      ...[...before].filter((line) => !after.has(line)).map((line) => `gone: ${line}`),
    ];
    if (changes.length === 0) return [];
    const more = changes.length > MOST_TOLD ? ` and ${String(changes.length - MOST_TOLD)} more` : '';
    return [
      difference(
        'IPT1105',
        `the set ${set.name} has changed since the migration: ${changes.slice(0, MOST_TOLD).join(', ')}${more}`,
      ),
    ];
  });
}
