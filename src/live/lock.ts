// SPDX-License-Identifier: Apache-2.0
// One at a time changes the live plane: flock(2) on a file that the kernel lets go of when its holder ends,
// however it ends. Children do not inherit it (O_CLOEXEC).
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { tryLock } from '../kernel/libc.js';
import { LOCK_FILE, STATE_FOLDER } from './places.js';

const STEP_MS = 20;

/**
 * Runs `work` with the lock held; waits for it up to `waitMs`. `work` may remove STATE_FOLDER with the lock file
 * in it: who waits meanwhile sees that and starts again. Throws EnvironmentError when another keeps it.
 */
export async function withLock<T>(work: () => T | Promise<T>, waitMs = 10_000): Promise<T> {
  const fd = await lock(waitMs);
  try {
    return await work();
  } finally {
    tidy();
    closeSync(fd);
  }
}

/** A folder that holds nothing but the lock is none that one should find. */
function tidy(): void {
  const names = existsSync(STATE_FOLDER) ? readdirSync(STATE_FOLDER) : [];
  if (names.length === 1) rmSync(STATE_FOLDER, { recursive: true, force: true });
}

async function lock(waitMs: number): Promise<number> {
  const end = performance.now() + waitMs;
  for (;;) {
    const fd = open();
    if (tryLock(fd)) {
      if (isCurrent(fd)) return fd;
      closeSync(fd);
      continue;
    }
    closeSync(fd);
    if (performance.now() > end)
      throw new EnvironmentError('another ipt2ebpf is changing what is loaded', ['try again in a moment']);
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}

function open(): number {
  for (;;) {
    mkdirSync(STATE_FOLDER, { recursive: true, mode: 0o700 });
    try {
      return openSync(LOCK_FILE, 'a', 0o600);
    } catch (error) {
      // The folder was removed in between.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** False when the file was removed, or made anew, between open and lock. */
function isCurrent(fd: number): boolean {
  return statSync(LOCK_FILE, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
}
