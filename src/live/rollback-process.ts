// SPDX-License-Identifier: Apache-2.0
// The process that goes back to iptables unless `confirm` comes: it waits the seconds given as its argument, then
// does so, again and again until it is done or no longer its business. Started by startDetached.
import { closeSync, writeSync } from 'node:fs';
import { withLock } from './lock.js';
import { readState, writeState } from './places.js';
import { READY_FD } from './processes.js';
import { takeDown } from './take-down.js';

const AGAIN_MS = 1000;

const end = performance.now() + Number(process.argv[2]) * 1000;
for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGPIPE'] as const) process.on(signal, () => undefined);
try {
  writeSync(READY_FD, 'ready');
  closeSync(READY_FD);
} catch {
  // Who started us has died: the state says whether we are wanted.
}
// Who started us writes our name while it holds the lock; when it died before, nobody wants us.
if (!(await isWanted())) process.exit(0);
await sleep(Math.max(0, end - performance.now()));
while (!(await rollBack())) await sleep(AGAIN_MS);

async function isWanted(): Promise<boolean> {
  return withLock(isNamed).catch(() => true);
}

function isNamed(): boolean {
  return readState()?.rollback?.process?.pid === process.pid;
}

/** True when there is nothing left to do. */
async function rollBack(): Promise<boolean> {
  try {
    return await withLock(async () => {
      if (!isNamed()) return true;
      try {
        await takeDown();
        return true;
      } catch (error) {
        writeState({ ...readState()!, trouble: `rolling back failed: ${(error as Error).message}` });
        return false;
      }
    });
  } catch {
    // The lock is held: later.
    return false;
  }
}

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
