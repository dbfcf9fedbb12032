// SPDX-License-Identifier: Apache-2.0
// Residue as it is found, each fact once: states, paths and interfaces of one reason together.
import type { Family } from '../../net/family.js';
import type { Tier } from '../model.js';
import { EFFECT_CODES, STATES, type Effect, type ExportResidue, type Path, type State } from './target.js';

export function tierName(family: Family, { table, hook }: Pick<Tier, 'table' | 'hook'>): string {
  return `${family} ${table} ${hook}`;
}

export class ResidueBook {
  private readonly found = new Map<string, ExportResidue>();

  /** Notes of one tier and path; of some interfaces, or of all. */
  noting(family: Family, tier: Tier, path: Path, interfaces: readonly string[] | undefined) {
    return (
      effect: Effect,
      why: string,
      statement: number | null,
      states: readonly State[],
      rules: readonly number[],
      onwards = false,
    ): void => {
      const name = tierName(family, tier);
      const key = JSON.stringify([name, statement, effect, why, onwards, interfaces ?? null, path]);
      const before = this.found.get(key);
      this.found.set(key, {
        code: EFFECT_CODES[effect],
        effect,
        why,
        tier: name,
        statement,
        states: STATES.filter((state) => states.includes(state) || before?.states.includes(state)),
        paths: [path],
        ...(interfaces !== undefined && { interfaces }),
        ...(onwards && { onwards: true as const }),
        rules,
      });
    };
  }

  /** In the order of tiers and statements, the chain's policy last; paths of one reason together. */
  all(order: readonly string[]): ExportResidue[] {
    const merged = new Map<string, ExportResidue>();
    for (const one of this.found.values()) {
      const { paths, ...rest } = one;
      const key = JSON.stringify(rest);
      const known = merged.get(key);
      merged.set(key, known === undefined ? one : { ...known, paths: [...known.paths, ...paths] });
    }
    const place = ({ tier, statement }: ExportResidue): number =>
      order.indexOf(tier) * 1e7 + (statement ?? 1e7 - 1);
    return [...merged.values()].sort((a, b) => place(a) - place(b));
  }
}
