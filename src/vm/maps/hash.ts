// SPDX-License-Identifier: Apache-2.0
// Hash maps (kernel/bpf/hashtab.c), per-CPU ones (one CPU here) and LRU ones. A full hash refuses a new key
// (E2BIG); a full LRU hash throws out the entry unused for longest. The kernel's LRU is approximate and
// works in batches per CPU; this one is exact, so which entry goes may differ, never whether one goes.
import type { MapSpec } from '../../object/spec.js';
import { E2BIG, EEXIST, EINVAL, ENOENT } from '../errno.js';
import type { Memory, MemoryPlan } from '../memory.js';
import { alignTo8, copyValue, existenceFlags, UPDATE_EXIST, UPDATE_NO_EXIST, type VmMap } from './map.js';

export function planHash(spec: MapSpec, index: number, plan: MemoryPlan): (memory: Memory) => HashMap {
  const keyStride = alignTo8(spec.keySize);
  const stride = alignTo8(spec.valueSize);
  const firstRegion = plan.reserveRegions(spec.maxEntries);
  const keys = plan.reserveBytes(keyStride * spec.maxEntries);
  const values = plan.reserveBytes(stride * spec.maxEntries);
  return (memory) =>
    new HashMap(
      memory,
      spec,
      index,
      firstRegion,
      memory.mapAddress(values),
      stride,
      memory.mapAddress(keys),
      keyStride,
    );
}

export class HashMap implements VmMap {
  private readonly buckets: Int32Array;
  /** Next slot of the same bucket; of a free slot: the next free one. */
  private readonly next: Int32Array;
  private readonly hashes: Int32Array;
  private readonly live: Uint8Array;
  private free = -1;
  /** Slots from here on were never used. */
  private fresh = 0;
  private count = 0;
  private readonly recency: Recency | undefined;
  private readonly byWords: boolean;

  constructor(
    private readonly memory: Memory,
    readonly spec: MapSpec,
    readonly index: number,
    readonly firstRegion: number,
    readonly firstValue: number,
    readonly stride: number,
    private readonly firstKey: number,
    private readonly keyStride: number,
  ) {
    let size = 8;
    while (size < spec.maxEntries) size *= 2;
    this.buckets = new Int32Array(size).fill(-1);
    this.next = new Int32Array(spec.maxEntries);
    this.hashes = new Int32Array(spec.maxEntries);
    this.live = new Uint8Array(spec.maxEntries);
    this.recency = spec.type.startsWith('lru') ? new Recency(spec.maxEntries) : undefined;
    this.byWords = spec.keySize % 4 === 0;
    memory.nameRegion(firstRegion, spec.name);
  }

  get size(): number {
    return this.count;
  }

  find(keyAddress: number): number {
    const slot = this.seek(keyAddress, this.hash(keyAddress));
    if (slot >= 0) this.recency?.touch(slot);
    return slot;
  }

  update(keyAddress: number, from: number, flags: number): number {
    const existence = existenceFlags(flags);
    if (existence > UPDATE_EXIST) return -EINVAL;
    const hash = this.hash(keyAddress);
    const found = this.seek(keyAddress, hash);
    if (found >= 0) {
      if (existence === UPDATE_NO_EXIST) return -EEXIST;
      copyValue(this.memory, this, found, from);
      this.recency?.touch(found);
      return 0;
    }
    if (existence === UPDATE_EXIST) return -ENOENT;
    const slot = this.allocate();
    if (slot < 0) return -E2BIG;
    const key = this.firstKey + slot * this.keyStride;
    this.memory.bytes.copyWithin(key, keyAddress, keyAddress + this.spec.keySize);
    copyValue(this.memory, this, slot, from);
    const bucket = hash & (this.buckets.length - 1);
    this.hashes[slot] = hash;
    this.next[slot] = this.buckets[bucket]!;
    this.buckets[bucket] = slot;
    this.live[slot] = 1;
    this.count++;
    this.recency?.add(slot);
    return 0;
  }

  remove(keyAddress: number): number {
    const slot = this.seek(keyAddress, this.hash(keyAddress));
    if (slot < 0) return -ENOENT;
    this.release(slot);
    return 0;
  }

