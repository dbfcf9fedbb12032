// SPDX-License-Identifier: Apache-2.0
// The shape of the support table and how a rule's fidelity is read from it. The rows are in matches.ts,
// targets.ts and context.ts beside this file. Parser messages, `check`, SUPPORT.md and the tests read
// these rows; nothing else says what is supported.
import type { Fidelity, FidelityState } from '../ruleset.js';

/** How faithfully one option (or a whole match, target, table) can be carried over. */
export type Support = Fidelity;

/** One match or target. */
export interface ExtensionSupport {
  /** The extension as such, and every option without a row of its own. */
  readonly base: Support;
  /** Options, by long name with dashes (`--ctexpire`), that differ from `base`. */
  readonly options?: Readonly<Record<string, Support>>;
  /** The match remembers or writes something that other rules or packets can see, whatever the rule's target. */
  readonly stateful?: true;
  /** The match drops packets whose headers it cannot read (`hotdrop`), whatever the rule's target. */
  readonly hotdrops?: true;
}

const ORDER: readonly FidelityState[] = ['exact', 'no-effect', 'approximate', 'unsupported'];

export const EXACT: Support = { state: 'exact' };

export function noEffect(code: string, reason: string): Support {
  return { state: 'no-effect', code, reason };
}

export function approximate(
  code: string,
  direction: NonNullable<Support['direction']>,
  reason: string,
): Support {
  return { state: 'approximate', direction, code, reason };
}

export function unsupported(code: string, reason: string): Support {
  return { state: 'unsupported', code, reason };
}

/** True when nothing about it can change a verdict. */
export function isFaithful(fidelity: Fidelity): boolean {
  return fidelity.state === 'exact' || fidelity.state === 'no-effect';
}

/** The worst of several; the first of equals, so that a message names the leftmost cause. */
export function worst(fidelities: Iterable<Fidelity>): Fidelity {
  let result: Fidelity = EXACT;
  for (const fidelity of fidelities) {
    if (ORDER.indexOf(fidelity.state) > ORDER.indexOf(result.state)) result = fidelity;
  }
  return result;
}

/** What the table says of one option of an extension. */
export function optionSupport(row: ExtensionSupport, option: string): Support {
  return row.options?.[option] ?? row.base;
}

/** What the table says of an extension used with these options. */
export function extensionFidelity(
  row: ExtensionSupport,
  options: readonly { readonly name: string }[],
): Fidelity {
  if (options.length === 0) return row.base;
  return worst([row.base, ...options.map((option) => optionSupport(row, option.name))]);
}
