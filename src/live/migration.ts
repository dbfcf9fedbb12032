// SPDX-License-Identifier: Apache-2.0
// The folder that `migrate` wrote, as `load` takes it: nothing in it was changed since (SHA-256 of every file),
// and there is a program in it.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { loadInput, type LoadedInput } from '../input/load.js';
import { INPUT_FOLDER, MANIFEST_FILE } from '../migrate/output-folder.js';
import type { MigrationReport } from '../migrate/report.js';
import type { Model } from '../model/model.js';
import { DEFAULT_ATTACH, type AttachKind } from '../program/attach-kind.js';
import { MIGRATION_FOLDER } from './places.js';

export interface LoadedMigration {
  readonly folder: string;
  /** Lower-case hex SHA-256 of program.o. */
  readonly digest: string;
  readonly object: Uint8Array;
  readonly model: Model;
  readonly report: MigrationReport;
  readonly attach: readonly AttachKind[];
  /** Tables that stay with iptables: `ipv4 mangle`. */
  readonly leftTables: ReadonlySet<string>;
  /** The rules and the host it was made from. */
  readonly input: LoadedInput;
}

interface Manifest {
  readonly ok: boolean;
  readonly attach?: readonly AttachKind[];
  readonly files: readonly { readonly name: string; readonly sha256: string }[];
}

/** Of the report, where a migration leaves some. */
interface LeftTables {
  readonly attach?: { readonly left: readonly { readonly family: string; readonly table: string }[] };
}

/** Throws EnvironmentError for a folder that no migration wrote, that was changed, or that holds no program. */
export async function readMigration(folder: string): Promise<LoadedMigration> {
  const manifest = readManifest(folder);
  if (!manifest.ok)
    throw new EnvironmentError(`${folder} holds no program: the migration was not exact`, [
      `read ${join(folder, 'report.md')}`,
    ]);
  const files = new Map<string, Uint8Array>();
  for (const { name, sha256 } of manifest.files) {
    const bytes = readOrUndefined(join(folder, name));
    if (bytes === undefined) throw changed(folder, `${name} is missing`);
    if (createHash('sha256').update(bytes).digest('hex') !== sha256)
      throw changed(folder, `${name} is not what was written`);
    files.set(name, bytes);
  }
  const object = files.get('program.o');
  const model = files.get('model.json');
  const report = files.get('report.json');
  if (
    object === undefined ||
    model === undefined ||
    report === undefined ||
    !files.has(`${INPUT_FOLDER}/host.json`)
  )
    throw new EnvironmentError(`${folder} was written by another version of ipt2ebpf`, ['migrate again']);
  const parsed = JSON.parse(Buffer.from(report).toString('utf8')) as MigrationReport & LeftTables;
  return {
    folder,
    digest: manifest.files.find(({ name }) => name === 'program.o')!.sha256,
    object,
    model: JSON.parse(Buffer.from(model).toString('utf8')) as Model,
    report: parsed,
    attach: manifest.attach ?? DEFAULT_ATTACH,
    leftTables: new Set(parsed.attach?.left.map(({ family, table }) => `${family} ${table}`)),
    input: await loadInput([join(folder, INPUT_FOLDER)]),
  };
}

/** Puts a copy beside the state, so that what is loaded can be told when the folder is gone. */
export function keepMigration({ folder }: LoadedMigration): void {
  const scratch = `${MIGRATION_FOLDER}.new`;
  rmSync(scratch, { recursive: true, force: true });
  cpSync(folder, scratch, { recursive: true });
  rmSync(MIGRATION_FOLDER, { recursive: true, force: true });
  renameSync(scratch, MIGRATION_FOLDER);
}

function readManifest(folder: string): Manifest {
  if (!existsSync(folder)) throw new EnvironmentError(`there is no folder ${folder}`);
  const bytes = readOrUndefined(join(folder, MANIFEST_FILE));
  if (bytes === undefined)
    throw new EnvironmentError(
      `${folder} was not written by \`ipt2ebpf migrate\`: there is no ${MANIFEST_FILE}`,
    );
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as Manifest;
  } catch {
    throw changed(folder, `${MANIFEST_FILE} is no JSON`);
  }
}

function readOrUndefined(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new EnvironmentError(`${path} cannot be read: ${(error as Error).message}`);
  }
}

function changed(folder: string, how: string): EnvironmentError {
  return new EnvironmentError(`${folder} was changed since it was written: ${how}`, ['migrate again']);
}
