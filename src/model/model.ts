// SPDX-License-Identifier: Apache-2.0
// The model: what a ruleset means, over the packet's fields and a little state, with nothing left to
// look up. Per family, phases in the order a packet meets them; per phase, base chains in order; per
// chain, entries in order. No option names, no interfaces by name, no sets by name.
// What is true of it: jumps name chains of the same table, without loops; interface ids, set members,
// address types are numbers already; every entry names the rule it came from.
import type { RejectWith } from '../ruleset/targets/reject.js';
import type { Family } from '../net/family.js';
import type { Boxes } from './box.js';
import type { FieldName } from './fields.js';

/** A dimension that is computed from fields when a chain needs it. Its key is used in boxes. */
export type Derived =
  | { readonly kind: 'masked'; readonly key: string; readonly field: FieldName; readonly mask: number }
  /** 1 where any box holds, else 0: membership in a set too large to stand in a rule. */
  | { readonly kind: 'member'; readonly key: string; readonly note: string; readonly boxes: Boxes };

export type Test =
  /** `hotdrop` and `match` are disjoint: hotdrop ends the walk with DROP, nothing counted. */
  | { readonly kind: 'fields'; readonly match: Boxes; readonly hotdrop: Boxes }
  /** A token bucket; `average` and `burst` as in the kernel's struct xt_rateinfo. */
  | { readonly kind: 'limit'; readonly index: number; readonly average: number; readonly burst: number };

export type Action =
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'return' }
  | { readonly kind: 'jump'; readonly chain: string; readonly goto: boolean }
  | { readonly kind: 'count' }
  | { readonly kind: 'log'; readonly level: number; readonly prefix: string }
  /** mark = (mark & and) ^ xor */
  | { readonly kind: 'mark'; readonly and: number; readonly xor: number }
  | { readonly kind: 'notrack' }
  | { readonly kind: 'reject'; readonly with: RejectWith };

/** One rule: tests are judged in order, the first that fails ends it; then it counts, then it acts. */
export interface Entry {
  readonly rule: number;
  readonly tests: readonly Test[];
  readonly action: Action;
}

export interface ModelChain {
  /** `table:CHAIN` */
  readonly key: string;
  readonly entries: readonly Entry[];
  /** Id that the chain's end counts under. */
  readonly end: number;
  /** Base chains: verdict at the end. User chains return. */
  readonly policy?: 'ACCEPT' | 'DROP';
}

/** A stretch of the way in which base chains follow each other without tracking or routing between. */
export type PhaseName = 'preroutingRaw' | 'prerouting' | 'input' | 'forward' | 'outputRaw' | 'output';

export interface FamilyModel {
  readonly family: Family;
  /** True when rules make the kernel track this family's connections. */
  readonly tracked: boolean;
  /** Base chains by phase, in order; empty phases are left out. */
  readonly phases: Readonly<Partial<Record<PhaseName, readonly string[]>>>;
  readonly chains: Readonly<Record<string, ModelChain>>;
  readonly derived: Readonly<Record<string, Derived>>;
  /** Where a received packet goes after PREROUTING, first that holds; when none does, the routing table says. */
  readonly route: readonly { readonly boxes: Boxes; readonly to: 'local' | 'drop' }[];
  /** Packets that no ICMP error answers, by their addresses: to a broadcast (IPv4), from an anycast one (IPv6). */
  readonly unanswered: Boxes;
}

/** Interface ids by name; NONE and OTHER (table-format.ts) stand for no interface of the snapshot. */
export type InterfaceIds = Readonly<Record<string, number>>;

export interface ChainEnd {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  readonly kind: 'policy' | 'return';
}

export interface Model {
  readonly families: readonly FamilyModel[];
  readonly interfaces: InterfaceIds;
  /** Rules in the ruleset; ids of chain policies follow. */
  readonly ruleCount: number;
  /** Ends of chains by id - ruleCount: a base chain's policy, a user chain's return. */
  readonly policies: readonly ChainEnd[];
  readonly limitCount: number;
  /** Rules that stand in no chain of the model, and why: waived ones, and those of tables without effect. */
  readonly left: readonly { readonly rule: number; readonly why: string }[];
  /** TCP option kinds that rules ask for: bit k of field TCPOPT. */
  readonly tcpOptions: readonly number[];
  readonly wantsTuple: boolean;
  readonly wantsExpires: boolean;
  /** Jiffies a second that limits and lifetimes are computed for. */
  readonly hz: number;
  /** IPv4 address that errors from an interface carry, by interface id; 0 where it has none. */
  readonly sources: readonly number[];
  /** Lifetimes of connections in jiffies, in the order of program/conntrack-constants.ts TIMEOUT. */
  readonly timeouts: readonly number[];
}
