// SPDX-License-Identifier: Apache-2.0
// What every map of the VM can do. Keys and values lie in the VM's memory and are named by address;
// a slot number names an entry for as long as it exists. Semantics: kernel/bpf/*map*.c.
import type { MapSpec } from '../../object/spec.js';
import type { Memory } from '../memory.js';

/** Flags of an update (include/uapi/linux/bpf.h). */
export const UPDATE_ANY = 0;
export const UPDATE_NO_EXIST = 1;
export const UPDATE_EXIST = 2;
/** `BPF_F_LOCK`: the caller asks the kernel to take the value's spin lock; one CPU here, so nothing to do. */
const UPDATE_LOCK = 4;

export interface VmMap {
  readonly spec: MapSpec;
  /** Position among the object's maps. */
  readonly index: number;
  /** Region number of slot 0; slot n has the nth after it. */
  readonly firstRegion: number;
  /** Address of slot 0's value. */
  readonly firstValue: number;
  /** Bytes from one slot's value to the next's. */
  readonly stride: number;
  /** The entry for the key, as a program's lookup finds it; -1 when there is none. */
  find(keyAddress: number): number;
  /** 0 or a negative errno. */
  update(keyAddress: number, valueAddress: number, flags: number): number;
  /** 0 or a negative errno. */
  remove(keyAddress: number): number;
  /** Slots of the entries that exist, in the order `bpf_for_each_map_elem` takes them. */
  slots(): Iterable<number>;
  /** Copies the key of a slot to `target`. */
  copyKey(slot: number, target: number): void;
}

export function valueAddress(map: VmMap, slot: number): number {
  return map.firstValue + slot * map.stride;
}

export function copyValue(memory: Memory, map: VmMap, slot: number, from: number): void {
  memory.bytes.copyWithin(valueAddress(map, slot), from, from + map.spec.valueSize);
}

/** Update flags without those that mean nothing on one CPU. */
export function existenceFlags(flags: number): number {
  return flags & ~UPDATE_LOCK;
}

export function alignTo8(size: number): number {
  return (size + 7) & ~7;
}
