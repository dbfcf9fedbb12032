// SPDX-License-Identifier: Apache-2.0
// Tools of the host (ip, tc, iptables) run in this network namespace, with their word where they refuse.
import { spawnSync } from 'node:child_process';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { ToolError } from '../kernel/namespace.js';

const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  tc: 'iproute2',
  mount: 'mount',
  conntrack: 'conntrack',
};
const MOST_MS = 60_000;

/** Standard output, latin1. Throws ToolError with what it said, EnvironmentError where it is not installed. */
export function runTool(command: string, args: readonly string[], input = ''): string {
  const result = spawnSync(command, args, {
    input: Buffer.from(input, 'latin1'),
    maxBuffer: 1 << 30,
    timeout: MOST_MS,
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' },
  });
  if (result.error !== undefined) {
    if ((result.error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new ToolError(command, result.error.message);
    throw new EnvironmentError(`\`${command}\` is not installed`, [
      `apt-get install ${PACKAGES[command] ?? 'iptables'}`,
    ]);
  }
  if (result.status !== 0) throw new ToolError(command, result.stderr.toString('latin1').trim());
  return result.stdout.toString('latin1');
}

/** The same, read as JSON; nothing printed is an empty list. */
export function askTool<T>(command: string, args: readonly string[]): readonly T[] {
  const text = runTool(command, args).trim();
  return text === '' ? [] : (JSON.parse(text) as T[]);
}
