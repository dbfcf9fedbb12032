// SPDX-License-Identifier: Apache-2.0
// What one run of an export carries along.
import type { FamilyPolicy } from '../model.js';
import type { Inventory, Labels } from '../inventory.js';
import type { LabelBook } from '../labels.js';
import type { Plan, Planner } from './plan.js';
import type { ResidueBook } from './residue-book.js';
import type { Manifest, Trace } from './target.js';

export interface ExportContext {
  readonly planner: Planner;
  readonly residue: ResidueBook;
  readonly book: LabelBook;
  readonly inventory: Inventory;
  /** Both families; one without rules allows everything. */
  readonly families: readonly FamilyPolicy[];
  /** The host's interfaces but lo. */
  readonly interfaces: readonly string[];
}

export interface Drafted {
  readonly manifest: Manifest;
  readonly traces: readonly Trace[];
}

/** What stands for the host where the inventory does not say it: whoever applies the policy gives this label. */
const SUBJECT: Labels = { 'ipt2ebpf.io/host': 'this' };

export function subjectOf({ inventory }: ExportContext): { namespace?: string; labels: Labels } {
  const { namespace, labels = SUBJECT } = inventory.host ?? {};
  return { labels, ...(namespace !== undefined && { namespace }) };
}

export function isUnrestricted({ default: fallback, untracked, before, entries }: Plan): boolean {
  return (
    fallback === 'allow' &&
    [...untracked, ...before].length === 0 &&
    entries.every(({ decision }) => decision === 'allow')
  );
}
