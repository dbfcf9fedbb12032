// SPDX-License-Identifier: Apache-2.0
// One stretch of entries as a lookup: a single diagram, or, where that would grow too large and every
// entry is final, one diagram per width class whose smallest answer is the answer (theory: a source
// wide/narrow x destination wide/narrow partition keeps mixed rulesets linear).
import type { Box } from '../model/box.js';
import { buildDiagram, BudgetExceeded } from './diagram.js';
import type { Diagram, Item } from './diagram.js';
import { chooseOrder, diagramSize } from './order.js';

/** Parts above which a lookup would cost more than it saves. */
const MAX_PARTS = 8;
/** A source or destination covering this many addresses (of word 0) or more is wide: shorter than /8. */
const WIDE = 2 ** 24;

export interface Classifier {
  readonly kind: 'single' | 'parts';
  readonly diagrams: readonly Diagram[];
}

/** Steps a diagram may take: generous for small inputs, linear for large ones. */
function budgetFor(items: readonly Item[]): number {
  return 2_000_000 + 1_500 * items.length;
}

/** Kids per item beyond which partitioning is tried. */
const COMPACT = 24;

/** Words per item, beyond a flat allowance, from which a stretch is better cut in two. */
const BLOATED = 120;
const ALLOWANCE = 20_000;

/**
 * Undefined when no way stays within budget; the caller then splits the stretch. `mayBloat`: keep a diagram
 * that is large for its items, because it cannot be split.
 */
export function buildClassifier(items: readonly Item[], mayBloat: boolean): Classifier | undefined {
  const found = build(items);
  if (found === undefined || mayBloat) return found;
  const size = found.diagrams.reduce((sum, diagram) => sum + diagramSize(diagram), 0);
  return size > ALLOWANCE + BLOATED * items.length ? undefined : found;
}

function build(items: readonly Item[]): Classifier | undefined {
  const single = attempt(items);
  const allFinal = items.every((item) => item.final);
  const compact = single !== undefined && diagramSize(single) <= 4096 + COMPACT * items.length;
  if (compact || !allFinal || items.length < 64) {
    return single === undefined ? undefined : { kind: 'single', diagrams: [single] };
  }
  const parts = partition(items);
  if (parts !== undefined) {
    const size = parts.reduce((sum, part) => sum + diagramSize(part), 0);
    if (single === undefined || size < diagramSize(single) / 2) return { kind: 'parts', diagrams: parts };
  }
  return single === undefined ? undefined : { kind: 'single', diagrams: [single] };
}

function attempt(items: readonly Item[]): Diagram | undefined {
  try {
    return buildDiagram(items, chooseOrder(items), budgetFor(items));
  } catch (error) {
    if (error instanceof BudgetExceeded) return undefined;
    throw error;
  }
}

function partition(items: readonly Item[]): Diagram[] | undefined {
  const classes = new Map<string, Item[]>();
  for (const item of items) {
    const key = `${width(item.box, 'SRC0')}${width(item.box, 'DST0')}`;
    const members = classes.get(key);
    if (members === undefined) classes.set(key, [item]);
    else members.push(item);
  }
  const parts: Diagram[] = [];
  let waiting = [...classes.values()];
  while (waiting.length > 0) {
    const next: Item[][] = [];
    for (const members of waiting) {
      const built = attempt(members);
      if (built !== undefined) {
        parts.push(built);
        continue;
      }
      // Halving is sound: the smallest answer over all parts is still the first match.
      if (members.length < 2 || parts.length + waiting.length + next.length >= MAX_PARTS) return undefined;
      const middle = members.length >> 1;
      next.push(members.slice(0, middle), members.slice(middle));
    }
    waiting = next;
  }
  return parts.length > MAX_PARTS ? undefined : parts;
}

function width(box: Box, key: string): 'n' | 'w' {
  const constraint = box.find((each) => each.key === key);
  if (constraint === undefined) return 'w';
  const covered = constraint.ranges.reduce((sum, range) => sum + range.last - range.first + 1, 0);
  return covered >= WIDE ? 'w' : 'n';
}
