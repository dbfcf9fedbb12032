// SPDX-License-Identifier: Apache-2.0
// The CT field's values by the state they stand for.
import type { ConntrackStateName } from '../ruleset/matches/conntrack.js';
import { STATE } from '../program/layout.js';
import { CT_FIELD, CT_FIELD_LIMIT } from './fields.js';
import { valuesWhere } from './ranges.js';
import type { Ranges } from './ranges.js';

/** Undefined for values no packet has. */
export function connectionStateOf(value: number): ConntrackStateName | undefined {
  switch (value & CT_FIELD.STATE_MASK) {
    case STATE.values.NEW:
      return 'NEW';
    case STATE.values.ESTABLISHED:
      return 'ESTABLISHED';
    case STATE.values.RELATED:
      return 'RELATED';
    case STATE.values.INVALID:
      return 'INVALID';
    case STATE.values.UNTRACKED:
      return 'UNTRACKED';
    default:
      return undefined;
  }
}

export function connectionStates(holds: (state: ConntrackStateName) => boolean): Ranges {
  return valuesWhere(CT_FIELD_LIMIT, (value) => {
    const state = connectionStateOf(value);
    return state !== undefined && holds(state);
  });
}
