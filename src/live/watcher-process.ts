// SPDX-License-Identifier: Apache-2.0
// The process that attaches to interfaces born later, and again where somebody took a filter away, and notes when
// own addresses are no longer those that were migrated: it sleeps in rtnetlink(7) until links, addresses or TC
// filters change. Started by startDetached; ends when the state no longer names it.
import { closeSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Host } from '../host/host.js';
import { AF_NETLINK, bindSocket, openSocket, receive, SOCK_RAW } from '../kernel/libc.js';
import { INPUT_FOLDER } from '../migrate/output-folder.js';
import type { Model } from '../model/model.js';
import { attachMissing } from './attach.js';
import { addressDifferences } from './host-check.js';
import { withLock } from './lock.js';
import { MIGRATION_FOLDER, readState, writeState } from './places.js';
import { READY_FD } from './processes.js';

const NETLINK_ROUTE = 0;
const RTMGRP_LINK = 1;
const RTMGRP_TC = 8;
const RTMGRP_IPV4_IFADDR = 0x10;
const RTMGRP_IPV6_IFADDR = 0x100;
const SETTLE_MS = 20;
const AGAIN_MS = 1000;

const address = Buffer.alloc(12);
address.writeUInt16LE(AF_NETLINK, 0);
address.writeUInt32LE(RTMGRP_LINK | RTMGRP_TC | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, 8);
const fd = openSocket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
bindSocket(fd, address);
try {
  writeSync(READY_FD, 'ready');
  closeSync(READY_FD);
} catch {
  // Who started us has died: the state says whether we are wanted.
}
const message = Buffer.alloc(65536);
for (;;) {
  // First of all: who started us may have died before it wrote our name, or an interface been born before we listened.
  while (!(await attach())) await sleep(AGAIN_MS);
  waitForNews();
  await sleep(SETTLE_MS);
  dropNews();
}

/** Messages lost for want of memory (ENOBUFS) are news, too. */
function waitForNews(): void {
  try {
    receive(fd, message, true);
  } catch {
    // Something was lost: look.
  }
}

/** One look is enough for all that has come meanwhile. */
function dropNews(): void {
  try {
    while (receive(fd, message, false) > 0);
  } catch {
    // Lost, and about to be looked at anyway.
  }
}

/** False: try again. Ends the process when it is no longer wanted. */
async function attach(): Promise<boolean> {
  try {
    await withLock(() => {
      const state = readState();
      if (state?.watcher?.pid !== process.pid) process.exit(0);
      const { interfaces, host } = attachMissing(read<Model>('model.json'), state.attach);
      const then = read<Host>(join(INPUT_FOLDER, 'host.json'));
      const drift = addressDifferences(then, host).map(({ diagnostic }) => diagnostic.message);
      const found = { interfaces, drift };
      const known = { interfaces: state.interfaces, drift: state.drift ?? [] };
      if (!isDeepStrictEqual(found, known)) writeState({ ...state, ...found });
    });
    return true;
  } catch {
    return false;
  }
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(MIGRATION_FOLDER, name), 'utf8')) as T;
}

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
