// SPDX-License-Identifier: Apache-2.0
// A folder of files that is whole or not there: written beside its place under a temporary name, then renamed.
// A folder that an earlier migration wrote is replaced; any other is left alone.
import { chmod, lstat, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { EnvironmentError } from '../diagnostics/diagnostic.js';

export interface OutputEntry {
  readonly contents: Uint8Array | string;
  readonly executable?: boolean;
}

/** Names the folder as one of ours. */
export const MANIFEST_FILE = 'manifest.json';
/** The migrated ruleset and host below it, in the form of a snapshot. */
export const INPUT_FOLDER = 'input';

/** `files`: contents by path below the folder. Throws EnvironmentError; then nothing has changed. */
export async function writeFolder(folder: string, files: ReadonlyMap<string, OutputEntry>): Promise<void> {
  const place = resolve(folder);
  await refuseForeign(place, folder);
  let scratch: string | undefined;
  try {
    await mkdir(dirname(place), { recursive: true });
    scratch = await mkdtemp(join(dirname(place), `.${basename(place)}.`));
    for (const [name, { contents, executable }] of files) {
      const path = join(scratch, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, contents);
      if (executable === true) await chmod(path, 0o755);
    }
    await chmod(scratch, 0o755);
    await replace(place, scratch);
  } catch (error) {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
    throw new EnvironmentError(
      `the output folder ${folder} cannot be written: ${(error as Error).message}`,
      [],
      {
        cause: error,
      },
    );
  }
}

async function replace(place: string, scratch: string): Promise<void> {
  const old = `${scratch}.old`;
  let had = true;
  try {
    await rename(place, old);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    had = false;
  }
  try {
    await rename(scratch, place);
  } catch (error) {
    if (had) await rename(old, place);
    throw error;
  }
  if (had) await rm(old, { recursive: true, force: true });
}

async function refuseForeign(place: string, folder: string): Promise<void> {
  const found = await lstat(place).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isDirectory())
    throw new EnvironmentError(`${folder} is there and is not a folder`, ['name another with -o']);
  const names = await readdir(place);
  if (names.length > 0 && !names.includes(MANIFEST_FILE)) {
    throw new EnvironmentError(`${folder} holds files that no migration wrote`, [
      'name an empty or a new folder with -o',
    ]);
  }
}
