// SPDX-License-Identifier: Apache-2.0
// Dimension orders worth trying, and the choice among them on a sample: order changes a diagram's size
// up to several hundredfold, and no single order is good for all rulesets.
import { buildDiagram, BudgetExceeded } from './diagram.js';
import type { Diagram, Item } from './diagram.js';

/** Items looked at when choosing. */
const SAMPLE = 240;
const SAMPLE_BUDGET = 400_000;

/** Edges: what a packed diagram costs. */
export function diagramSize(diagram: Diagram): number {
  return diagram.nodes.reduce((sum, node) => sum + node.kids.length + 3, 0);
}

/** All keys of the items, those with the fewest distinct constraints first. */
function keysByVariety(items: readonly Item[]): string[] {
  const seen = new Map<string, Set<string>>();
  for (const { box } of items) {
    for (const { key, ranges } of box) {
      let values = seen.get(key);
      if (values === undefined) seen.set(key, (values = new Set()));
      if (values.size < 4096) values.add(ranges.map((each) => `${each.first}-${each.last}`).join());
    }
  }
  return [...seen].sort((a, b) => a[1].size - b[1].size || (a[0] < b[0] ? -1 : 1)).map(([key]) => key);
}

const GROUPS: readonly ((key: string) => boolean)[] = [
  (key) => key.startsWith('SRC'),
  (key) => key.startsWith('DST'),
  (key) => key === 'SPORT' || key === 'DPORT',
];

function groupOf(key: string): number {
  return GROUPS.findIndex((holds) => holds(key));
}

/** -1 stands for all dimensions that are in no group; validity of headers comes before everything. */
const ARRANGEMENTS: readonly (readonly number[])[] = [
  [-1, 1, 0, 2],
  [-1, 0, 1, 2],
  [-1, 2, 1, 0],
  [-1, 2, 0, 1],
  [1, -1, 2, 0],
  [0, -1, 2, 1],
  [1, 0, -1, 2],
  [0, 1, -1, 2],
];

function arrange(keys: readonly string[], arrangement: readonly number[]): string[] {
  const rest = [...keys];
  const first = ['FRAG', 'AVAIL'].filter((key) => rest.includes(key));
  const others = rest.filter((key) => !first.includes(key));
  const grouped = arrangement.flatMap((group) => {
    const members = others.filter((key) => groupOf(key) === group);
    // Words of an address in order; ports and the rest by variety.
    return group === 0 || group === 1 ? members.sort() : members;
  });
  return [...first, ...grouped];
}

/** The order with the smallest diagram over a sample. */
export function chooseOrder(items: readonly Item[]): string[] {
  const keys = keysByVariety(items);
  const orders = new Map<string, string[]>();
  for (const arrangement of ARRANGEMENTS) {
    const order = arrange(keys, arrangement);
    orders.set(order.join(), order);
  }
  if (orders.size === 1) return [...orders.values()][0]!;
  // Scattered by a multiplicative hash: a regular step would see one kind of a rule's boxes only.
  const share = (SAMPLE / items.length) * 2 ** 32;
  const sample = items.filter((_, index) => Math.imul(index + 1, 0x9e3779b1) >>> 0 < share);
  let best: { readonly order: string[]; readonly size: number } | undefined;
  for (const order of orders.values()) {
    try {
      const size = diagramSize(buildDiagram(sample, order, SAMPLE_BUDGET));
      if (best === undefined || size < best.size) best = { order, size };
    } catch (error) {
      if (!(error instanceof BudgetExceeded)) throw error;
    }
  }
  return best?.order ?? arrange(keys, ARRANGEMENTS[0]!);
}
