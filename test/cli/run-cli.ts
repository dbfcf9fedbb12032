// SPDX-License-Identifier: Apache-2.0
// Runs the built command as a user does.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

export const repositoryRoot = resolve(import.meta.dirname, '../..');

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly input?: string | Buffer;
  /** A file descriptor for standard output, in place of capturing it. */
  readonly stdout?: number;
  readonly cwd?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export function runCli(args: readonly string[], options: CliOptions = {}): CliResult {
  const result = spawnSync(process.execPath, [resolve(repositoryRoot, 'bin/run.js'), ...args], {
    cwd: options.cwd ?? repositoryRoot,
    env: { ...plainEnvironment(), ...options.env },
    input: options.input ?? '',
    stdio: ['pipe', options.stdout ?? 'pipe', 'pipe'],
    maxBuffer: 256 << 20,
    encoding: 'latin1',
    timeout: 120_000,
  });
  return { code: result.status, stdout: result.stdout ?? '', stderr: result.stderr };
}

/** Ours, without what a test runner or a CI system says about colour. */
export function plainEnvironment(): Record<string, string | undefined> {
  return { ...process.env, FORCE_COLOR: undefined, NO_COLOR: undefined };
}

/** Lines that only a stack trace has. */
export function stackTraceLines(text: string): string[] {
  return text.split('\n').filter((line) => /^\s+at .*[(:]\d+/.test(line));
}
