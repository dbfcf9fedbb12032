// SPDX-License-Identifier: Apache-2.0
// What a crash left, brought to one side or the other before anything else is done.
import { existsSync, rmSync } from 'node:fs';
import { arePinned } from './pins.js';
import {
  MIGRATION_FOLDER,
  PINS_NEW,
  readState,
  SCRIPT_FILE,
  writeState,
  type LiveState,
  type Rollback,
} from './places.js';
import { isAlive, startDetached } from './processes.js';
import { modeInForce, takeDown } from './take-down.js';

/** Returns what was found and done, as sentences. Call with the lock held. */
export async function recover(): Promise<string[]> {
  rmSync(PINS_NEW, { recursive: true, force: true });
  rmSync(`${MIGRATION_FOLDER}.new`, { recursive: true, force: true });
  const state = readState();
  if (state === undefined) {
    if (!arePinned() || existsSync(SCRIPT_FILE)) return [];
    await takeDown(true);
    return ['remains of a load that was cut off are taken away'];
  }
  if (!arePinned()) {
    await takeDown(true);
    return ['the pins were gone: iptables has its rules back, programs are detached'];
  }
  if (state.rollback !== null && !isAlive(state.rollback.process))
    return [await resumeRollback(state, state.rollback)];
  const mode = modeInForce();
  if (state.rollback === null && mode !== undefined && mode !== state.mode) {
    writeState({ ...state, mode, since: new Date().toISOString() });
    return [`programs ${mode}, which is not what the state said: it is put right`];
  }
  return [];
}

/** The process that was to roll back has died. */
async function resumeRollback(state: LiveState, rollback: Rollback): Promise<string> {
  const left = Math.ceil((Date.parse(rollback.deadline) - Date.now()) / 1000);
  if (left <= 0) {
    await takeDown(true);
    return `no confirm came before ${rollback.deadline} and the rollback process is gone: rolled back now`;
  }
  const process = await startDetached('rollback-process', [String(left)]);
  writeState({ ...state, rollback: { ...rollback, process } });
  return `the rollback process was gone: another one waits for confirm until ${rollback.deadline}`;
}
