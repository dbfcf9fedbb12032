// SPDX-License-Identifier: Apache-2.0
// iptables' own rules while programs decide in their place: saved, emptied to accept-all, restored. Each table
// changes in one step (iptables-restore(8) commits table by table); nat is never touched, as no program does it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import type { Family } from '../net/family.js';
import { Place } from '../snapshot/place.js';
import { takeRules, type Backend } from '../snapshot/rules.js';
import { SAVED_FOLDER, type SavedRules } from './places.js';
import { runTool } from './tools.js';

/** Tables that programs carry (src/model/lower.ts). */
const CARRIED: ReadonlySet<string> = new Set(['raw', 'mangle', 'filter', 'security']);
const WAIT_SECONDS = '10';
/** Names the rule that stays until `confirm`. */
export const HOLD_COMMENT = 'ipt2ebpf: keeps connection tracking on until confirm';

export interface TakenRules {
  readonly family: Family;
  readonly backend: Backend;
  /** What `iptables-save -c` prints, carried tables only. */
  readonly text: string;
}

/**
 * Rules as they are, of the given families, in the tables that programs carry; `left`: those that stay with
 * iptables all the same (`ipv4 mangle`). Throws EnvironmentError where
 * both backends hold rules: emptying one would leave the other half of what the kernel asks.
 */
export function takeCarried(families: readonly Family[], left: ReadonlySet<string>): TakenRules[] {
  return families.flatMap((family): TakenRules[] => {
    const { taken, lacking } = takeRules(Place.here(), family, undefined);
    if (taken === undefined) throw new EnvironmentError(lacking.map(({ why }) => why).join('; '));
    if (taken.beside !== undefined)
      throw new EnvironmentError(`iptables-legacy and iptables-nft both hold ${family} rules`, [
        'move all rules to one of them, migrate again, or enforce without --flush-iptables',
      ]);
    const text = tablesOf(taken.text)
      .filter(({ name }) => CARRIED.has(name) && !left.has(`${family} ${name}`))
      .map((table) => table.text)
      .join('');
    return text === '' ? [] : [{ family, backend: taken.backend, text }];
  });
}

/** Writes what was taken to where a rollback finds it. */
export function saveRules(taken: readonly TakenRules[]): SavedRules[] {
  mkdirSync(SAVED_FOLDER, { recursive: true, mode: 0o700 });
  return taken.map(({ family, backend, text }) => {
    const file = `rules.${family === 'ipv4' ? 'v4' : 'v6'}.${backend}`;
    writeFileSync(join(SAVED_FOLDER, file), Buffer.from(text, 'latin1'), { mode: 0o600 });
    return { family, backend, file, tables: tablesOf(text).map(({ name }) => name) };
  });
}

/**
 * Empties the saved tables, chain policies to ACCEPT. `hold`: families whose connections the kernel is to go on
 * tracking, by a rule that matches and does nothing: without any rule that asks for it tracking ends, and
 * connections made meanwhile would be strangers to the rules when they come back.
 */
export function emptyTables(saved: readonly SavedRules[], hold: readonly Family[]): void {
  for (const each of saved) {
    const tables = tablesOf(savedText(each));
    const holder = tables.find(({ name }) => name === 'filter') ?? tables[0];
    const text = tables
      .map((table) => emptied(table, hold.includes(each.family) && table === holder))
      .join('');
    restore(each, text);
  }
}

/** Puts the saved rules back, with their counters. */
export function restoreSaved(saved: readonly SavedRules[]): void {
  for (const each of saved) restore(each, savedText(each));
}

function savedText({ file }: SavedRules): string {
  return readFileSync(join(SAVED_FOLDER, file), 'latin1');
}

function restore({ family, backend }: SavedRules, text: string): void {
  const tool = `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${backend}-restore`;
  runTool(tool, ['--counters', '--wait', WAIT_SECONDS], text);
}

interface TableText {
  readonly name: string;
  readonly text: string;
}

function tablesOf(dump: string): TableText[] {
  return [...dump.matchAll(/^\*(\S+)\n[^]*?^COMMIT\n/gm)].map(([text, name]) => ({ name: name!, text }));
}

function emptied({ name, text }: TableText, holds: boolean): string {
  const builtIn = [...text.matchAll(/^:(\S+) (?:ACCEPT|DROP) /gm)].map(([, chain]) => chain!);
  const hold = `-A ${builtIn[0]!} -m conntrack --ctstate NEW -m comment --comment "${HOLD_COMMENT}"\n`;
  return `*${name}\n${builtIn.map((chain) => `:${chain} ACCEPT [0:0]\n`).join('')}${holds ? hold : ''}COMMIT\n`;
}
