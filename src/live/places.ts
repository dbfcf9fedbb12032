// SPDX-License-Identifier: Apache-2.0
// Where the live plane stands: pins on the BPF file system, state below /run. Both are gone after a restart of
// the machine, as the programs are. `state.json` is whole or not there, and tells what was meant; which mode is
// in force, element 0 of the pinned map `config` tells.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import type { Family } from '../net/family.js';
import type { AttachKind } from '../program/attach-kind.js';
import type { Backend } from '../snapshot/rules.js';

/** Pins. The new set is made below PINS_NEW and renamed: bpffs refuses names with dots. */
export const PINS = '/sys/fs/bpf/ipt2ebpf';
export const PINS_NEW = '/sys/fs/bpf/ipt2ebpf-new';
export const PIN_FOLDERS = ['maps', 'programs', 'links'] as const;

/** For root's eyes only: it holds rules. */
export const STATE_FOLDER = '/run/ipt2ebpf';
export const STATE_FILE = `${STATE_FOLDER}/state.json`;
export const LOCK_FILE = `${STATE_FOLDER}/lock`;
/** A copy of the folder that `migrate` wrote: program.o, model.json, report.json, manifest.json... */
export const MIGRATION_FOLDER = `${STATE_FOLDER}/migration`;
/** Rules as they were before we emptied iptables, by SavedRules.file. */
export const SAVED_FOLDER = `${STATE_FOLDER}/saved`;
/** Interfaces whose clsact qdisc we made, one a line; load.sh keeps the same file. */
export const CLSACT_FILE = `${STATE_FOLDER}/clsact`;
/** What load.sh writes in place of state.json: the digest of its program. */
export const SCRIPT_FILE = `${STATE_FOLDER}/digest`;

/** TC filters of ours: preference and handle, the same in load.sh. */
export const TC_PREFERENCE = 49152;
export const TC_HANDLE = 1;

export const mapPin = (name: string): string => join(PINS, 'maps', name);
export const programPin = (name: string): string => join(PINS, 'programs', name);
export const linkPin = (name: string): string => join(PINS, 'links', name);

export type Mode = 'observe' | 'enforce';

/** A process of ours that outlives the command. Ids are used again: it is ours only with the same start. */
export interface ProcessMark {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks after boot. */
  readonly start: string;
}

export interface SavedRules {
  readonly family: Family;
  readonly backend: Backend;
  /** Name below SAVED_FOLDER: input for ip[6]tables-<backend>-restore --counters. */
  readonly file: string;
  /** Tables that were emptied; others are as they were. */
  readonly tables: readonly string[];
}

export interface Rollback {
  /** ISO 8601 time by which `confirm` must come, by the wall clock; the process counts by itself. */
  readonly deadline: string;
  readonly seconds: number;
  /** Null until the process runs. */
  readonly process: ProcessMark | null;
}

export interface LiveState {
  /** Of this format. */
  readonly version: 1;
  /** Lower-case hex SHA-256 of program.o. */
  readonly digest: string;
  /** Inode of the network namespace that it is attached in. */
  readonly network: number;
  /** What was asked for last; `config.mode` in the map is in force. */
  readonly mode: Mode;
  /** ISO 8601: since when this mode. */
  readonly since: string;
  readonly attach: readonly AttachKind[];
  /** Names of the interfaces attached to. */
  readonly interfaces: readonly string[];
  /** Attaches to interfaces born later; null where none runs. */
  readonly watcher: ProcessMark | null;
  /** Null: nothing to confirm. */
  readonly rollback: Rollback | null;
  /** Not empty: iptables was emptied by us, or is being emptied. Restore before anything is detached. */
  readonly saved: readonly SavedRules[];
  /** Own addresses that have come or gone since the migration, as sentences: programs do not know of them. */
  readonly drift?: readonly string[];
  /** Why the last rollback could not be done, as a sentence. */
  readonly trouble?: string;
}

/** Undefined where nothing is loaded. Throws EnvironmentError on a state of another version. */
export function readState(): LiveState | undefined {
  let text: string;
  try {
    text = readFileSync(STATE_FILE, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new EnvironmentError(`${STATE_FILE} cannot be read: ${(error as Error).message}`, ['run as root']);
  }
  const state = JSON.parse(text) as LiveState;
  if ((state.version as number) !== 1)
    throw new EnvironmentError(`${STATE_FILE} was written by another version of ipt2ebpf`, [
      'unload with that version',
    ]);
  return state;
}

/** Written to a temporary name and renamed. Call with the lock held. */
export function writeState(state: LiveState): void {
  mkdirSync(STATE_FOLDER, { recursive: true, mode: 0o700 });
  const scratch = `${STATE_FILE}.new`;
  writeFileSync(scratch, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(scratch, STATE_FILE);
}
