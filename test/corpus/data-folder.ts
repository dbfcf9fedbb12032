// SPDX-License-Identifier: Apache-2.0
// Where the shared data are: IPT2EBPF_DATA, else ../shared/data beside the repository. Never committed.
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const DATA_FOLDER = resolve(
  import.meta.dirname,
  '../..',
  process.env['IPT2EBPF_DATA'] ?? '../shared/data',
);

/** Undefined when the folder is there; else the sentence a skipped test says. */
export function missingData(folder: string): string | undefined {
  return existsSync(join(DATA_FOLDER, folder))
    ? undefined
    : `no data folder ${join(DATA_FOLDER, folder)}: set IPT2EBPF_DATA`;
}

/** All files below a folder of the data, as paths relative to it, sorted. */
export function dataFiles(folder: string): string[] {
  return readdirSync(join(DATA_FOLDER, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(DATA_FOLDER.length + 1))
    .sort();
}
