// SPDX-License-Identifier: Apache-2.0
// Addresses as label selectors: where the inventory covers them exactly, and nowhere else. A selector is one label,
// or all labels of an entry; it selects every address that has them.
import type { AddressRange } from '../net/address.js';
import type { Family } from '../net/family.js';
import type { Inventory, Labels } from './inventory.js';
import { holdsAll, intersectAddresses } from './export/region.js';
import { complementAddresses, mergeAddresses, parseAddressWord } from './words.js';

/** Addresses of the families that something speaks of; of a family that is absent it says nothing. */
export type Ranges = Readonly<Partial<Record<Family, readonly AddressRange[]>>>;

export interface Described {
  readonly selectors: readonly Labels[];
  /** What no selector covers, merged. */
  readonly rest: Ranges;
}

interface Selector {
  readonly labels: Labels;
  readonly extent: Readonly<Record<Family, readonly AddressRange[]>>;
}

const FAMILIES = ['ipv4', 'ipv6'] as const;

export class LabelBook {
  private readonly selectors: readonly Selector[];

  constructor(inventory: Inventory) {
    this.selectors = selectorsOf(inventory);
  }

  /**
   * Each run of addresses is covered by selectors that reach nowhere beyond `ranges`, or stays as it is. The widest
   * selectors first.
   */
  describe(ranges: Ranges): Described {
    const families = FAMILIES.filter((family) => ranges[family] !== undefined);
    const fitting = this.selectors.filter(({ extent }) =>
      families.every((family) => holdsAll(mergeAddresses(ranges[family]!), extent[family])),
    );
    const chosen = new Set<Selector>();
    const rest: Partial<Record<Family, readonly AddressRange[]>> = {};
    for (const family of families) {
      const merged = mergeAddresses(ranges[family]!);
      const covered = mergeAddresses(fitting.flatMap(({ extent }) => extent[family]));
      const isCovered = (run: AddressRange): boolean => holdsAll(covered, [run]);
      rest[family] = merged.filter((run) => !isCovered(run));
      let open: readonly AddressRange[] = merged.filter(isCovered);
      for (const selector of fitting) {
        const extent = selector.extent[family];
        if (intersectAddresses(open, extent, family).length === 0) continue;
        chosen.add(selector);
        open = intersectAddresses(open, complementAddresses(extent, family), family);
      }
    }
    return { selectors: fitting.filter((each) => chosen.has(each)).map(({ labels }) => labels), rest };
  }

  /** The addresses that labels stand for. */
  extent(labels: Labels, family: Family): readonly AddressRange[] {
    return this.selectors.find((each) => sameLabels(each.labels, labels))?.extent[family] ?? [];
  }
}

function selectorsOf({ entries }: Inventory): Selector[] {
  const placed = entries.map(({ cidr, labels }) => {
    const family: Family = cidr.includes(':') ? 'ipv6' : 'ipv4';
    return { family, range: parseAddressWord(cidr, family)!, labels };
  });
  const singles = placed.flatMap(({ labels }) =>
    Object.entries(labels).map(([key, value]): Labels => ({ [key]: value })),
  );
  const wanted = new Map<string, Labels>();
  for (const labels of [...singles, ...placed.map((each) => each.labels)])
    wanted.set(JSON.stringify(Object.entries(labels).sort()), labels);
  const extentOf = (labels: Labels, family: Family): AddressRange[] =>
    Object.entries(labels)
      .map(([key, value]) =>
        mergeAddresses(
          placed
            .filter((one) => one.family === family && one.labels[key] === value)
            .map(({ range }) => range),
        ),
      )
      .reduce((a, b) => intersectAddresses(a, b, family));
  const selectors = [...wanted.values()].map((labels): Selector => ({
    labels,
    extent: { ipv4: extentOf(labels, 'ipv4'), ipv6: extentOf(labels, 'ipv6') },
  }));
  // Fewer labels reach at least as far; else by name, so that two runs say the same.
  const size = ({ labels }: Selector): number => Object.keys(labels).length;
  const name = ({ labels }: Selector): string => JSON.stringify(Object.entries(labels).sort());
  return selectors.sort((a, b) => reach(b) - reach(a) || size(a) - size(b) || (name(a) < name(b) ? -1 : 1));
}

/** About how many addresses, on a scale on which families compare. */
function reach({ extent }: Selector): number {
  const value = (words: readonly number[]): number => words.reduce((all, word) => all * 2 ** 32 + word, 0);
  const count = (ranges: readonly AddressRange[]): number =>
    ranges.reduce((all, { first, last }) => all + (value(last) - value(first) + 1), 0);
  return count(extent.ipv4) / 2 ** 32 + count(extent.ipv6) / 2 ** 128;
}

function sameLabels(a: Labels, b: Labels): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
