// SPDX-License-Identifier: Apache-2.0
// Running clang: C in, object bytes out. The compiler works in a scratch directory where everything has a
// relative name, so the same input gives the same bytes on any machine and in any checkout.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { EnvironmentError } from '../diagnostics/diagnostic.js';

export interface CompileOptions {
  /** Searched for `#include`, in order. In messages and line info each is known by its last name. */
  readonly includeDirs?: readonly string[];
  /** Extra files beside the source, e.g. the table that `.incbin` takes. */
  readonly files?: Readonly<Record<string, Uint8Array | string>>;
  readonly defines?: Readonly<Record<string, string>>;
  /** Instruction set version; 3 has 32-bit jumps and atomics and is known to all supported kernels. */
  readonly cpu?: 1 | 2 | 3;
}

/** A file on disk, or text under the name it shall have in messages and line info. */
export type CSource = { readonly path: string } | { readonly name: string; readonly text: string };

/** Clang refused the source: `message` is what it said. */
export class CompileError extends Error {
  constructor(
    readonly source: string,
    readonly output: string,
  ) {
    super(`clang refused ${source}:\n${output}`);
    this.name = 'CompileError';
  }
}

/** Where Debian and Ubuntu keep `asm/*.h`, which the uapi headers include. */
const MULTIARCH: Readonly<Record<string, string>> = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
  riscv64: 'riscv64-linux-gnu',
  ppc64: 'powerpc64le-linux-gnu',
  s390x: 's390x-linux-gnu',
};

/**
 * Compiles C for the BPF machine, with BTF, warnings as errors.
 * Throws EnvironmentError when clang or a system header is missing, CompileError when it refuses the source.
 */
export async function compileC(source: CSource, options: CompileOptions = {}): Promise<Uint8Array> {
  const name = 'path' in source ? basename(source.path) : source.name;
  const directory = await mkdtemp(join(tmpdir(), 'ipt2ebpf-cc-'));
  try {
    await ('path' in source
      ? symlink(resolve(source.path), join(directory, name))
      : writeFile(join(directory, name), source.text));
    for (const [file, contents] of Object.entries(options.files ?? {})) {
      await writeFile(join(directory, file), contents);
    }
    const includes = await linkDirectories(directory, options.includeDirs ?? []);
    const output = '.object';
    const result = await runClang(directory, [
      ...['-target', 'bpf', `-mcpu=v${String(options.cpu ?? 3)}`, '-std=gnu11'],
      ...['-O2', '-g', '-fdebug-compilation-dir=.', '-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter'],
      ...Object.entries(options.defines ?? {}).map(([macro, value]) => `-D${macro}=${value}`),
      ...includes.flatMap((include) => ['-I', include]),
      ...['-idirafter', `/usr/include/${MULTIARCH[process.arch] ?? process.arch}`],
      ...['-c', name, '-o', output],
    ]);
    if (result.code !== 0) throw missingHeader(result.stderr) ?? new CompileError(name, result.stderr.trim());
    return new Uint8Array(await readFile(join(directory, output)));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Headers of libbpf and of the kernel's interface come with the system, not with us. */
function missingHeader(output: string): EnvironmentError | undefined {
  const header = /fatal error: '((?:bpf|linux|asm|asm-generic)\/[^']+)' file not found/.exec(output)?.[1];
  if (header === undefined) return undefined;
  return new EnvironmentError(`the header <${header}> is not installed, so no program can be compiled`, [
    'run bin/setup, or: apt-get install libbpf-dev linux-libc-dev',
  ]);
}

/** Gives each include directory its last name inside the scratch directory. */
async function linkDirectories(scratch: string, directories: readonly string[]): Promise<string[]> {
  const names: string[] = [];
  for (const directory of directories) {
    const name = names.includes(basename(directory))
      ? `${basename(directory)}-${String(names.length)}`
      : basename(directory);
    await symlink(resolve(directory), join(scratch, name));
    names.push(name);
  }
  return names;
}

function runClang(cwd: string, args: readonly string[]): Promise<{ code: number; stderr: string }> {
  return new Promise((done, fail) => {
    const child = spawn('clang', args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error: NodeJS.ErrnoException) => {
      fail(
        error.code === 'ENOENT'
          ? new EnvironmentError(
              'clang is not installed, so no program can be compiled',
              ['run bin/setup, or: apt-get install clang'],
              { cause: error },
            )
          : error,
      );
    });
    child.on('close', (code) => {
      done({ code: code ?? 1, stderr: Buffer.concat(chunks).toString() });
    });
  });
}
