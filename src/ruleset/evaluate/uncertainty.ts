// SPDX-License-Identifier: Apache-2.0
// What an undecided packet leaves behind: nobody knows which rules it met after the one that can't be
// evaluated, nor what answers they sent, so all that rules remember is no longer known for certain.
import type { OpaqueTarget } from '../targets/opaque.js';
import type { BoundMatch } from '../matches/evaluate.js';
import type { CompiledTable } from './compiled-chain.js';
import { type BoundSet, UNKNOWN_SET } from './sets/bound-set.js';
import type { Skb } from './skb.js';

const TRANSLATING: ReadonlySet<string> = new Set(['DNAT', 'MASQUERADE', 'NETMAP', 'REDIRECT', 'SNAT']);

export class Uncertainty {
  /** Matches that count packets. */
  private readonly counting: readonly BoundMatch[];
  /** Sets that packets can change, through `-j SET`. */
  private readonly changeable: readonly string[];
  /** True when some rule sets connection marks. */
  readonly marksConnections: boolean;
  /** True when some rule translates addresses. */
  readonly translates: boolean;

  constructor(
    tables: readonly CompiledTable[],
    private readonly sets: Map<string, BoundSet>,
  ) {
    const rules = tables.flatMap((table) => [...table.chains.values()].flatMap((chain) => chain.rules));
    this.counting = rules.flatMap((rule) => rule.matches.filter((bound) => bound.blur !== undefined));
    const opaque = rules.flatMap(({ target }) => (target.kind === 'opaque' ? [target] : []));
    this.changeable = opaque.filter((target) => target.name === 'SET').flatMap(changedSets);
    this.translates = opaque.some((target) => TRANSLATING.has(target.name));
    this.marksConnections = opaque.some((target) => target.name === 'CONNMARK');
  }

  spread(skb: Skb): void {
    for (const bound of this.counting) bound.blur?.();
    for (const name of this.changeable) this.sets.set(name, UNKNOWN_SET);
    if (this.marksConnections && skb.connection !== undefined) skb.connection.markUnknown = true;
  }
}

function changedSets(target: OpaqueTarget): string[] {
  return target.options
    .filter((option) => option.name === '--add-set' || option.name === '--del-set')
    .flatMap((option) => option.args.slice(0, 1).map((argument) => argument.text));
}
