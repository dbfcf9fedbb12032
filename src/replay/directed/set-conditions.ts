// SPDX-License-Identifier: Apache-2.0
// Members of sets as aims: `--match-set` names the directions, a member the values.
import { prefixMask } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import type { SetMatch } from '../../ruleset/matches/set.js';
import type { IpSet, SetElement } from '../../ruleset/sets.js';
import { anyWithin, neighbour } from './addresses.js';
import type { Condition } from './condition.js';
import { PROTOCOL, type Draft } from './draft.js';
import type { Random } from './random.js';

export function setConditions(
  match: SetMatch,
  sets: ReadonlyMap<string, IpSet>,
  family: Family,
): Condition[] {
  const elements = elementsOf(match.setName, sets, family, 0);
  if (elements.length === 0) return [];
  const aim = (draft: Draft, random: Random, beside: boolean): void => {
    put(random.pick(elements), match.directions, draft, random, beside);
  };
  return [
    {
      // Whether a draft is in the set is for the evaluator to say: it is always aimed anew.
      holds: () => match.negated,
      force: (draft, random) => {
        aim(draft, random, false);
      },
      near: (draft, random) => {
        aim(draft, random, !match.negated);
      },
    },
  ];
}

/** Deeper lists than this are none the kernel takes. */
const MOST_LEVELS = 4;

function elementsOf(
  name: string,
  sets: ReadonlyMap<string, IpSet>,
  family: Family,
  level: number,
): readonly SetElement[] {
  const set = sets.get(name);
  if (set === undefined || level > MOST_LEVELS) return [];
  if (set.members.length > 0) return set.members.flatMap((one) => elementsOf(one, sets, family, level + 1));
  return set.family === undefined || set.family === family ? set.elements : [];
}

function put(
  { parts }: SetElement,
  directions: SetMatch['directions'],
  draft: Draft,
  random: Random,
  beside: boolean,
): void {
  const moved = random.between(0, parts.length - 1);
  for (const [i, part] of parts.entries()) {
    const direction = directions[Math.min(i, directions.length - 1)] ?? 'src';
    const off = beside && i === moved;
    switch (part.kind) {
      case 'address':
      case 'net': {
        const field = direction === 'src' ? 'source' : 'destination';
        const bits = part.kind === 'net' ? part.prefix : part.address.length * 32;
        const mask = prefixMask(bits, draft.family);
        const inside = anyWithin({ address: part.address, mask }, random);
        draft[field] = off ? neighbour(inside, random) : inside;
        draft.demanded.add(field);
        break;
      }
      case 'port': {
        if (part.protocol !== 0) draft.protocol = part.protocol;
        if (draft.protocol === PROTOCOL.icmp || draft.protocol === PROTOCOL.icmp6) {
          draft.icmpType = part.port >>> 8;
          draft.icmpCode = off ? (part.port + 1) & 0xff : part.port & 0xff;
          break;
        }
        const field = direction === 'src' ? 'sourcePort' : 'destinationPort';
        draft[field] = Math.min(65535, Math.max(0, part.port + (off ? random.pick([-1, 1]) : 0)));
        break;
      }
      case 'mac':
        draft.sourceMac = part.mac.split(':').map((byte) => parseInt(byte, 16));
        break;
      case 'mark':
      case 'interface':
        break;
    }
  }
}
