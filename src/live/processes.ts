// SPDX-License-Identifier: Apache-2.0
// Processes that outlive the command that starts them: sessions of their own, no terminal, no standard streams.
// Known by id and start time (proc(5), /proc/PID/stat), since ids are used again.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { PACKAGE_ROOT } from '../package-root.js';
import type { ProcessMark } from './places.js';

export type ProcessName = 'rollback-process' | 'watcher-process';

const READY_MS = 30_000;
const END_MS = 3000;
/** Where a process says that it stands. */
export const READY_FD = 3;

/** Starts one of ours and waits until it says that it is ready. Throws EnvironmentError where it is not. */
export async function startDetached(name: ProcessName, args: readonly string[] = []): Promise<ProcessMark> {
  const script = fileURLToPath(new URL(`./${name}${extname(import.meta.url)}`, import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, script, ...args], {
    cwd: PACKAGE_ROOT,
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const ready = child.stdio[READY_FD]!;
  const told = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), READY_MS);
    const answer = (is: boolean) => (): void => {
      clearTimeout(timer);
      resolve(is);
    };
    ready.once('data', answer(true));
    child.once('error', answer(false));
    child.once('exit', answer(false));
  });
  ready.destroy();
  child.unref();
  const mark = child.pid === undefined ? undefined : markOf(child.pid);
  if (!told || mark === undefined) {
    child.kill('SIGKILL');
    throw new EnvironmentError(`the ${name.replace('-', ' ')} could not be started`);
  }
  return mark;
}

/** Undefined where there is no such process, or a dead one that nobody has waited for. */
export function markOf(pid: number): ProcessMark | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
    // The second field, in parentheses, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : { pid, start: fields[19]! };
  } catch {
    return undefined;
  }
}

export function isAlive(mark: ProcessMark | null | undefined): boolean {
  return mark != null && markOf(mark.pid)?.start === mark.start;
}

/** Ends it and waits until it is gone. Nothing happens to a process that only has its id. */
export async function endProcess(mark: ProcessMark | null | undefined): Promise<void> {
  if (mark == null || mark.pid === process.pid) return;
  const end = performance.now() + END_MS;
  for (let signal: NodeJS.Signals = 'SIGTERM'; isAlive(mark);) {
    if (performance.now() > end) signal = 'SIGKILL';
    try {
      process.kill(mark.pid, signal);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
