// SPDX-License-Identifier: Apache-2.0
// The verdict record: one per packet, the unit that runners print and verify compares. Absent = not applicable.

export type Verdict = 'accept' | 'drop' | 'reject' | 'held' | 'undecided' | 'deferred' | 'not-ip' | 'refused';

export interface RuleReference {
  readonly family?: 'ipv4' | 'ipv6';
  readonly table: string;
  readonly chain: string;
  /** 1-based; absent where `policy` is true. */
  readonly number?: number;
  readonly line?: number;
  readonly policy?: true;
}

export interface Translated {
  readonly source?: string;
  readonly sourcePort?: number;
  readonly destination?: string;
  readonly destinationPort?: number;
}

export interface VerdictRecord {
  readonly index: number;
  readonly interface?: string;
  /** Hook family of the deciding chain. */
  readonly path?: 'input' | 'forward' | 'output';
  readonly verdict: Verdict;
  /** `stack`: the IP stack itself (TTL, martian, no route). */
  readonly reason?: 'rule' | 'policy' | 'stack' | 'conntrack' | 'unsupported' | (string & {});
  readonly rule?: RuleReference;
  readonly output?: string;
  readonly rejectWith?: string;
  readonly translated?: Translated;
  readonly mark?: number;
  readonly connectionMark?: number;
  readonly state?: 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED';
  readonly direction?: 'reply';
  readonly ttl?: number;
  readonly tos?: number;
  readonly log?: readonly string[];
  /** Hex of answers sent (REJECT, ICMP errors), where the runner sees them. */
  readonly replies?: readonly string[];
  /** `table:CHAIN:rule:N`, `:policy:N`, `:return:N`, in order. */
  readonly trace?: readonly string[];
}
