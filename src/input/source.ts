// SPDX-License-Identifier: Apache-2.0
// Input files as text. Decoded as latin1, so that any byte can be read and a column is a byte.
import { constants } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { InputError } from '../diagnostics/input-error.js';
import type { SourceFile } from '../source/span.js';

/** Name of standard input, as given on the command line and as it stands in messages. */
export const STDIN = '-';

/** Longest text that can be held: about half a gigabyte. */
const MAX_BYTES = constants.MAX_STRING_LENGTH;

/** Fails with one message about a file as a whole. */
export function inputError(code: string, name: string, message: string, help?: string): InputError {
  const diagnostic: Diagnostic = {
    code,
    severity: 'error',
    message,
    span: { file: name, line: 1, column: 1, endColumn: 2 },
    ...(help !== undefined && { help }),
  };
  return new InputError([diagnostic]);
}

export type PathKind = 'file' | 'directory' | 'absent';

export async function kindOf(path: string): Promise<PathKind> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'file';
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return 'absent';
    throw inputError('IPT0601', path, `cannot be read: ${describe(error)}`);
  }
}

/** Reads a file that must exist and hold something. */
export async function readSource(path: string): Promise<SourceFile> {
  let bytes: Buffer;
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES) throw tooLong(path, size);
    bytes = await readFile(path);
  } catch (error) {
    if (error instanceof InputError) throw error;
    if (isErrno(error, 'ENOENT')) throw inputError('IPT0600', path, 'there is no such file');
    if (isErrno(error, 'EISDIR'))
      throw inputError('IPT0601', path, 'this is a directory, and a file is wanted here');
    throw inputError('IPT0601', path, `cannot be read: ${describe(error)}`);
  }
  return { name: path, text: bytes.toString('latin1') };
}

export async function readStandardInput(stream: NodeJS.ReadableStream = process.stdin): Promise<SourceFile> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    if (size > MAX_BYTES) throw tooLong(STDIN, size);
    chunks.push(bytes);
  }
  return { name: STDIN, text: Buffer.concat(chunks).toString('latin1') };
}

function tooLong(name: string, size: number): InputError {
  return inputError(
    'IPT0602',
    name,
    `${size} bytes are too many to read at once: at most ${MAX_BYTES}`,
    'give each table or set in a file of its own',
  );
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
