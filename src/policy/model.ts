// SPDX-License-Identifier: Apache-2.0
// The policy model: a ruleset as ordered statements over addresses, ports, ICMP types, interfaces and states, in
// words a person reads, each with the rules it came from. Plain JSON; evaluate.ts says what it means, and
// schemas/policy.json what it looks like.
import type { Family } from '../net/family.js';
import type { HookName } from '../ruleset/evaluate/skb.js';
import type { RejectWith } from '../ruleset/targets/reject.js';
import type { InventoryEntry, Labels } from './inventory.js';

/**
 * Addresses of one family: prefixes (`10.0.0.0/8`), ranges (`10.0.0.1-10.0.0.9`), and whatever carries all labels of
 * one of `labels`.
 */
export type Addresses =
  | { readonly in: readonly string[]; readonly labels?: readonly Labels[] }
  | { readonly notIn: readonly string[]; readonly labels?: readonly Labels[] };

/** Interfaces by name; `-` is none of them (the host itself, or one that the host description lacks). */
export type Interfaces = { readonly in: readonly string[] } | { readonly notIn: readonly string[] };

/**
 * All terms hold. Ranges are inclusive. Ports and ICMP types also ask that the packet is no later fragment, since
 * only a first one has them.
 */
export interface Condition {
  readonly source?: Addresses;
  readonly destination?: Addresses;
  /** Names or numbers; `unreadable`: IPv6 headers that cannot be followed. */
  readonly protocols?: readonly string[];
  readonly sourcePorts?: readonly string[];
  readonly destinationPorts?: readonly string[];
  /** `type` or `type/code`, or a range of them. */
  readonly icmpTypes?: readonly string[];
  readonly inInterface?: Interfaces;
  readonly outInterface?: Interfaces;
  /** Connection states: NEW, ESTABLISHED, RELATED, INVALID, UNTRACKED. */
  readonly states?: readonly string[];
  /** Further fields by name, `name&mask` under a mask: values and ranges. */
  readonly fields?: Readonly<Record<string, readonly string[]>>;
  /** Named lists that hold the packet, and lists that do not. */
  readonly lists?: readonly string[];
  readonly notLists?: readonly string[];
}

/** Where a statement comes from. */
export interface Origin {
  /** `table/CHAIN:number` */
  readonly rule: string;
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

export type PolicyAction =
  /** Allowed as far as this tier goes. */
  | { readonly kind: 'allow' }
  | { readonly kind: 'deny'; readonly rejectWith?: RejectWith }
  /** Goes on with mark = (mark & ~mask) ^ value; eight hexadecimal digits each. */
  | { readonly kind: 'mark'; readonly mask: string; readonly value: string }
  /** Goes on, outside connection tracking. */
  | { readonly kind: 'untrack' }
  /** No policy can say what becomes of these packets; `residue` of the model says why. */
  | { readonly kind: 'undecided'; readonly why: string };

/** Holds for a packet for which any of `when` and none of `except` holds. */
export interface Statement {
  readonly action: PolicyAction;
  readonly when: readonly Condition[];
  readonly except?: readonly Condition[];
  /** A packet cut inside the header that the rule asks for: iptables drops it there. */
  readonly malformed?: true;
  /** The chain's own policy decides (RETURN from a built-in chain). */
  readonly byDefault?: true;
  /** Ids of rules: the jumps that lead there, then the rule itself. */
  readonly rules: readonly number[];
}

/** One built-in chain. A packet is allowed when every tier on its way allows it; the first that denies ends it. */
export interface Tier {
  readonly table: string;
  readonly hook: HookName;
  readonly directions: readonly ('input' | 'forward' | 'output')[];
  readonly default: 'allow' | 'deny';
  /**
   * `allowed`: packets of established connections and what is related to them pass before any statement could deny
   * or leave them; `unconditional` tiers deny nothing.
   */
  readonly replies: 'allowed' | 'unconditional' | 'judged';
  readonly statements: readonly Statement[];
}

export interface FamilyPolicy {
  readonly family: Family;
  readonly tiers: readonly Tier[];
  /** Sets too large to stand in a statement: any condition holds. */
  readonly lists: Readonly<Record<string, readonly Condition[]>>;
}

export interface Residue {
  readonly why: string;
  readonly rules: readonly number[];
  /** The waiver that accepts it. */
  readonly waivedBy?: string;
}

export interface PolicyModel {
  readonly version: 1;
  readonly generator: string;
  readonly sources: readonly string[];
  readonly families: readonly FamilyPolicy[];
  /** What labels stand for, where addresses were replaced by them. */
  readonly inventory?: readonly InventoryEntry[];
  /** Kinds of TCP options by bit of the field `tcpOptions`. */
  readonly tcpOptions: readonly number[];
  /** What no policy says, by reason. */
  readonly residue: readonly Residue[];
  /** Rules that change no verdict, by reason. */
  readonly withoutEffect: readonly Residue[];
  /** Rules that statements and residue name, by id. */
  readonly origins: Readonly<Record<string, Origin>>;
}
