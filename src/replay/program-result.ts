// SPDX-License-Identifier: Apache-2.0
// What a program wrote about the last packet (map `results`, layout RESULT), in the words of the verdict
// record. Rule ids become references here; ids of chain policies follow those of the rules.
import type { Model } from '../model/model.js';
import type { Ruleset } from '../ruleset/ruleset.js';
import { memberOffset } from '../program/layout-codec.js';
import {
  HOOK,
  MAX_HITS,
  MAX_LOGS,
  NO_RULE,
  REASON,
  REJECT_KIND,
  rejectKindName,
  RESULT,
  STATE,
  VERDICT,
} from '../program/layout.js';
import type { RuleReference, VerdictRecord } from './verdict.js';

/** `pass`: the program leaves the packet to others. */
export type ProgramVerdict = 'pass' | 'accept' | 'drop' | 'reject' | 'stack';

const VERDICTS: ReadonlyMap<number, ProgramVerdict> = new Map([
  [VERDICT.values.PASS, 'pass'],
  [VERDICT.values.ACCEPT, 'accept'],
  [VERDICT.values.DROP, 'drop'],
  [VERDICT.values.REJECT, 'reject'],
  [VERDICT.values.STACK, 'stack'],
]);

const REASONS: ReadonlyMap<number, string> = new Map([
  [REASON.values.RULE, 'rule'],
  [REASON.values.POLICY, 'policy'],
  [REASON.values.HOTDROP, 'rule'],
  [REASON.values.CONNTRACK, 'conntrack'],
  [REASON.values.STACK, 'stack'],
  [REASON.values.BUDGET, 'unsupported'],
  [REASON.values.FRAGMENT, 'fragment'],
]);

const PATHS: ReadonlyMap<number, 'input' | 'forward' | 'output'> = new Map([
  [HOOK.values.INPUT, 'input'],
  [HOOK.values.FORWARD, 'forward'],
  [HOOK.values.OUTPUT, 'output'],
]);

const STATES: ReadonlyMap<number, NonNullable<VerdictRecord['state']>> = new Map([
  [STATE.values.NEW, 'NEW'],
  [STATE.values.ESTABLISHED, 'ESTABLISHED'],
  [STATE.values.RELATED, 'RELATED'],
  [STATE.values.INVALID, 'INVALID'],
  [STATE.values.UNTRACKED, 'UNTRACKED'],
]);

/** By kind. */
const REJECT_NAMES = Object.values(REJECT_KIND.values).map(rejectKindName);

const NO_LOG: readonly string[] = [];

const AT = Object.fromEntries(
  RESULT.fields.map(({ name }) => [name, memberOffset(RESULT, name)]),
) as Readonly<Record<(typeof RESULT.fields)[number]['name'], number>>;

/** Reads the map's value in place: each getter tells of the last packet. */
export class ProgramResult {
  private readonly view: DataView;
  private readonly references: (RuleReference | undefined)[] = [];

  constructor(
    bytes: Uint8Array,
    private readonly model: Model,
    private readonly ruleset: Ruleset,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Counts the packets recorded: a run that leaves it alone recorded none. */
  get sequence(): number {
    return this.view.getUint32(AT.sequence, true);
  }

  verdict(): ProgramVerdict {
    return VERDICTS.get(this.word(AT.verdict)) ?? 'pass';
  }

  get reason(): string | undefined {
    return REASONS.get(this.word(AT.reason));
  }

  /** Undefined for PREROUTING: which way the packet would have gone isn't known there. */
  get path(): 'input' | 'forward' | 'output' | undefined {
    return PATHS.get(this.word(AT.hook));
  }

  get rule(): RuleReference | undefined {
    const id = this.word(AT.rule);
    return id === NO_RULE || this.word(AT.reason) === REASON.values.HOTDROP ? undefined : this.reference(id);
  }

  get state(): VerdictRecord['state'] | undefined {
    return STATES.get(this.word(AT.state));
  }

  get isReply(): boolean {
    return this.word(AT.direction) === 1;
  }

  get mark(): number {
    return this.word(AT.mark);
  }

  /** Number of the interface that the program expects the packet to leave by; 0 = none. */
  get output(): number {
    return this.word(AT.output);
  }

  /** Kind of the answer sent to a rejected packet; undefined when it got none. */
  get rejectWith(): string | undefined {
    return this.word(AT.answered) === 0 ? undefined : REJECT_NAMES[this.word(AT.reject)];
  }

  /** Prefixes of the LOG rules met. */
  get log(): readonly string[] {
    const count = Math.min(this.word(AT.log_count), MAX_LOGS);
    if (count === 0) return NO_LOG;
    return Array.from({ length: count }, (_, index) => {
      const target = this.ruleset.rules[this.word(AT.logs + 4 * index)]?.target;
      return target?.kind === 'LOG' ? target.prefix : '';
    });
  }

  /** Rules and policies met, in the kernel's words. */
  get trace(): string[] {
    const count = Math.min(this.word(AT.hit_count), MAX_HITS);
    return Array.from({ length: count }, (_, index) => this.nameOf(this.word(AT.hits + 4 * index)));
  }

  /** `filter:INPUT:rule:3` */
  nameOf(id: number): string {
    const rule = this.ruleset.rules[id];
    if (rule !== undefined) {
      return `${rule.table}:${rule.chain}:rule:${String(rule.number)}`;
    }
    const policy = this.model.policies[id - this.model.ruleCount];
    if (policy === undefined) return `?:${String(id)}`;
    const rules =
      this.ruleset[policy.family]?.tables.get(policy.table)?.chains.get(policy.chain)?.rules.length ?? 0;
    return `${policy.table}:${policy.chain}:${policy.kind}:${String(rules + 1)}`;
  }

  /** The same object for the same id: records share it. */
  private reference(id: number): RuleReference | undefined {
    return (this.references[id] ??= this.makeReference(id));
  }

  private makeReference(id: number): RuleReference | undefined {
    const rule = this.ruleset.rules[id];
    if (rule !== undefined) {
      const { family, table, chain, number, span } = rule;
      return { family, table, chain, number, line: span.line };
    }
    const policy = this.model.policies[id - this.model.ruleCount];
    if (policy?.kind !== 'policy') return undefined;
    const { family, table, chain } = policy;
    return { family, table, chain, policy: true };
  }

  private word(at: number): number {
    return this.view.getUint32(at, true);
  }
}
