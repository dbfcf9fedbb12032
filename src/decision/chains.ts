// SPDX-License-Identifier: Apache-2.0
// Facts about chains that decide how they are cut: which end every packet, which change a field that
// later entries read, in what order they can be written.
import { keysOf } from '../model/box.js';
import type { Derived, Entry, FamilyModel, ModelChain } from '../model/model.js';
import type { FieldName } from '../model/fields.js';

/** Fields that rules themselves change. */
export type MutableField = Extract<FieldName, 'MARK' | 'CT'>;

export interface ChainFacts {
  /** No packet comes back from it. */
  readonly closed: boolean;
  readonly changes: ReadonlySet<MutableField>;
  /** Deepest nesting of jumps below it. */
  readonly depth: number;
}

/** Chains reachable from the phases, callees before callers. */
export function callOrder(family: FamilyModel): string[] {
  const order: string[] = [];
  const seen = new Set<string>();
  const visit = (key: string): void => {
    if (seen.has(key)) return;
    seen.add(key);
    for (const { action } of family.chains[key]!.entries) if (action.kind === 'jump') visit(action.chain);
    order.push(key);
  };
  for (const keys of Object.values(family.phases)) for (const key of keys) visit(key);
  return order;
}

function isCertain(entry: Entry): boolean {
  return entry.tests.every((test) => test.kind === 'fields' && test.match.some((box) => box.length === 0));
}

/** True when nothing after the entry is reached once its static tests hold. */
export function isFinal(entry: Entry, facts: ReadonlyMap<string, ChainFacts>): boolean {
  if (entry.tests.some((test) => test.kind === 'limit')) return false;
  switch (entry.action.kind) {
    case 'accept':
    case 'drop':
    case 'reject':
    case 'return':
      return true;
    case 'jump':
      return entry.action.goto || facts.get(entry.action.chain)!.closed;
    default:
      return false;
  }
}

/** A `goto` in a chain that is called leaves for the caller's caller, so it does not close the chain by itself. */
export function chainFacts(chain: ModelChain, facts: ReadonlyMap<string, ChainFacts>): ChainFacts {
  const changes = new Set<MutableField>();
  let closed = false;
  let returns = false;
  let depth = 0;
  for (const entry of chain.entries) {
    const { action } = entry;
    if (action.kind === 'mark') changes.add('MARK');
    if (action.kind === 'notrack') changes.add('CT');
    if (action.kind === 'return') returns = true;
    if (action.kind === 'jump') {
      const callee = facts.get(action.chain)!;
      for (const field of callee.changes) changes.add(field);
      depth = Math.max(depth, callee.depth + 1);
      if (action.goto && !callee.closed) returns = true;
      if (isCertain(entry) && callee.closed) closed = true;
    }
    if (
      (action.kind === 'accept' || action.kind === 'drop' || action.kind === 'reject') &&
      isCertain(entry)
    ) {
      closed = true;
    }
  }
  return { closed: closed && !returns, changes, depth };
}

/** The field a dimension reads; membership reads several, none of them mutable ones unless its boxes say so. */
export function fieldsRead(key: string, derived: Readonly<Record<string, Derived>>): readonly string[] {
  const found = derived[key];
  if (found === undefined) return [key];
  if (found.kind === 'masked') return [found.field];
  return keysOf(found.boxes).flatMap((each) => fieldsRead(each, derived));
}

/** All dimensions an entry tests. */
export function entryKeys(entry: Entry): string[] {
  return entry.tests.flatMap((test) =>
    test.kind === 'fields' ? [...keysOf(test.match), ...keysOf(test.hotdrop)] : [],
  );
}
