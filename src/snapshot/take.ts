// SPDX-License-Identifier: Apache-2.0
// The running host as a snapshot (ARCHITECTURE.md, command line): each part by the tool that prints it, as far
// as this user may; what could not be read is said with its reason.
import type { Host } from '../host/host.js';
import { kernelHz } from '../kernel/clock-rate.js';
import type { Family } from '../net/family.js';
import { hostFromIp, type IpListing } from './host.js';
import type { Place, Told } from './place.js';
import { countRules, takeRules, type Backend } from './rules.js';
import { readSysctls } from './sysctls.js';

export interface Lacking {
  /** The file that is absent, or not whole, for it. */
  readonly file: string;
  readonly why: string;
  readonly suggestion?: string;
}

export interface RulesSummary {
  readonly family: Family;
  readonly backend: Backend;
  readonly tables: readonly { readonly table: string; readonly rules: number }[];
  /** Rules of the other backend, which the kernel asks too. */
  readonly beside?: { readonly backend: Backend; readonly rules: number };
}

/** Counts are absent where nothing could be read. */
export interface SnapshotSummary {
  readonly rules: readonly RulesSummary[];
  readonly sets?: number;
  readonly interfaces?: number;
  readonly routes?: number;
  readonly connections?: number;
  readonly lacking: readonly Lacking[];
  /** What the files leave out of what was read. */
  readonly notes: readonly string[];
}

export interface TakenSnapshot {
  /** latin1 texts by file name. */
  readonly files: ReadonlyMap<string, string>;
  readonly summary: SnapshotSummary;
}

export function takeSnapshot(place: Place, backend?: Backend): TakenSnapshot {
  const files = new Map<string, string>();
  const lacking: Lacking[] = [];
  const lacks = (file: string, told: Exclude<Told, { text: string }>): void => {
    lacking.push({ file, why: told.why, ...(told.missing && { suggestion: told.suggestion }) });
  };
  const take = (file: string, command: string, args: readonly string[]): string | undefined => {
    const told = place.run(command, args);
    if (!('text' in told)) {
      lacks(file, told);
      return undefined;
    }
    if (told.text.trim() !== '') files.set(file, told.text);
    return told.text;
  };

  const rules: RulesSummary[] = [];
  for (const [family, suffix] of [
    ['ipv4', 'v4'],
    ['ipv6', 'v6'],
  ] as const) {
    const result = takeRules(place, family, backend);
    for (const told of result.lacking) lacks(`rules.${suffix}`, told);
    if (result.taken === undefined) continue;
    const { text, beside } = result.taken;
    if (text.trim() !== '') files.set(`rules.${suffix}`, text);
    if (beside !== undefined) files.set(`beside.${suffix}`, beside);
    rules.push(rulesSummary(family, result.taken.backend, text, beside));
  }
  const sets = take('ipset.save', 'ipset', ['save']);
  const { host, notes } = takeHost(place, lacks);
  if (host !== undefined) {
    files.set('host.json', `${JSON.stringify(host, null, 1)}\n`);
    if (host.hz === undefined)
      lacking.push({ file: 'host.json', why: 'HZ of the kernel is not told: 250 is assumed' });
  }
  take('nft.txt', 'nft', ['list', 'ruleset']);
  const connections = take('conntrack.txt', 'conntrack', ['-L', '-o', 'extended,id']);
  const bpf = takePrograms(place, lacks);
  if (bpf !== undefined) files.set('bpf.json', bpf);
  return {
    files,
    summary: {
      rules,
      ...(sets !== undefined && { sets: count(sets, /^create /gm) }),
      ...(host !== undefined && { interfaces: host.interfaces.length, routes: host.routes.length }),
      ...(connections !== undefined && { connections: count(connections, /^ipv[46] /gm) }),
      lacking,
      notes,
    },
  };
}

function rulesSummary(family: Family, backend: Backend, text: string, beside?: string): RulesSummary {
  const other = backend === 'legacy' ? 'nft' : 'legacy';
  return {
    family,
    backend,
    tables: countRules(text),
    ...(beside !== undefined && {
      beside: { backend: other, rules: countRules(beside).reduce((sum, each) => sum + each.rules, 0) },
    }),
  };
}

export type Lacks = (file: string, told: Exclude<Told, { text: string }>) => void;

/** The host alone; `lacks` hears why a part could not be read. */
export function takeHost(
  place: Place,
  lacks: Lacks,
): { readonly host?: Host; readonly notes: readonly string[] } {
  const listing = takeIpListing(place, lacks);
  if (listing === undefined) return { notes: [] };
  const { host, notes } = hostFromIp(listing);
  const sysctls = readSysctls(
    place,
    host.interfaces.map(({ name }) => name),
  );
  const hz = kernelHz();
  return { host: { ...host, sysctls, ...(hz !== undefined && { hz }) }, notes };
}

function takeIpListing(place: Place, lacks: Lacks): IpListing | undefined {
  let whole = true;
  const ask = (...args: string[]): IpListing['links'] => {
    if (!whole) return [];
    const told = place.run('ip', ['-json', ...args]);
    if ('text' in told) return JSON.parse(told.text.trim() || '[]') as IpListing['links'];
    lacks('host.json', told);
    whole = false;
    return [];
  };
  const listing = {
    links: ask('-details', 'address', 'show'),
    routes: {
      ipv4: ask('-4', 'route', 'show', 'table', 'all'),
      ipv6: ask('-6', 'route', 'show', 'table', 'all'),
    },
    rules: { ipv4: ask('-4', 'rule', 'show'), ipv6: ask('-6', 'rule', 'show') },
  };
  return whole ? listing : undefined;
}

/** Programs on interfaces, control groups and links; undefined when there are none, or none could be asked for. */
function takePrograms(place: Place, lacks: Lacks): string | undefined {
  const parts: Record<string, unknown> = {};
  for (const [name, args] of [
    ['net', ['net', 'show']],
    ['cgroups', ['cgroup', 'tree']],
    ['links', ['link', 'show']],
  ] as const) {
    const told = place.run('bpftool', ['-j', ...args]);
    if ('text' in told) parts[name] = JSON.parse(told.text.trim() || 'null');
    else {
      lacks('bpf.json', told);
      if (told.missing) break;
    }
  }
  return Object.keys(parts).length === 0 ? undefined : `${JSON.stringify(parts, null, 1)}\n`;
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
