// SPDX-License-Identifier: Apache-2.0
// What rules ask of a packet, turned round into conditions. Matches about which a packet can do nothing (comment,
// limit) have none.
import { matchesMasked, prefixMask, type AddressWords, type MaskedAddress } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import { inRange, type NumberRange } from '../../net/range.js';
import type { Match } from '../../ruleset/matches/index.js';
import type { Negatable, Rule, Ruleset } from '../../ruleset/ruleset.js';
import { anyWithin, inAddressRange, neighbour, withinRange } from './addresses.js';
import type { Condition } from './condition.js';
import type { Draft } from './draft.js';
import type { Places } from './places.js';
import type { Random } from './random.js';
import { setConditions } from './set-conditions.js';

/** All conditions of a rule, those of its header first. */
export function conditionsOf(rule: Rule, ruleset: Ruleset, places: Places): Condition[] {
  const { header, family } = rule;
  const conditions: Condition[] = [];
  if (header.protocol)
    conditions.push(oneOf('protocol', [single(header.protocol.value)], header.protocol.negated, 255));
  if (header.inInterface) conditions.push(places.arrives(header.inInterface, family));
  if (header.outInterface) conditions.push(places.leaves(header.outInterface));
  if (header.source) conditions.push(masked('source', header.source));
  if (header.destination) conditions.push(masked('destination', header.destination));
  if (header.fragment) conditions.push(fragment(header.fragment.negated));
  for (const match of rule.matches) conditions.push(...ofMatch(match, family, ruleset, places));
  return conditions;
}

function ofMatch(match: Match, family: Family, ruleset: Ruleset, places: Places): Condition[] {
  switch (match.kind) {
    case 'tcp':
      return [
        ...ports(match),
        ...(match.flagMask === 0 ? [] : [flags(match.flagMask, match.flagCompare, match.flagsNegated)]),
        ...(match.option === undefined ? [] : [tcpOption(match.option, match.optionNegated)]),
      ];
    case 'udp':
      return ports(match);
    case 'multiport': {
      const field = match.which === 'source' ? 'sourcePort' : 'destinationPort';
      return [oneOf(field, match.ports, match.negated, 65535)];
    }
    case 'icmp':
    case 'icmp6':
      return [
        ...(match.type === 255 ? [] : [oneOf('icmpType', [single(match.type)], match.negated, 255)]),
        ...(match.negated ? [] : [oneOf('icmpCode', [match.codes], false, 255)]),
      ];
    case 'conntrack':
      return match.states === undefined ? [] : [state(match.states.value, match.states.negated)];
    case 'state':
      return [state(match.states, match.negated)];
    case 'set':
      return setConditions(match, ruleset.sets, family);
    case 'iprange':
      return (['source', 'destination'] as const).flatMap((field) => {
        const range = match[field];
        return range === undefined ? [] : [ranged(field, range.value.first, range.value.last, range.negated)];
      });
    case 'addrtype':
      return (['source', 'destination'] as const).flatMap((field) => {
        const types = match[field];
        return types === undefined ? [] : [places.ofType(field, types.value, types.negated, family)];
      });
    case 'mac':
      return [mac(match.source, match.negated)];
    case 'length':
      return [oneOf('length', [match.lengths], match.negated, 1500)];
    case 'ttl':
    case 'hl':
      return [oneOf('ttl', compared(match.compare, match.value), match.compare === 'ne', 255)];
    case 'comment':
    case 'limit':
    case 'mark':
    case 'opaque':
      return [];
  }
}

function single(value: number): NumberRange {
  return { first: value, last: value };
}

function compared(compare: 'eq' | 'ne' | 'lt' | 'gt', value: number): NumberRange[] {
  if (compare === 'lt') return [{ first: 1, last: Math.max(1, value - 1) }];
  if (compare === 'gt') return [{ first: Math.min(255, value + 1), last: 255 }];
  return [single(value)];
}

interface PortTests {
  readonly sourcePorts: NumberRange;
  readonly sourcePortsNegated: boolean;
  readonly destinationPorts: NumberRange;
  readonly destinationPortsNegated: boolean;
}

function ports(match: PortTests): Condition[] {
  const all = ({ first, last }: NumberRange): boolean => first === 0 && last === 65535;
  const { sourcePorts, destinationPorts } = match;
  return [
    ...(all(sourcePorts) ? [] : [oneOf('sourcePort', [sourcePorts], match.sourcePortsNegated, 65535)]),
    ...(all(destinationPorts)
      ? []
      : [oneOf('destinationPort', [destinationPorts], match.destinationPortsNegated, 65535)]),
  ];
}

type NumberField = 'protocol' | 'sourcePort' | 'destinationPort' | 'icmpType' | 'icmpCode' | 'length' | 'ttl';

