// SPDX-License-Identifier: Apache-2.0
// A guard's flows through the whole of the model: raw, tracking, PREROUTING, routing, INPUT for requests; raw and
// OUTPUT for answers. All packets of a flow at once, in every connection state, whatever limits answer.
import type { Host } from '../../host/host.js';
import { and, or, type Box, type Boxes } from '../../model/box.js';
import type { FamilyModel, Model } from '../../model/model.js';
import { normalise } from '../../model/ranges.js';
import { RegionWalk, type Loss } from '../../model/region-walk.js';
import { rangesOf, withRanges } from '../../model/region.js';
import { STATE } from '../../program/layout.js';
import { guardFlows, Unprovable, type Flow } from './guard-flows.js';
import type { Guard } from './guard-text.js';

export interface FlowLoss extends Loss {
  readonly flow: Flow;
  /** `NEW`, `ESTABLISHED`, `UNTRACKED`, `not tracked`; undefined before tracking. */
  readonly state: string | undefined;
}

export interface Walked {
  /** `ipv4 requests NEW`: what was walked. */
  readonly states: readonly string[];
  /** Boxes that came through. */
  readonly parts: number;
  readonly losses: readonly FlowLoss[];
  /** Only a part of a family's flow is tracked: what states the rest has is not known. */
  readonly partlyTracked: boolean;
}

/** Throws Unprovable, RegionLimit. */
export function walkGuard(guard: Guard, model: Model, host: Host): Walked {
  const flows = guardFlows(guard, model, host);
  const walked = flows.map((flow) => ({
    flow,
    ...walkFlow(
      flow,
      model.families.find(({ family }) => family === flow.family)!,
    ),
  }));
  return {
    states: walked.flatMap(({ flow, states }) =>
      states.map((state) => `${flow.family} ${flow.direction} ${state}`),
    ),
    parts: walked.reduce((sum, { parts }) => sum + parts, 0),
    losses: walked.flatMap(({ losses }) => losses),
    partlyTracked: walked.some(
      ({ flow, untracked }) =>
        untracked === 'some' ||
        walked.some((each) => each.flow.family === flow.family && each.untracked !== untracked),
    ),
  };
}

interface WalkedFlow {
  readonly states: readonly string[];
  readonly parts: number;
  readonly losses: readonly FlowLoss[];
  readonly untracked: 'none' | 'some' | 'all';
}

function walkFlow(flow: Flow, family: FamilyModel): WalkedFlow {
  const walk = new RegionWalk(family);
  const losses: FlowLoss[] = [];
  const isRequest = flow.direction === 'requests';
  const pass = (
    phase: Parameters<RegionWalk['phase']>[0],
    region: Boxes,
    state: string | undefined,
  ): Boxes => {
    const outcome = walk.phase(phase, region);
    losses.push(...outcome.losses.map((loss) => ({ ...loss, flow, state })));
    return outcome.accepted;
  };
  const everyPart = or(...flow.states.map(({ part }) => part));
  const arrived = pass(
    isRequest ? 'preroutingRaw' : 'outputRaw',
    and(flow.region, merge(everyPart)),
    undefined,
  );
  const untracked = family.tracked ? arrived.filter(isUntracked) : [];
  const tracked = arrived.filter((box) => !untracked.includes(box));
  const states: { readonly name: string; readonly region: Boxes }[] = [
    ...flow.states.map(({ name, ct, part }) => ({
      name,
      region: and(tracked, part).map((box) => withRanges(box, 'CT', ct)),
    })),
    { name: 'UNTRACKED', region: untracked },
  ].filter(({ region }) => region.length > 0);
  let parts = 0;
  for (const { name, region } of states) {
    const accepted = isRequest
      ? pass('input', routed(walk, family, pass('prerouting', region, name)), name)
      : pass('output', region, name);
    parts += accepted.length;
  }
  if (isRequest && parts === 0 && losses.length === 0)
    throw new Unprovable('the stack takes none of its packets');
  return {
    states: states.map(({ name }) => name),
    parts,
    losses,
    untracked: untracked.length === 0 ? 'none' : tracked.length === 0 ? 'all' : 'some',
  };
}

/** Without what the stack drops as martians: the rest is for own addresses. */
function routed(walk: RegionWalk, { route }: FamilyModel, region: Boxes): Boxes {
  const local: Box[] = [];
  let here = region;
  for (const { boxes, to } of route) {
    const { taken, left } = walk.split(here, boxes);
    if (to === 'local') local.push(...taken);
    here = left;
  }
  return [...local, ...here];
}

/** One box where all are of one field: states share most of their flags. */
function merge(boxes: Boxes): Boxes {
  const [first] = boxes;
  const key = first?.[0]?.key;
  if (key === undefined || boxes.some((box) => box.length !== 1 || box[0]!.key !== key)) return boxes;
  return [withRanges([], key, normalise(boxes.flatMap((box) => [...box[0]!.ranges])))];
}

function isUntracked(box: Box): boolean {
  return rangesOf(box, 'CT')![0]!.first === STATE.values.UNTRACKED;
}
