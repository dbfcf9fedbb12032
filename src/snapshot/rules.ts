// SPDX-License-Identifier: Apache-2.0
// The rules of one family, by the backend that holds them. The kernel can hold rules of iptables-legacy and of
// iptables-nft at once and asks both; one dump cannot say that, so the other dump is kept beside it.
import type { Family } from '../net/family.js';
import type { Place, Told } from './place.js';

export type Backend = 'legacy' | 'nft';

export interface RulesTaken {
  readonly backend: Backend;
  readonly text: string;
  /** Dump of the other backend, where it holds rules too. */
  readonly beside?: string;
}

export interface RulesResult {
  readonly taken?: RulesTaken;
  /** What kept a backend from being read. */
  readonly lacking: readonly Exclude<Told, { text: string }>[];
}

/** `wanted`: what --backend says. Else the backend with rules, and of two the one that `iptables` stands for. */
export function takeRules(place: Place, family: Family, wanted: Backend | undefined): RulesResult {
  const prefix = family === 'ipv4' ? 'iptables' : 'ip6tables';
  const texts = new Map<Backend, string>();
  const lacking: Exclude<Told, { text: string }>[] = [];
  for (const backend of ['legacy', 'nft'] as const) {
    const told = place.run(`${prefix}-${backend}-save`, ['-c']);
    if ('text' in told) texts.set(backend, told.text);
    else if (!told.missing || backend === wanted) lacking.push(told);
  }
  if (texts.size === 0 && lacking.length === 0)
    lacking.push({
      missing: true,
      why: `\`${prefix}\` is not installed`,
      suggestion: 'apt-get install iptables',
    });
  const holding = [...texts.keys()].filter((backend) => holdsRules(texts.get(backend)!));
  const backend = wanted ?? (holding.length === 1 ? holding[0]! : usual(place, prefix, texts));
  const text = texts.get(backend);
  if (text === undefined) return { lacking };
  const other = backend === 'legacy' ? 'nft' : 'legacy';
  const beside = holding.includes(other) ? texts.get(other) : undefined;
  return { taken: { backend, text, ...(beside !== undefined && { beside }) }, lacking };
}

/** A rule, a chain of the user's, or a policy that refuses. */
function holdsRules(text: string): boolean {
  return /^(?:\[\d+:\d+\] )?-A |^:\S+ (?:DROP|-) /m.test(text);
}

function usual(place: Place, prefix: string, texts: ReadonlyMap<Backend, string>): Backend {
  const told = place.run(prefix, ['--version']);
  const backend: Backend = 'text' in told && told.text.includes('legacy') ? 'legacy' : 'nft';
  return texts.has(backend) ? backend : backend === 'nft' ? 'legacy' : 'nft';
}

/** Rules by table, in the order of the dump. */
export function countRules(text: string): { readonly table: string; readonly rules: number }[] {
  const counts: { table: string; rules: number }[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) counts.push({ table: line.slice(1).trim(), rules: 0 });
    else if (/^(?:\[\d+:\d+\] )?-A /.test(line)) counts.at(-1)!.rules++;
  }
  return counts;
}
