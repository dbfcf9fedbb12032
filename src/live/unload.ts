// SPDX-License-Identifier: Apache-2.0
// `unload`: the way back as its own command.
import { existsSync } from 'node:fs';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { emptiedTables } from './load-report.js';
import { networkNamespace } from './machine.js';
import { arePinned } from './pins.js';
import { readState, SCRIPT_FILE } from './places.js';
import { takeDown } from './take-down.js';

export interface UnloadReport {
  readonly wasLoaded: boolean;
  /** Tables whose rules are back: `ipv4 filter (legacy)`. */
  readonly restored: readonly string[];
}

/** Call with the lock held. Throws EnvironmentError where iptables does not take its rules back. */
export async function unload(): Promise<UnloadReport> {
  const state = readState();
  if (state !== undefined && state.network !== networkNamespace())
    throw new EnvironmentError('programs are loaded in another network namespace', ['unload them there']);
  const wasLoaded = state !== undefined || arePinned() || existsSync(SCRIPT_FILE);
  await takeDown();
  return { wasLoaded, restored: emptiedTables(state?.saved ?? []) };
}
