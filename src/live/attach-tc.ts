// SPDX-License-Identifier: Apache-2.0
// TC attachment of the pinned programs: clsact qdisc and one direct-action filter a direction (tc-bpf(8)).
// `replace` puts a filter in place of its predecessor in one step, so attaching again leaves no gap.
import { closeSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { objectId, pinnedObject } from '../kernel/bpf.js';
import { ToolError } from '../kernel/namespace.js';
import { CLSACT_FILE, programPin, TC_HANDLE, TC_PREFERENCE } from './places.js';
import { askTool, runTool } from './tools.js';

export const TC_PROGRAMS = { ingress: 'ipt2ebpf_in', egress: 'ipt2ebpf_out' } as const;
export type TcDirection = keyof typeof TC_PROGRAMS;
const DIRECTIONS = ['ingress', 'egress'] as const;

interface Qdisc {
  readonly kind: string;
}

interface Filter {
  readonly pref?: number;
  readonly options?: {
    readonly bpf_name?: string;
    readonly prog?: { readonly id: number; readonly name?: string };
  };
}

/** Ids of the pinned TC programs; undefined where they are not pinned. */
export function tcProgramIds(): Readonly<Record<TcDirection, number>> | undefined {
  const ids = DIRECTIONS.map((direction) => {
    const fd = pinnedObject(programPin(TC_PROGRAMS[direction]));
    if (fd === undefined) return undefined;
    const id = objectId(fd);
    closeSync(fd);
    return id;
  });
  return ids[0] === undefined || ids[1] === undefined ? undefined : { ingress: ids[0], egress: ids[1] };
}

/** Id of our program attached there, whether pinned or of an earlier load; undefined where none is. */
export function attachedTc(name: string, direction: TcDirection): number | undefined {
  return ourFilter(filters(name, direction))?.options?.prog?.id;
}

/** Attaches both directions where the pinned program is not attached already. True when something was done. */
export function attachTc(name: string, ids: Readonly<Record<TcDirection, number>>): boolean {
  const missing = DIRECTIONS.filter((direction) => attachedTc(name, direction) !== ids[direction]);
  if (missing.length === 0) return false;
  ensureClsact(name);
  for (const direction of missing) {
    // prettier-ignore
    runTool('tc', ['filter', 'replace', 'dev', name, direction, 'pref', String(TC_PREFERENCE), 'handle',
      String(TC_HANDLE), 'bpf', 'da', 'object-pinned', programPin(TC_PROGRAMS[direction])]);
  }
  return true;
}

/** Takes our filters away, and the clsact qdisc where it is ours and nobody else uses it. */
export function detachTc(name: string): void {
  for (const direction of DIRECTIONS) {
    if (ourFilter(filters(name, direction)) === undefined) continue;
    ignoreGone(name, () => {
      runTool('tc', ['filter', 'del', 'dev', name, direction, 'pref', String(TC_PREFERENCE)]);
    });
  }
  if (!ownClsact().includes(name) || DIRECTIONS.some((direction) => filters(name, direction).length > 0))
    return;
  if (hasClsact(name))
    ignoreGone(name, () => {
      runTool('tc', ['qdisc', 'del', 'dev', name, 'clsact']);
    });
}

/** Interfaces whose clsact qdisc we made. */
function ownClsact(): readonly string[] {
  return existsSync(CLSACT_FILE) ? readFileSync(CLSACT_FILE, 'utf8').split('\n').filter(Boolean) : [];
}

/** Remembered before it is made: a crash in between leaves a name too much, never a qdisc without an owner. */
function ensureClsact(name: string): void {
  const kinds = askTool<Qdisc>('tc', ['-json', 'qdisc', 'show', 'dev', name]).map(({ kind }) => kind);
  if (kinds.includes('clsact')) return;
  if (kinds.includes('ingress'))
    throw new EnvironmentError(`${name} has an ingress qdisc, which stands where clsact must`, [
      `tc qdisc del dev ${name} ingress, when nobody needs it`,
    ]);
  const own = ownClsact();
  if (!own.includes(name)) writeFileSync(CLSACT_FILE, [...own, name, ''].join('\n'), { mode: 0o600 });
  runTool('tc', ['qdisc', 'add', 'dev', name, 'clsact']);
}

function hasClsact(name: string): boolean {
  return askTool<Qdisc>('tc', ['-json', 'qdisc', 'show', 'dev', name]).some(({ kind }) => kind === 'clsact');
}

function filters(name: string, direction: TcDirection): readonly Filter[] {
  try {
    return askTool<Filter>('tc', ['-json', 'filter', 'show', 'dev', name, direction]).filter(
      ({ options }) => options !== undefined,
    );
  } catch (error) {
    // No clsact, or no such interface any more.
    if (error instanceof ToolError) return [];
    throw error;
  }
}

function ourFilter(all: readonly Filter[]): Filter | undefined {
  return all.find(
    ({ pref, options }) =>
      pref === TC_PREFERENCE &&
      [options?.prog?.name, options?.bpf_name].some((name) => name?.startsWith('ipt2ebpf_') === true),
  );
}

/** An interface that goes away takes what is attached to it along. */
function ignoreGone(name: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (existsInterface(name)) throw error;
  }
}

function existsInterface(name: string): boolean {
  try {
    runTool('ip', ['link', 'show', 'dev', name]);
    return true;
  } catch {
    return false;
  }
}
