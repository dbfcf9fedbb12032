// SPDX-License-Identifier: Apache-2.0
// The set of pins: made below a name of its own, then renamed, so that it is whole or not there. Maps that only
// their program reads (.rodata) are held by the program and not pinned.
import { closeSync, existsSync, mkdirSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { lookupElement, pinnedObject, pinObject, updateElement } from '../kernel/bpf.js';
import type { LoadedObject } from '../kernel/load.js';
import { decodeStruct, encodeStruct } from '../program/layout-codec.js';
import { CONFIG, MODE } from '../program/layout.js';
import { mapPin, PIN_FOLDERS, PINS, PINS_NEW, type Mode } from './places.js';
import { runTool } from './tools.js';

const BPF_FS = '/sys/fs/bpf';
/** f_type of bpffs (linux/magic.h). */
const BPF_FS_MAGIC = 0xcafe4a11;

/** Throws EnvironmentError where no BPF file system can be had. */
export function ensureBpfFs(): void {
  if (!existsSync(BPF_FS))
    throw new EnvironmentError(`there is no ${BPF_FS}: this kernel has no BPF file system`);
  if (statfsSync(BPF_FS).type !== BPF_FS_MAGIC) runTool('mount', ['-t', 'bpf', 'bpf', BPF_FS]);
}

export function arePinned(): boolean {
  return existsSync(PINS);
}

/** Pins all programs, and maps by their names in C. */
export function pinAll({ maps, programs }: LoadedObject): void {
  rmSync(PINS_NEW, { recursive: true, force: true });
  for (const folder of PIN_FOLDERS) mkdirSync(join(PINS_NEW, folder), { recursive: true, mode: 0o700 });
  for (const [name, { fd }] of maps) if (!name.startsWith('.')) pinObject(fd, join(PINS_NEW, 'maps', name));
  for (const [name, { fd }] of programs) pinObject(fd, join(PINS_NEW, 'programs', name));
  renameSync(PINS_NEW, PINS);
}

/** Links let go first: what they attach must not outlive its maps' names. */
export function removePins(): void {
  for (const folder of ['links', 'programs', 'maps'])
    rmSync(join(PINS, folder), { recursive: true, force: true });
  for (const place of [PINS, PINS_NEW]) rmSync(place, { recursive: true, force: true });
}

/** Runs `work` with the descriptor of a pinned map. Throws EnvironmentError where it is not pinned. */
export function withMap<T>(name: string, work: (fd: number) => T): T {
  const fd = pinnedObject(mapPin(name));
  if (fd === undefined) throw new EnvironmentError(`the map \`${name}\` is not pinned: nothing is loaded`);
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

const FIRST = Buffer.alloc(4);

/** The mode in force. */
export function readMode(): Mode {
  return withMap('config', (fd) => (readConfig(fd).mode === MODE.values.ENFORCE ? 'enforce' : 'observe'));
}

/** The switch: one word of one element, read anew by every packet at every attach point. */
export function writeMode(mode: Mode): void {
  withMap('config', (fd) => {
    const value = mode === 'enforce' ? MODE.values.ENFORCE : MODE.values.OBSERVE;
    updateElement(fd, FIRST, encodeStruct(CONFIG, { ...readConfig(fd), mode: value }));
  });
}

function readConfig(fd: number): ReturnType<typeof decodeStruct<typeof CONFIG>> {
  const bytes = Buffer.alloc(encodeStruct(CONFIG, {}).length);
  lookupElement(fd, FIRST, bytes);
  return decodeStruct(CONFIG, bytes);
}
