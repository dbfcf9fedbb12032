// SPDX-License-Identifier: Apache-2.0
// Reading a live map the way the VM's maps read: one value per key, whatever the kernel keeps per CPU.
import { readFileSync } from 'node:fs';
import { lookupElement, nextKey } from './bpf.js';
import { mapMemory, type Mapping } from './libc.js';
import type { LoadedMap } from './load.js';
import { MAP_FLAG_MMAPABLE } from '../object/object.js';

const PAGE_BYTES = 4096;

export interface MapEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** One map; values of per-CPU maps are the sums over all CPUs of their 64-bit words (they are counters). */
export class MapView {
  private mapping: Mapping | undefined;
  private single: Buffer | undefined;

  constructor(private readonly map: LoadedMap) {}

  private get isPerCpu(): boolean {
    return this.map.spec.type.includes('percpu');
  }

  /** The value of a single-entry array: the same memory on every call, current after `refresh`. */
  value(): Uint8Array {
    const { spec, fd } = this.map;
    if (this.mapping !== undefined) return this.single!;
    if ((spec.flags & MAP_FLAG_MMAPABLE) !== 0) {
      this.mapping = mapMemory(Math.ceil(spec.valueSize / PAGE_BYTES) * PAGE_BYTES, { fd });
      this.single = this.mapping.memory.subarray(0, spec.valueSize);
      return this.single;
    }
    this.single ??= Buffer.alloc(spec.valueSize);
    this.refresh();
    return this.single;
  }

  /** Brings the memory that `value` handed out up to date; free where it is the map's own. */
  refresh(): void {
    if (this.single === undefined || this.mapping !== undefined) return;
    this.single.set(this.read(Buffer.alloc(this.map.spec.keySize)) ?? []);
  }

  /** Every entry, copied. */
  entries(): MapEntry[] {
    const { fd, spec } = this.map;
    const entries: MapEntry[] = [];
    let key: Buffer | undefined;
    for (;;) {
      const next = Buffer.alloc(spec.keySize);
      if (!nextKey(fd, key, next)) return entries;
      const value = this.read(next);
      if (value !== undefined) entries.push({ key: next, value });
      key = next;
    }
  }

  private read(key: Uint8Array): Buffer | undefined {
    const { fd, spec } = this.map;
    if (!this.isPerCpu) {
      const value = Buffer.alloc(spec.valueSize);
      return lookupElement(fd, key, value) ? value : undefined;
    }
    const stride = Math.ceil(spec.valueSize / 8) * 8;
    const all = Buffer.alloc(stride * possibleCpus());
    if (!lookupElement(fd, key, all)) return undefined;
    const sum = Buffer.alloc(stride);
    for (let at = 0; at < all.length; at += 8) {
      const into = at % stride;
      sum.writeBigUInt64LE(BigInt.asUintN(64, sum.readBigUInt64LE(into) + all.readBigUInt64LE(at)), into);
    }
    return sum.subarray(0, spec.valueSize);
  }

  close(): void {
    this.mapping?.unmap();
  }
}

let cpus: number | undefined;

/** Highest possible CPU number + 1: how many values a per-CPU lookup writes. */
export function possibleCpus(): number {
  cpus ??=
    Math.max(
      ...(readFileSync('/sys/devices/system/cpu/possible', 'latin1').match(/\d+/g) ?? ['0']).map(Number),
    ) + 1;
  return cpus;
}
