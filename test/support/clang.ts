// SPDX-License-Identifier: Apache-2.0
// Tests that compile C say so when there is no compiler.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { compileC } from '../../src/object/clang.js';
import { readObject, type BpfObject } from '../../src/object/object.js';

export const hasClang = spawnSync('clang', ['--version']).status === 0;

const PROGRAMS = join(import.meta.dirname, 'programs');

/** `.rodata.tab` of shapes.c: the numbers 10, 20, 30, 40. */
const TABLE = new Uint8Array(Uint32Array.of(10, 20, 30, 40).buffer);

/** Object bytes of a file of test/support/programs. */
export function compileProgram(file: string): Promise<Uint8Array> {
  return compileC({ path: join(PROGRAMS, file) }, { includeDirs: [PROGRAMS], files: { 'table.bin': TABLE } });
}

export async function programObject(file: string): Promise<BpfObject> {
  return readObject(await compileProgram(file));
}
