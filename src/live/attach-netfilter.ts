// SPDX-License-Identifier: Apache-2.0
// Netfilter attachment of the pinned programs: one pinned link for each phase with chains. A link stays as long as
// its pin, and its priority is taken as long as it stays: attaching again finds it there.
import { closeSync, existsSync } from 'node:fs';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { linkNetfilter, pinnedObject, pinObject } from '../kernel/bpf.js';
import { Errno, SystemCallError } from '../kernel/errno.js';
import type { Model } from '../model/model.js';
import type { Family } from '../net/family.js';
import {
  netfilterAttachPoints,
  PROTOCOL_FAMILIES,
  trackedFamilies,
  trackingCommands,
  trackingTable,
  untrackingCommands,
  type NetfilterAttachPoint,
} from '../program/netfilter-hooks.js';
import { linkPin, programPin } from './places.js';
import { runTool } from './tools.js';

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

/** Attaches wherever a link is missing. Throws EnvironmentError where another program has the place. */
export function attachNetfilter(model: Model): void {
  for (const point of netfilterAttachPoints(model)) attachHook(point);
  // Last: whoever finds a link knows that there may be such a table.
  const tracked = trackedFamilies(model);
  if (tracked.length > 0) runTool('nft', ['-f', '-'], trackingCommands(tracked));
}

function attachHook({ program, family, phase, hook, priority }: NetfilterAttachPoint): void {
  const pin = linkPin(`${family}_${phase}`);
  if (existsSync(pin)) return;
  const programFd = pinnedObject(programPin(program));
  if (programFd === undefined) throw new EnvironmentError('no programs are pinned: nothing is loaded');
  try {
    const link = linkNetfilter(programFd, { protocolFamily: PROTOCOL_FAMILIES[family], hook, priority });
    pinObject(link, pin);
    closeSync(link);
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.errno !== Errno.EBUSY) throw error;
    throw new EnvironmentError(
      `another netfilter hook has priority ${String(priority)} at ${family} hook ${String(hook)}`,
      ['see: bpftool net show; nft list ruleset'],
    );
  } finally {
    closeSync(programFd);
  }
}

/** Takes away what keeps tracking on, which no pin holds. Without nft there is nothing to take. */
export function forgetTracking(): void {
  let tables: string[];
  try {
    tables = runTool('nft', ['list', 'tables']).split('\n');
  } catch {
    return;
  }
  const families = FAMILIES.filter((family) => tables.includes(`table ${trackingTable(family)}`));
  if (families.length > 0) runTool('nft', ['-f', '-'], untrackingCommands(families));
}
