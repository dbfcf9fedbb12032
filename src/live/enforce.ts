// SPDX-License-Identifier: Apache-2.0
// `load --enforce` and `confirm`: the switch from iptables to programs, and its end. First stands who switches
// back, then the state, then the one word in the map; only then may iptables be emptied. So at every moment
// iptables decides, or programs, or both.
import type { Family } from '../net/family.js';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import type { Model } from '../model/model.js';
import type { LoadedMigration } from './migration.js';
import { emptyTables, saveRules, takeCarried } from './iptables.js';
import { readMode, writeMode } from './pins.js';
import { readState, writeState, type LiveState } from './places.js';
import { endProcess, startDetached } from './processes.js';
import { seedConnections, type Seeded } from './seed.js';
import { modeInForce } from './take-down.js';

export interface EnforceOptions {
  /** Time for `confirm`, in seconds. */
  readonly rollbackAfter: number;
  /** Empty iptables once programs enforce. */
  readonly flush: boolean;
}

export interface Enforced {
  readonly state: LiveState;
  /** True when it enforced before and was confirmed: nothing was done. */
  readonly again: boolean;
  /** Connections as programs know them at the switch; undefined where there was none, or they use the kernel's. */
  readonly seeded: Seeded | undefined;
}

/** Call with the lock held, after `load`. */
export async function enforce(
  { model, attach, leftTables }: LoadedMigration,
  { rollbackAfter, flush }: EnforceOptions,
): Promise<Enforced> {
  const before = loadedState();
  const isConfirmed = before.rollback === null && modeInForce() === 'enforce';
  const empties = flush && before.saved.length === 0;
  if (isConfirmed && !empties) return { state: before, again: true, seeded: undefined };
  const saved = empties ? saveRules(takeCarried(familiesOf(model), leftTables)) : before.saved;
  const process = await startDetached('rollback-process', [String(rollbackAfter)]);
  const deadline = new Date(Date.now() + rollbackAfter * 1000).toISOString();
  const since = before.mode === 'enforce' ? before.since : new Date().toISOString();
  const rollback = { deadline, seconds: rollbackAfter, process };
  const state: LiveState = { ...before, mode: 'enforce', since, rollback, saved };
  writeState(state);
  await endProcess(before.rollback?.process);
  // What programs observed from its middle on the kernel knows from its beginning.
  const seeded = attach.includes('tc') && readMode() === 'observe' ? seedConnections(model) : undefined;
  writeMode('enforce');
  // Once more also where an earlier call was cut off in the middle of it.
  if (flush) emptyTables(saved, attach.includes('tc') ? familiesOf(model, true) : []);
  return { state, again: false, seeded };
}

export interface Confirmed {
  readonly state: LiveState;
  /** True when there was nothing left to confirm. */
  readonly again: boolean;
}

/** Call with the lock held. Throws EnvironmentError where nothing enforces. */
export async function confirm(): Promise<Confirmed> {
  const before = loadedState();
  if (modeInForce() !== 'enforce')
    throw new EnvironmentError('programs only observe: there is nothing to confirm', [
      'ipt2ebpf load DIR --enforce --rollback-after SECONDS',
    ]);
  if (before.rollback === null) return { state: before, again: true };
  const state: LiveState = { ...before, rollback: null };
  writeState(state);
  await endProcess(before.rollback.process);
  // The rule that kept connection tracking on for a rollback is no longer needed.
  emptyTables(state.saved, []);
  return { state, again: false };
}

function loadedState(): LiveState {
  const state = readState();
  if (state === undefined)
    throw new EnvironmentError('nothing is loaded: either no confirm came in time, or it never was', [
      'ipt2ebpf load DIR',
    ]);
  return state;
}

/** Families that programs judge; with `tracked`, those whose rules ask for connections. */
function familiesOf({ families }: Model, tracked = false): Family[] {
  return families.filter((each) => !tracked || each.tracked).map(({ family }) => family);
}
