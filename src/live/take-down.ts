// SPDX-License-Identifier: Apache-2.0
// The way back, in the one order that leaves a whole plane at every moment: iptables first, then observe, then
// detach. Every step may be repeated, so that whoever finds it half done does it again. Call with the lock held.
import { existsSync, rmSync } from 'node:fs';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { forgetTracking } from './attach-netfilter.js';
import { detachTc } from './attach-tc.js';
import { readInterfaces } from './interfaces.js';
import { restoreSaved } from './iptables.js';
import { readMode, removePins, writeMode } from './pins.js';
import {
  CLSACT_FILE,
  mapPin,
  MIGRATION_FOLDER,
  readState,
  SAVED_FOLDER,
  SCRIPT_FILE,
  STATE_FILE,
  STATE_FOLDER,
  writeState,
  type LiveState,
  type Mode,
} from './places.js';
import { endProcess } from './processes.js';

/**
 * Restores what was emptied, and takes everything away. `keepFolder`: that of the state stays, empty, for who
 * goes on under the same lock. Throws EnvironmentError when iptables does not take its rules back, or when nobody
 * knows what they were: nothing is detached then.
 */
export async function takeDown(keepFolder = false): Promise<void> {
  const state = readState();
  if (state === undefined && modeInForce() === 'enforce')
    throw new EnvironmentError(
      `programs enforce, and ${STATE_FILE} is gone: whether iptables holds its rules nobody can tell`,
      [
        'see that iptables holds the rules that are wanted, then: rm -r /sys/fs/bpf/ipt2ebpf; ipt2ebpf unload',
      ],
    );
  if (state !== undefined) giveBack(state);
  if (modeInForce() === 'enforce') writeMode('observe');
  await endProcess(state?.watcher);
  await endProcess(state?.rollback?.process);
  for (const name of interfaceNames(state)) detachTc(name);
  removePins();
  forgetTracking();
  for (const path of [MIGRATION_FOLDER, `${MIGRATION_FOLDER}.new`, SAVED_FOLDER, CLSACT_FILE, SCRIPT_FILE])
    rmSync(path, { recursive: true, force: true });
  rmSync(STATE_FILE, { force: true });
  if (!keepFolder) rmSync(STATE_FOLDER, { recursive: true, force: true });
}

/** Undefined where nothing is pinned. */
export function modeInForce(): Mode | undefined {
  return existsSync(mapPin('config')) ? readMode() : undefined;
}

/** iptables' rules back in force, and no longer remembered as taken. */
function giveBack(state: LiveState): void {
  if (state.saved.length === 0) return;
  restoreSaved(state.saved);
  writeState({ ...state, saved: [] });
}

/** All there are: an interface may carry our filter and not stand in the state. */
function interfaceNames(state: LiveState | undefined): Set<string> {
  const { judged, unreadable } = readInterfaces();
  return new Set([...judged, ...unreadable].map(({ name }) => name).concat(state?.interfaces ?? []));
}
