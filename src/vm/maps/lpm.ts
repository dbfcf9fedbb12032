// SPDX-License-Identifier: Apache-2.0
// Longest-prefix-match tries (kernel/bpf/lpm_trie.c). A key is a prefix length (u32, little-endian) and
// data, whose bits count from the most significant of byte 0. Here: a hash of masked prefixes and the list
// of lengths in use, longest first: the same answers, at one hash probe per length.
import type { MapSpec } from '../../object/spec.js';
import { EINVAL, ENOENT, ENOSPC } from '../errno.js';
import type { Memory, MemoryPlan } from '../memory.js';
import { HashMap, planHash } from './hash.js';
import { alignTo8, type VmMap } from './map.js';

export function planLpm(spec: MapSpec, index: number, plan: MemoryPlan): (memory: Memory) => LpmMap {
  const build = planHash(spec, index, plan);
  const scratch = plan.reserveBytes(alignTo8(spec.keySize));
  return (memory) => new LpmMap(memory, build(memory), memory.mapAddress(scratch));
}

export class LpmMap implements VmMap {
  readonly spec: MapSpec;
  readonly index: number;
  readonly firstRegion: number;
  readonly firstValue: number;
  readonly stride: number;
  /** How many prefixes of each length there are. */
  private readonly counts: number[];
  /** Lengths in use, longest first. */
  private lengths: number[] = [];

  constructor(
    private readonly memory: Memory,
    private readonly prefixes: HashMap,
    private readonly scratch: number,
  ) {
    ({
      spec: this.spec,
      index: this.index,
      firstRegion: this.firstRegion,
      firstValue: this.firstValue,
      stride: this.stride,
    } = prefixes);
    this.counts = Array.from({ length: this.maxLength + 1 }, () => 0);
  }

  private get maxLength(): number {
    return (this.spec.keySize - 4) * 8;
  }

  find(keyAddress: number): number {
    const given = this.memory.view.getUint32(keyAddress, true);
    if (given > this.maxLength) return -1;
    for (const length of this.lengths) {
      if (length > given) continue;
      this.mask(keyAddress, length);
      const slot = this.prefixes.find(this.scratch);
      if (slot >= 0) return slot;
    }
    return -1;
  }

  update(keyAddress: number, from: number, flags: number): number {
    const length = this.memory.view.getUint32(keyAddress, true);
    if (length > this.maxLength) return -EINVAL;
    this.mask(keyAddress, length);
    const before = this.prefixes.size;
    const answer = this.prefixes.update(this.scratch, from, flags);
    if (this.prefixes.size > before) this.count(length, 1);
    return answer === 0 || before < this.spec.maxEntries ? answer : -ENOSPC;
  }

  remove(keyAddress: number): number {
    const length = this.memory.view.getUint32(keyAddress, true);
    if (length > this.maxLength) return -EINVAL;
    this.mask(keyAddress, length);
    const answer = this.prefixes.remove(this.scratch);
    if (answer === -ENOENT) return answer;
    this.count(length, -1);
    return answer;
  }

  slots(): Iterable<number> {
    return this.prefixes.slots();
  }

  copyKey(slot: number, target: number): void {
    this.prefixes.copyKey(slot, target);
  }

  private count(length: number, by: number): void {
    this.counts[length]! += by;
    this.lengths = this.counts.flatMap((count, index) => (count > 0 ? [index] : [])).reverse();
  }

  /** Writes the key cut to `length` bits into the scratch key. */
  private mask(keyAddress: number, length: number): void {
    const { bytes, view } = this.memory;
    const size = this.spec.keySize - 4;
    view.setUint32(this.scratch, length, true);
    for (let index = 0; index < size; index++) {
      const bits = Math.min(8, Math.max(0, length - index * 8));
      bytes[this.scratch + 4 + index] = bytes[keyAddress + 4 + index]! & (0xff00 >> bits);
    }
  }
}
