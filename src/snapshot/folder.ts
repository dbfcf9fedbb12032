// SPDX-License-Identifier: Apache-2.0
// The folder of a snapshot: whole or not there, for its owner's eyes only (rules and connections are private).
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { EnvironmentError } from '../diagnostics/diagnostic.js';

/** All names that a snapshot may hold. */
export const SNAPSHOT_FILES: readonly string[] = [
  'rules.v4',
  'rules.v6',
  'beside.v4',
  'beside.v6',
  'ipset.save',
  'host.json',
  'nft.txt',
  'conntrack.txt',
  'bpf.json',
];

/** Throws EnvironmentError when something stands there that may not be replaced. Ask before the work. */
export function refuseExisting(folder: string, force: boolean): void {
  const found = lstatSync(resolve(folder), { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isDirectory())
    throw new EnvironmentError(`${folder} is there and is not a folder`, ['name another with -o']);
  if (!force)
    throw new EnvironmentError(`${folder} is there already`, [
      'name another with -o, or replace it with --force',
    ]);
  const foreign = readdirSync(resolve(folder)).find((name) => !SNAPSHOT_FILES.includes(name));
  if (foreign !== undefined)
    throw new EnvironmentError(`${folder} holds \`${foreign}\`, which is no part of a snapshot`, [
      'name another with -o',
    ]);
}

/** `files`: latin1 texts by name. Written beside its place, then renamed. */
export function writeSnapshot(folder: string, files: ReadonlyMap<string, string>, force: boolean): void {
  refuseExisting(folder, force);
  const place = resolve(folder);
  let scratch: string | undefined;
  try {
    mkdirSync(dirname(place), { recursive: true });
    scratch = mkdtempSync(join(dirname(place), `.${basename(place)}.`));
    chmodSync(scratch, 0o700);
    for (const [name, text] of files)
      writeFileSync(join(scratch, name), Buffer.from(text, 'latin1'), { mode: 0o600, flag: 'wx' });
    replace(place, scratch);
  } catch (error) {
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
    throw new EnvironmentError(`the snapshot ${folder} cannot be written: ${(error as Error).message}`, [], {
      cause: error,
    });
  }
}

function replace(place: string, scratch: string): void {
  if (lstatSync(place, { throwIfNoEntry: false }) === undefined) {
    renameSync(scratch, place);
    return;
  }
  const old = `${scratch}.old`;
  renameSync(place, old);
  try {
    renameSync(scratch, place);
  } catch (error) {
    renameSync(old, place);
    throw error;
  }
  rmSync(old, { recursive: true, force: true });
}
