// SPDX-License-Identifier: Apache-2.0
// `--attach auto`: the attach kinds that hold most of a ruleset exactly, and why those, as sentences. What each kind
// can hold is asked of the same assessment that stands between rules and a program.
import type { LoadedInput } from '../input/load.js';
import { lower } from '../model/lower.js';
import { LoweringRefusal } from '../model/lower-context.js';
import type { AttachKind } from '../program/attach-kind.js';
import { assess } from '../ruleset/assess/assess.js';
import { viewFor } from '../ruleset/attach-view.js';
import type { Waiver } from '../ruleset/waivers.js';
import { earlyReport } from './early-report.js';

export interface Recommendation {
  readonly kinds: readonly AttachKind[];
  /** What speaks for them, and against the others; the likeliest to matter first. */
  readonly reasons: readonly string[];
}

/** Findings named in a reason; the rest is counted. */
const NAMED = 3;

export function recommend(input: LoadedInput, waivers: readonly Waiver[]): Recommendation {
  const tc = standsAgainst('tc', input, waivers);
  const netfilter = standsAgainst('netfilter', input, waivers);
  if (tc.length > 0 && netfilter.length < tc.length) {
    const rest = netfilter.length > 0 ? [against('netfilter', netfilter)] : [];
    return { kinds: ['netfilter'], reasons: [against('tc', tc), ...rest, ...forNetfilter(input)] };
  }
  if (tc.length > 0) return { kinds: ['tc'], reasons: [against('tc', tc), against('netfilter', netfilter)] };
  const early = earlyDrops(input, waivers);
  if (early > 0) {
    const rules = early === 1 ? '1 rule or policy' : `${String(early)} rules or policies`;
    const reasons = [
      'tc holds every rule exactly',
      `xdp drops early what ${rules} of table raw certainly drop; it needs Linux 5.18`,
    ];
    if (netfilter.length > 0) reasons.push(against('netfilter', netfilter));
    return { kinds: ['tc', 'xdp'], reasons };
  }
  if (netfilter.length > 0)
    return { kinds: ['tc'], reasons: ['tc holds every rule exactly', against('netfilter', netfilter)] };
  return {
    kinds: ['netfilter'],
    reasons: [
      'netfilter holds every rule exactly, on whole datagrams and with the connections that are open already; tc ' +
        'judges fragments piece by piece and begins with no connections',
      ...forNetfilter(input),
    ],
  };
}

/** What is open for that kind, as short names. */
function standsAgainst(kind: AttachKind, input: LoadedInput, waivers: readonly Waiver[]): string[] {
  const { findings, loose, errors } = assess({ ...input, ...viewFor(kind, input) }, waivers);
  const isOpen = ({ waiver }: { readonly waiver?: Waiver }): boolean => waiver === undefined;
  return [
    ...findings.filter(isOpen).map(({ rule: { family, table, chain, number, fidelity } }) => {
      const why = [fidelity.code, fidelity.reason].filter((each) => each !== undefined).join(' ');
      return `${family} ${table}/${chain}:${String(number)}: ${why}`;
    }),
    ...loose.filter(isOpen).map(({ problem: { code, message } }) => `${code} ${message}`),
    ...errors.filter(isOpen).map(({ diagnostic: { code, message } }) => `${code} ${message}`),
  ];
}

function against(kind: AttachKind, open: readonly string[]): string {
  const more = open.length - NAMED;
  return `against ${kind}: ${open.slice(0, NAMED).join('; ')}${more > 0 ? `; and ${String(more)} more` : ''}`;
}

function forNetfilter(input: LoadedInput): string[] {
  const { leftTables } = viewFor('netfilter', input);
  return [...new Set(leftTables.values()), 'netfilter programs need Linux 6.4'];
}

/** Rules and policies that drop at XDP. */
function earlyDrops({ ruleset, host, ...input }: LoadedInput, waivers: readonly Waiver[]): number {
  const { findings } = assess({ ...input, ruleset }, waivers);
  try {
    const { drops, policies } = earlyReport(
      lower(ruleset, host, { waived: new Set(findings.map(({ rule }) => rule.id)) }),
    );
    return drops.length + policies.length;
  } catch (error) {
    if (!(error instanceof LoweringRefusal)) throw error;
    return 0;
  }
}
