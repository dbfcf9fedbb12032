// SPDX-License-Identifier: Apache-2.0
// The meaning of each target as an action of the model. Targets are small, so they stand here together.
import { LoweringRefusal } from '../../model/lower-context.js';
import type { Action } from '../../model/model.js';
import type { Rule } from '../ruleset.js';

/** `table:CHAIN`: the model's name of a chain. */
export function chainKey(table: string, chain: string): string {
  return `${table}:${chain}`;
}

/** Throws LoweringRefusal for what has no meaning in the model. */
export function lowerTarget(rule: Rule): Action {
  const { target } = rule;
  switch (target.kind) {
    case 'verdict':
      return target.verdict === 'RETURN'
        ? { kind: 'return' }
        : { kind: target.verdict === 'ACCEPT' ? 'accept' : 'drop' };
    case 'jump':
      return { kind: 'jump', chain: chainKey(rule.table, target.chain), goto: target.goto };
    case 'none':
      return { kind: 'count' };
    case 'LOG':
      return { kind: 'log', level: target.level, prefix: target.prefix };
    case 'MARK':
      return { kind: 'mark', and: ~target.mask >>> 0, xor: target.value };
    case 'CT':
      if (target.notrack) return { kind: 'notrack' };
      throw new LoweringRefusal('`-j CT` is carried over with --notrack alone');
    case 'REJECT':
      return { kind: 'reject', with: target.with };
    case 'opaque':
      // What only observes leaves the packet as it is; what does more has a fidelity that says so.
      if (rule.fidelity.state === 'no-effect') return { kind: 'count' };
      throw new LoweringRefusal(`\`-j ${target.name}\` has no meaning in a program`);
  }
}
