// SPDX-License-Identifier: Apache-2.0
// Arrays (kernel/bpf/arraymap.c): all entries exist from the start. A per-CPU array is the array of the one
// CPU here. Program and map arrays hold an index plus one, 0 for an empty slot.
import type { MapSpec } from '../../object/spec.js';
import { E2BIG, EEXIST, EINVAL, ENOENT } from '../errno.js';
import type { Memory, MemoryPlan } from '../memory.js';
import {
  alignTo8,
  copyValue,
  existenceFlags,
  UPDATE_EXIST,
  UPDATE_NO_EXIST,
  valueAddress,
  type VmMap,
} from './map.js';

export function planArray(spec: MapSpec, index: number, plan: MemoryPlan): (memory: Memory) => ArrayMap {
  const stride = alignTo8(spec.valueSize);
  const firstRegion = plan.reserveRegions(spec.maxEntries);
  const at = plan.reserveBytes(stride * spec.maxEntries);
  return (memory) => new ArrayMap(memory, spec, index, firstRegion, memory.mapAddress(at), stride);
}

export class ArrayMap implements VmMap {
  constructor(
    private readonly memory: Memory,
    readonly spec: MapSpec,
    readonly index: number,
    readonly firstRegion: number,
    readonly firstValue: number,
    readonly stride: number,
  ) {
    if (spec.contents !== undefined) memory.bytes.set(spec.contents, firstValue);
    const readable = !this.holdsHandles;
    for (let slot = 0; slot < spec.maxEntries; slot++) {
      memory.setRegion(
        firstRegion + slot,
        firstValue + slot * stride,
        readable ? spec.valueSize : 0,
        !spec.frozen,
      );
    }
    memory.nameRegion(firstRegion, spec.name);
  }

  private get holdsHandles(): boolean {
    return ['prog_array', 'array_of_maps', 'perf_event_array'].includes(this.spec.type);
  }

  find(keyAddress: number): number {
    const slot = this.memory.view.getUint32(keyAddress, true);
    return slot < this.spec.maxEntries ? slot : -1;
  }

  update(keyAddress: number, from: number, flags: number): number {
    const existence = existenceFlags(flags);
    if (existence > UPDATE_EXIST) return -EINVAL;
    const slot = this.find(keyAddress);
    if (slot < 0) return -E2BIG;
    if (existence === UPDATE_NO_EXIST) return -EEXIST;
    copyValue(this.memory, this, slot, from);
    return 0;
  }

  remove(keyAddress: number): number {
    if (!this.holdsHandles) return -EINVAL;
    const slot = this.find(keyAddress);
    if (slot < 0) return -E2BIG;
    if (this.handle(slot) < 0) return -ENOENT;
    this.setHandle(slot, -1);
    return 0;
  }

  *slots(): Iterable<number> {
    for (let slot = 0; slot < this.spec.maxEntries; slot++) yield slot;
  }

  copyKey(slot: number, target: number): void {
    this.memory.view.setUint32(target, slot, true);
  }

  /** Program or map arrays: what the slot names, -1 when empty. */
  handle(slot: number): number {
    return this.memory.view.getInt32(valueAddress(this, slot), true) - 1;
  }

  setHandle(slot: number, handle: number): void {
    this.memory.view.setInt32(valueAddress(this, slot), handle + 1, true);
  }
}
