// SPDX-License-Identifier: Apache-2.0
// Binding of set names: that a set is there and serves the rule's family, and what its type and options
// mean for fidelity. libxt_set get_set_byname; net/netfilter/ipset/ip_set_core.c ip_set_test.
import type { Family } from '../../net/family.js';
import type { Fidelity } from '../ruleset.js';
import type { IpSet } from '../sets.js';
import {
  ABSENT_SET,
  SET_OPTION,
  SET_TIMEOUT,
  SET_TYPE_SUPPORT,
  SET_UNREAD,
  SET_WITHOUT_MAC,
} from '../support/context.js';
import { unsupported, worst } from '../support/support.js';

export type Sets = ReadonlyMap<string, IpSet>;

/** Create options that change what a lookup finds, and the types for which that is modelled. */
const LOOKUP_OPTIONS = ['netmask', 'bitmask', 'markmask'];
const MASKED_TYPES = ['hash:ip', 'bitmap:ip'];

/** What a set, and for a list its members, can be carried over as. */
export function setFidelity(set: IpSet, sets: Sets): Fidelity {
  const parts: Fidelity[] = [
    SET_TYPE_SUPPORT[set.type] ?? unsupported('IPT0460', `the set type ${set.type} is not known`),
  ];
  if (LOOKUP_OPTIONS.some((name) => name in set.options) && !MASKED_TYPES.includes(set.type))
    parts.push(SET_OPTION);
  if (set.type === 'bitmap:ip,mac' && set.elements.some((element) => element.parts.length < 2))
    parts.push(SET_WITHOUT_MAC);
  const members = [...set.elements, ...(set.memberElements ?? [])];
  if (members.some(({ timeout }) => timeout !== undefined && timeout > 0)) parts.push(SET_TIMEOUT);
  if ((set.unreadLines ?? 0) > 0) parts.push(SET_UNREAD);
  for (const name of set.members) {
    const member = sets.get(name);
    parts.push(member === undefined || member === set ? ABSENT_SET : setFidelity(member, sets));
  }
  return worst(parts);
}

export type BoundSet =
  | { readonly kind: 'bound'; readonly set: IpSet; readonly fidelity: Fidelity }
  | { readonly kind: 'absent' }
  | { readonly kind: 'other-family'; readonly set: IpSet };

/** Looks sets up for rules; the judgement of each set is made once. */
export class SetBinder {
  private readonly judged = new Map<string, Fidelity>();

  constructor(private readonly sets: Sets) {}

  bind(name: string, family: Family): BoundSet {
    const set = this.sets.get(name);
    if (set === undefined) return { kind: 'absent' };
    if (set.family !== undefined && set.family !== family) return { kind: 'other-family', set };
    let fidelity = this.judged.get(name);
    if (fidelity === undefined) {
      fidelity = setFidelity(set, this.sets);
      this.judged.set(name, fidelity);
    }
    return { kind: 'bound', set, fidelity };
  }
}

/** Dimensions of a set type: parts of its members. `list:set` has one. */
export function dimensions(type: string): number {
  const method = type.indexOf(':');
  return type.slice(method + 1).split(',').length;
}
