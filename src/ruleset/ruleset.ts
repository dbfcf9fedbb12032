// SPDX-License-Identifier: Apache-2.0
// The resolved ruleset: chains bound, options typed, sets bound. The reference evaluator walks this
// form; lowering turns it into the model. Readonly after resolve.
import type { Counters } from '../ast/nodes.js';
import type { MaskedAddress } from '../net/address.js';
import type { Family } from '../net/family.js';
import type { InterfacePattern } from '../net/interface-pattern.js';
import type { Span } from '../source/span.js';
import type { Match } from './matches/index.js';
import type { IpSet } from './sets.js';
import type { Target } from './targets/index.js';

export interface Negatable<T> {
  readonly value: T;
  readonly negated: boolean;
}

/** What struct ipt_ip / ip6t_ip6 hold: judged before any match (net/ipv4/netfilter/ip_tables.c ip_packet_match). */
export interface RuleHeader {
  readonly source?: Negatable<MaskedAddress>;
  readonly destination?: Negatable<MaskedAddress>;
  readonly inInterface?: Negatable<InterfacePattern>;
  readonly outInterface?: Negatable<InterfacePattern>;
  /** IP protocol number; 0 (all) is left out. */
  readonly protocol?: Negatable<number>;
  /** `-f`. */
  readonly fragment?: Negatable<true>;
}

/** How faithfully something can be carried over. Ordered from best to worst. */
export type FidelityState = 'exact' | 'no-effect' | 'approximate' | 'unsupported';

export interface Fidelity {
  readonly state: FidelityState;
  /** For `approximate`: whether the program matches more (over) or fewer (under) packets than the rule. */
  readonly direction?: 'over' | 'under' | 'both';
  /** Why, for all but `exact`. */
  readonly reason?: string;
  /** Code a waiver can name, e.g. `IPT0310`. */
  readonly code?: string;
}

export interface Rule {
  /** Unique over the whole ruleset (both families), dense from 0 in file order: index of program counters. */
  readonly id: number;
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  /** 1-based within its chain. */
  readonly number: number;
  readonly span: Span;
  readonly text: string;
  readonly counters?: Counters;
  readonly header: RuleHeader;
  readonly matches: readonly Match[];
  readonly target: Target;
  readonly fidelity: Fidelity;
  /**
   * The line could not be read, or the kernel would refuse it: what it does is not known. It keeps its place,
   * with whatever of its header was read, no matches and an unknown target, so a packet that meets it is undecided.
   */
  readonly unread?: true;
}

export interface Chain {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  /** Present on built-in chains only. */
  readonly chainPolicy?: 'ACCEPT' | 'DROP';
  readonly counters?: Counters;
  readonly rules: readonly Rule[];
  /** True when the dump does not name the chain and it exists only because the kernel has it. */
  readonly implied: boolean;
}

export interface Table {
  readonly family: Family;
  readonly name: string;
  /** By name, in file order. Built-in chains are always present. */
  readonly chains: ReadonlyMap<string, Chain>;
}

/** Only tables that the dump names are present. */
export interface FamilyRuleset {
  readonly family: Family;
  readonly tables: ReadonlyMap<string, Table>;
}

export interface Ruleset {
  readonly ipv4?: FamilyRuleset;
  readonly ipv6?: FamilyRuleset;
  readonly sets: ReadonlyMap<string, IpSet>;
  /** All rules by id. */
  readonly rules: readonly Rule[];
}

/** Built-in chains by table, in the order iptables-save prints them. */
export const BUILT_IN_CHAINS: Readonly<Record<string, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
};
