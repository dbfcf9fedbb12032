// SPDX-License-Identifier: Apache-2.0
// Tables while they are resolved: rules decoded one by one, chains not yet judged as a graph.
import type { ChainNode, RuleNode } from '../../ast/nodes.js';
import type { Family } from '../../net/family.js';
import type { Span } from '../../source/span.js';
import type { Match } from '../matches/index.js';
import type { Fidelity, RuleHeader } from '../ruleset.js';
import type { Target } from '../targets/index.js';
import type { Hook } from './placement.js';

/** Why a rule is not read: the message that was given, as its fidelity. */
export interface Complaint {
  readonly code: string;
  readonly reason: string;
}

export interface RuleDraft {
  /** Absent for a line that the grammar could not read. */
  readonly node: RuleNode | undefined;
  readonly span: Span;
  readonly text: string;
  readonly header: RuleHeader;
  readonly matches: readonly Match[];
  readonly target: Target;
  /** What header, matches and target come to by themselves. */
  readonly fidelity: Fidelity;
  /** Set when the rule is not read: by the grammar, by a codec, or since it closes a loop. */
  complaint: Complaint | undefined;
  /** Set when the rule can be read and the kernel would refuse it where it stands. */
  refusal?: Complaint;
  /** Hooks from which packets can come here; filled by the walk over the chain graph. */
  readonly hooks: Set<Hook>;
}

export interface ChainDraft {
  readonly name: string;
  readonly node: ChainNode | undefined;
  readonly builtIn: boolean;
  readonly rules: RuleDraft[];
}

export interface TableDraft {
  readonly family: Family;
  readonly name: string;
  readonly chains: Map<string, ChainDraft>;
}

/** True when the rule ends its chain for every packet: a verdict without any condition. */
export function isUnconditionalVerdict(rule: RuleDraft): boolean {
  if (rule.complaint !== undefined || rule.matches.length > 0) return false;
  if (Object.keys(rule.header).length > 0) return false;
  return rule.target.kind === 'verdict' || (rule.target.kind === 'opaque' && rule.target.name === 'QUEUE');
}
