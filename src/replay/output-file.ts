// SPDX-License-Identifier: Apache-2.0
// An output file that is whole or not there: written under a temporary name in the same folder, renamed when
// complete, removed on any failure. A full disk leaves what was there before.
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { EnvironmentError } from '../diagnostics/diagnostic.js';

/** Bytes collected before they are written. */
const BUFFER_BYTES = 256 * 1024;

export class OutputFile {
  private pending: Uint8Array[] = [];
  private pendingBytes = 0;

  private constructor(
    private readonly path: string,
    private readonly temporary: string,
    private readonly handle: FileHandle,
  ) {}

  /** Throws an EnvironmentError naming the file where it can't be made. */
  static async create(path: string): Promise<OutputFile> {
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      return new OutputFile(path, temporary, await open(temporary, 'wx'));
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }

  /** On failure the file is gone and the error is thrown. */
  async write(data: Uint8Array | string): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
    this.pending.push(bytes);
    this.pendingBytes += bytes.length;
    if (this.pendingBytes >= BUFFER_BYTES) await this.guarded(() => this.flush());
  }

  /** Completes the file: from here on it is there under its name. */
  async commit(): Promise<void> {
    await this.guarded(async () => {
      await this.flush();
      await this.handle.sync();
      await this.handle.close();
      await rename(this.temporary, this.path);
    });
  }

  /** Gives it up; safe to call after a failure. */
  async discard(): Promise<void> {
    await this.handle.close().catch(() => undefined);
    await rm(this.temporary, { force: true });
  }

  private async flush(): Promise<void> {
    const bytes = Buffer.concat(this.pending);
    this.pending = [];
    this.pendingBytes = 0;
    await this.handle.writeFile(bytes);
  }

  private async guarded(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      await this.discard();
      throw cannotWrite(this.path, error);
    }
  }
}

/** A whole file at once. */
export async function writeOutputFile(path: string, data: Uint8Array | string): Promise<void> {
  const file = await OutputFile.create(path);
  await file.write(data);
  await file.commit();
}

function cannotWrite(path: string, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (code === undefined) return error instanceof Error ? error : new Error(String(error));
  const text = ERRNO_TEXT[code] ?? (error instanceof Error ? error.message : code);
  return new EnvironmentError(`\`${path}\` can't be written: ${text}; nothing was left there`, [], {
    cause: error,
  });
}

const ERRNO_TEXT: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  ENOENT: 'its folder does not exist',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of its path is no directory',
  EROFS: 'the file system is read-only',
};