/** A number in one of the ranges, or in none of them where negated. */
function oneOf(
  field: NumberField,
  ranges: readonly NumberRange[],
  negated: boolean,
  most: number,
): Condition {
  const holds = (draft: Draft): boolean =>
    draft[field] !== undefined && ranges.some((range) => inRange(draft[field]!, range)) !== negated;
  const near = (draft: Draft, random: Random): void => {
    const { first, last } = random.pick(ranges);
    draft[field] = clamp(random.pick([first - 1, first, last, last + 1]), most);
  };
  return {
    holds,
    near,
    force(draft, random) {
      for (let tries = 0; tries < 8; tries++) {
        const { first, last } = random.pick(ranges);
        if (negated) draft[field] = random.chance(50) ? random.between(0, most) : clamp(last + 1, most);
        else
          draft[field] = random.pick([
            first,
            Math.min(last, most),
            random.between(first, Math.max(first, Math.min(last, most))),
          ]);
        if (holds(draft)) return;
      }
    },
  };
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}

function masked(field: 'source' | 'destination', { value, negated }: Negatable<MaskedAddress>): Condition {
  return addressed(
    field,
    (words) => matchesMasked(words, value) !== negated,
    (random) => anyWithin(value, random),
    (random) => neighbour(random.chance(50) ? value.address : lastOf(value), random),
    negated,
  );
}

function ranged(
  field: 'source' | 'destination',
  first: AddressWords,
  last: AddressWords,
  negated: boolean,
): Condition {
  return addressed(
    field,
    (words) => inAddressRange(words, first, last) !== negated,
    (random) => withinRange(first, last, random),
    (random) => neighbour(random.chance(50) ? first : last, random),
    negated,
  );
}

function addressed(
  field: 'source' | 'destination',
  meets: (words: AddressWords) => boolean,
  inside: (random: Random) => AddressWords,
  beside: (random: Random) => AddressWords,
  negated: boolean,
): Condition {
  return {
    holds: (draft) => meets(draft[field]),
    near(draft, random) {
      draft[field] = beside(random);
      draft.demanded.add(field);
    },
    force(draft, random) {
      draft.demanded.add(field);
      if (!negated) {
        draft[field] = inside(random);
        return;
      }
      for (let tries = 0; tries < 8 && !meets(draft[field]); tries++) {
        const everything = { address: draft[field].map(() => 0), mask: prefixMask(0, draft.family) };
        draft[field] = random.chance(60) ? beside(random) : anyWithin(everything, random);
      }
    },
  };
}

function lastOf({ address, mask }: MaskedAddress): AddressWords {
  return address.map((word, i) => (word | ~mask[i]!) >>> 0);
}

function flags(mask: number, compare: number, negated: boolean): Condition {
  return {
    holds: (draft) => ((draft.flags & mask) === compare) !== negated,
    force(draft, random) {
      draft.flags = ((draft.flags & ~mask) | compare) & 0xff;
      if (negated) draft.flags ^= bitOf(mask, random);
    },
    near(draft, random) {
      draft.flags = (((draft.flags & ~mask) | compare) ^ bitOf(mask, random)) & 0xff;
    },
  };
}

function bitOf(mask: number, random: Random): number {
  return random.pick([1, 2, 4, 8, 16, 32, 64, 128].filter((bit) => (mask & bit) !== 0));
}

function tcpOption(kind: number, negated: boolean): Condition {
  return {
    holds: (draft) => (draft.tcpOption === kind) !== negated,
    force(draft) {
      draft.tcpOption = negated ? undefined : kind;
    },
    near(draft) {
      draft.tcpOption = kind + 1;
    },
  };
}

function fragment(negated: boolean): Condition {
  return {
    holds: (draft) => (draft.fragment === 'later') !== negated,
    force(draft, random) {
      draft.fragment = negated ? 'none' : 'later';
      if (negated && random.chance(10)) draft.fragment = 'first';
    },
  };
}

function mac(source: readonly number[], negated: boolean): Condition {
  const same = (draft: Draft): boolean => source.every((byte, i) => byte === draft.sourceMac?.[i]);
  return {
    holds: (draft) => same(draft) !== negated,
    force(draft) {
      draft.sourceMac = negated ? undefined : source;
    },
    near(draft) {
      draft.sourceMac = source.map((byte, i) => (i === 5 ? byte ^ 1 : byte));
    },
  };
}

const REACHABLE = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID'] as const;

/** The packets that bring a connection into the state are the business of whoever sends the draft. */
function state(names: readonly string[], negated: boolean): Condition {
  const wanted = REACHABLE.filter((name) => names.includes(name) !== negated);
  return {
    holds: (draft) => draft.state !== undefined && wanted.some((name) => name === draft.state),
    force(draft, random) {
      if (wanted.length > 0) draft.state = random.pick(wanted);
    },
    near(draft, random) {
      draft.state = random.pick(REACHABLE);
    },
  };
}
