// SPDX-License-Identifier: Apache-2.0
// A region of packets walked through a phase at once: every packet of it, and both answers of a limit. What comes
// through, and what is lost at which rule. Where a test cannot be told apart from the fields alone, both ways are
// walked: what is said to come through comes through.
import type { Box, Boxes } from './box.js';
import type { Action, FamilyModel, ModelChain, PhaseName, Test } from './model.js';
import { meetBoxes, PlainBoxes, rangesOf, resolveMasks, subtract, withRanges } from './region.js';
import { STATE } from '../program/layout.js';

/** Packets that a rule, or the end of a chain, does not accept. */
export interface Loss {
  readonly box: Box;
  /** Id of the rule or chain end. */
  readonly by: number;
  readonly verdict: 'drop' | 'reject';
  /** The rule found the packet cut short. */
  readonly hotdrop: boolean;
}

export interface RegionOutcome {
  readonly accepted: Boxes;
  readonly losses: readonly Loss[];
}

/** The walk would take too long to say anything. */
export class RegionLimit extends Error {}

/** Boxes under way at once, and steps of one walk: some seconds. */
const MOST_BOXES = 20_000;
const MOST_STEPS = 2_000_000;

/** Each box of a region holds exactly one mark, and one of CT where rules untrack. */
export class RegionWalk {
  private readonly plain: PlainBoxes;
  private losses: Loss[] = [];
  private accepted: Box[] = [];
  private steps = 0;

  constructor(private readonly family: FamilyModel) {
    this.plain = new PlainBoxes(family);
  }

  /** Throws RegionLimit. A phase without chains accepts. */
  phase(name: PhaseName, region: Boxes): RegionOutcome {
    this.losses = [];
    let here = region;
    for (const key of this.family.phases[name] ?? []) {
      this.accepted = [];
      const chain = this.family.chains[key]!;
      const left = this.chain(chain, here);
      if (chain.policy === 'ACCEPT') this.accepted.push(...left);
      else for (const box of left) this.lose({ box, by: chain.end, verdict: 'drop', hotdrop: false });
      here = distinct(this.accepted);
    }
    return { accepted: here, losses: this.losses };
  }

  /** What any of `boxes` takes of a region, and what is left. */
  split(region: Boxes, boxes: Boxes): { readonly taken: Boxes; readonly left: Boxes } {
    const asked = this.plain.of(boxes);
    const taken: Box[] = [];
    const left: Box[] = [];
    for (const box of region) {
      this.step(asked.length);
      const touching = asked.flatMap((each) => {
        const here = resolveMasks(each, box, this.family);
        return here === undefined || meetBoxes(box, here) === undefined ? [] : [here];
      });
      if (touching.length === 0) {
        left.push(box);
        continue;
      }
      left.push(...subtract(box, touching, (count) => this.step(count)));
      for (const each of touching) taken.push(meetBoxes(box, each)!);
    }
    return { taken: distinct(taken), left: distinct(left) };
  }

  /** What comes out of a chain's end, or returns from it. */
  private chain(chain: ModelChain, region: Boxes): Boxes {
    let here = region;
    const returned: Box[] = [];
    for (const { rule, tests, action } of chain.entries) {
      if (here.length === 0) break;
      const { matched, passed } = this.tests(rule, tests, here);
      here = distinct([...passed, ...this.act(rule, action, matched, returned)]);
    }
    return distinct([...returned, ...here]);
  }

  private tests(
    rule: number,
    tests: readonly Test[],
    region: Boxes,
  ): { readonly matched: Boxes; readonly passed: Boxes } {
    let matched = region;
    const passed: Box[] = [];
    for (const test of tests) {
      if (test.kind === 'limit') {
        passed.push(...matched);
        continue;
      }
      const cut = this.split(matched, test.hotdrop);
      for (const box of cut.taken) this.lose({ box, by: rule, verdict: 'drop', hotdrop: true });
      const { taken, left } = this.split(cut.left, test.match);
      matched = taken;
      passed.push(...left);
    }
    return { matched, passed };
  }

  /** What goes on behind the rule. */
  private act(rule: number, action: Action, region: Boxes, returned: Box[]): Boxes {
    switch (action.kind) {
      case 'accept':
        this.accepted.push(...region);
        return [];
      case 'drop':
      case 'reject':
        for (const box of region) this.lose({ box, by: rule, verdict: action.kind, hotdrop: false });
        return [];
      case 'return':
        returned.push(...region);
        return [];
      case 'jump': {
        if (region.length === 0) return [];
        const back = this.chain(this.family.chains[action.chain]!, region);
        if (!action.goto) return back;
        returned.push(...back);
        return [];
      }
      case 'mark':
        return region.map((box) => {
          const mark = rangesOf(box, 'MARK')![0]!.first;
          return single(box, 'MARK', ((mark & action.and) ^ action.xor) >>> 0);
        });
      case 'notrack':
        return region.map((box) =>
          rangesOf(box, 'CT')![0]!.first === STATE.values.INVALID
            ? single(box, 'CT', STATE.values.UNTRACKED)
            : box,
        );
      case 'count':
      case 'log':
        return region;
    }
  }

  private lose(loss: Loss): void {
    this.step(1);
    this.losses.push(loss);
  }

  private step(count: number): void {
    this.steps += count + 1;
    if (this.steps > MOST_STEPS) throw new RegionLimit(`more than ${String(MOST_STEPS)} steps`);
  }
}

function single(box: Box, key: string, value: number): Box {
  return withRanges(box, key, [{ first: value, last: value }]);
}

/** Limits lead the same packets two ways to one place. */
function distinct(boxes: Boxes): Boxes {
  if (boxes.length > MOST_BOXES) throw new RegionLimit(`more than ${String(MOST_BOXES)} parts`);
  if (boxes.length < 2) return boxes;
  const seen = new Set<string>();
  return boxes.filter((box) => {
    const text = JSON.stringify([...box].sort((a, b) => (a.key < b.key ? -1 : 1)));
    return !seen.has(text) && seen.add(text);
  });
}
