// SPDX-License-Identifier: Apache-2.0
// What a model means: one phase walked entry by entry, as net/ipv4/netfilter/ip_tables.c ipt_do_table walks
// rules. Nothing is looked up faster than by trying; tables and programs are held against this.
import { STATE } from '../program/layout.js';
import { holds } from './box.js';
import { FIELD } from './fields.js';
import type { FieldName } from './fields.js';
import type { Entry, FamilyModel, ModelChain, PhaseName, Test } from './model.js';

export interface PhaseOutcome {
  readonly verdict: 'accept' | 'drop' | 'reject';
  /** Id of the rule or chain end that spoke last. */
  readonly by: number;
  /** True when a match dropped the packet: no rule counted it. */
  readonly hotdrop: boolean;
  /** Ids that counted the packet, in order. */
  readonly hits: readonly number[];
}

type LimitTest = Extract<Test, { readonly kind: 'limit' }>;

/**
 * Walks the base chains of a phase. `fields` is the packet's vector, and MARK and NOTRACK write to it.
 * `allows` answers token buckets. A phase without chains accepts: `by` is then -1.
 */
export function runPhase(
  family: FamilyModel,
  phase: PhaseName,
  fields: Uint32Array,
  allows: (test: LimitTest) => boolean,
): PhaseOutcome {
  const walk = new Walk(family, fields, allows);
  let by = -1;
  for (const key of family.phases[phase] ?? []) {
    const end = walk.base(family.chains[key]!);
    if (end.verdict !== 'accept') return { ...end, hits: walk.hits };
    by = end.by;
  }
  return { verdict: 'accept', by, hotdrop: false, hits: walk.hits };
}

type Ending = Omit<PhaseOutcome, 'hits'>;

/** `return`: back to the caller, or to its policy from a base chain. */
type Step = Ending | 'next' | 'return';

class Walk {
  readonly hits: number[] = [];

  constructor(
    private readonly family: FamilyModel,
    private readonly fields: Uint32Array,
    private readonly allows: (test: LimitTest) => boolean,
  ) {}

  base(chain: ModelChain): Ending {
    const step = this.chain(chain);
    if (typeof step !== 'string') return step;
    this.hits.push(chain.end);
    return { verdict: chain.policy === 'ACCEPT' ? 'accept' : 'drop', by: chain.end, hotdrop: false };
  }

  /** Entries in order; the end of a user chain counts and returns. */
  private chain(chain: ModelChain): Step {
    for (const entry of chain.entries) {
      const step = this.entry(entry);
      if (step !== 'next') return step;
    }
    if (chain.policy === undefined) this.hits.push(chain.end);
    return 'return';
  }

  private entry({ rule, tests, action }: Entry): Step {
    for (const test of tests) {
      if (test.kind === 'limit') {
        if (!this.allows(test)) return 'next';
        continue;
      }
      if (holds(test.hotdrop, (key) => this.value(key))) return { verdict: 'drop', by: rule, hotdrop: true };
      if (!holds(test.match, (key) => this.value(key))) return 'next';
    }
    this.hits.push(rule);
    switch (action.kind) {
      case 'accept':
      case 'drop':
      case 'reject':
        return { verdict: action.kind, by: rule, hotdrop: false };
      case 'return':
        return 'return';
      case 'jump': {
        const step = this.chain(this.family.chains[action.chain]!);
        // After a goto, the callee's end is this chain's end.
        return step === 'return' && !action.goto ? 'next' : step;
      }
      case 'mark':
        this.fields[FIELD.MARK] = (this.fields[FIELD.MARK]! & action.and) ^ action.xor;
        return 'next';
      case 'notrack':
        if (this.fields[FIELD.CT] === STATE.values.INVALID) this.fields[FIELD.CT] = STATE.values.UNTRACKED;
        return 'next';
      case 'count':
      case 'log':
        return 'next';
    }
  }

  private value(key: string): number {
    const derived = this.family.derived[key];
    if (derived === undefined) return this.fields[FIELD[key as FieldName]]!;
    if (derived.kind === 'masked') return (this.fields[FIELD[derived.field]]! & derived.mask) >>> 0;
    return holds(derived.boxes, (each) => this.value(each)) ? 1 : 0;
  }
}