  *slots(): Iterable<number> {
    for (let slot = 0; slot < this.fresh; slot++) if (this.live[slot] === 1) yield slot;
  }

  copyKey(slot: number, target: number): void {
    const from = this.firstKey + slot * this.keyStride;
    this.memory.bytes.copyWithin(target, from, from + this.spec.keySize);
  }

  private allocate(): number {
    if (this.free < 0 && this.fresh === this.spec.maxEntries) {
      const oldest = this.recency?.oldest() ?? -1;
      if (oldest < 0) return -1;
      this.release(oldest);
    }
    if (this.free >= 0) {
      const slot = this.free;
      this.free = this.next[slot]!;
      return slot;
    }
    const slot = this.fresh++;
    // The region outlives the entry: as in the kernel, a pointer held across a delete stays readable.
    const { firstRegion, firstValue, stride, spec } = this;
    this.memory.setRegion(firstRegion + slot, firstValue + slot * stride, spec.valueSize, true);
    return slot;
  }

  private release(slot: number): void {
    const bucket = this.hashes[slot]! & (this.buckets.length - 1);
    let at = this.buckets[bucket]!;
    if (at === slot) this.buckets[bucket] = this.next[slot]!;
    else {
      while (this.next[at] !== slot) at = this.next[at]!;
      this.next[at] = this.next[slot]!;
    }
    this.recency?.drop(slot);
    this.live[slot] = 0;
    this.next[slot] = this.free;
    this.free = slot;
    this.count--;
  }

  private seek(keyAddress: number, hash: number): number {
    const { hashes, next } = this;
    let slot = this.buckets[hash & (this.buckets.length - 1)]!;
    while (slot >= 0) {
      if (hashes[slot] === hash && this.sameKey(keyAddress, slot)) return slot;
      slot = next[slot]!;
    }
    return -1;
  }

  private sameKey(keyAddress: number, slot: number): boolean {
    const key = this.firstKey + slot * this.keyStride;
    const { keySize } = this.spec;
    if (this.byWords && (keyAddress & 3) === 0) {
      const { words } = this.memory;
      for (let at = 0; at < keySize; at += 4) {
        if (words[(key + at) >> 2] !== words[(keyAddress + at) >> 2]) return false;
      }
      return true;
    }
    const { bytes } = this.memory;
    for (let at = 0; at < keySize; at++) if (bytes[key + at] !== bytes[keyAddress + at]) return false;
    return true;
  }

  /** Any mixing function does: its order is never seen. Word-wise and byte-wise give the same number. */
  private hash(keyAddress: number): number {
    const { keySize } = this.spec;
    let hash = keySize;
    if (this.byWords && (keyAddress & 3) === 0) {
      const { words } = this.memory;
      for (let at = keyAddress >> 2, end = (keyAddress + keySize) >> 2; at < end; at++)
        hash = mix(hash, words[at]!);
    } else if (this.byWords) {
      const { view } = this.memory;
      for (let at = 0; at < keySize; at += 4) hash = mix(hash, view.getInt32(keyAddress + at, true));
    } else {
      const { bytes } = this.memory;
      for (let at = 0; at < keySize; at++) hash = mix(hash, bytes[keyAddress + at]!);
    }
    hash ^= hash >>> 16;
    hash = Math.imul(hash, 0x85ebca6b);
    return hash ^ (hash >>> 13);
  }
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** A doubly linked list of slots, oldest at the front. */
class Recency {
  private readonly before: Int32Array;
  private readonly after: Int32Array;
  private first = -1;
  private last = -1;

  constructor(size: number) {
    this.before = new Int32Array(size);
    this.after = new Int32Array(size);
  }

  oldest(): number {
    return this.first;
  }

  add(slot: number): void {
    this.before[slot] = this.last;
    this.after[slot] = -1;
    if (this.last >= 0) this.after[this.last] = slot;
    else this.first = slot;
    this.last = slot;
  }

  drop(slot: number): void {
    const before = this.before[slot]!;
    const after = this.after[slot]!;
    if (before >= 0) this.after[before] = after;
    else this.first = after;
    if (after >= 0) this.before[after] = before;
    else this.last = before;
  }

  touch(slot: number): void {
    if (slot === this.last) return;
    this.drop(slot);
    this.add(slot);
  }
}
