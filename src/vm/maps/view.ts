// SPDX-License-Identifier: Apache-2.0
// User space's view of a map of the VM: keys and values as byte arrays, copied in and out.
import { SCRATCH, SCRATCH_SIZE, type Memory } from '../memory.js';
import { UPDATE_ANY, valueAddress, type VmMap } from './map.js';
import { RingBuffer } from './ringbuf.js';

export class MapView {
  constructor(
    private readonly memory: Memory,
    private readonly map: VmMap,
  ) {}

  get spec(): VmMap['spec'] {
    return this.map.spec;
  }

  /** The value itself, not a copy: what the program writes later shows in it. Undefined: no such entry. */
  lookup(key: Uint8Array): Uint8Array | undefined {
    const slot = this.map.find(this.stage(key, this.spec.keySize, 0));
    return slot < 0 ? undefined : this.value(slot);
  }

  /** 0 or a negative errno, as bpf(2). */
  update(key: Uint8Array, value: Uint8Array, flags = UPDATE_ANY): number {
    const { keySize, valueSize } = this.spec;
    const keyAddress = this.stage(key, keySize, 0);
    const space = (keySize + 7) & ~7;
    if (space + valueSize <= SCRATCH_SIZE) {
      return this.map.update(keyAddress, this.stage(value, valueSize, space), flags);
    }
    // Too large to stage: make the entry from whatever lies there, then write over it.
    if (value.length !== valueSize)
      throw new RangeError(`a value of \`${this.spec.name}\` has ${String(valueSize)} bytes`);
    const answer = this.map.update(keyAddress, SCRATCH, flags);
    if (answer === 0) this.lookup(key)!.set(value);
    return answer;
  }

  /** 0 or a negative errno, as bpf(2). */
  remove(key: Uint8Array): number {
    return this.map.remove(this.stage(key, this.spec.keySize, 0));
  }

  /** All entries, copied. */
  entries(): { readonly key: Uint8Array; readonly value: Uint8Array }[] {
    return [...this.map.slots()].map((slot) => {
      this.map.copyKey(slot, SCRATCH);
      return {
        key: this.memory.bytes.slice(SCRATCH, SCRATCH + this.spec.keySize),
        value: this.value(slot).slice(),
      };
    });
  }

  /** Ring buffers and perf event arrays: records since the last call. */
  drain(): Uint8Array[] {
    if (!(this.map instanceof RingBuffer))
      throw new RangeError(`map \`${this.spec.name}\` is no ring buffer`);
    return this.map.drain();
  }

  private value(slot: number): Uint8Array {
    const at = valueAddress(this.map, slot);
    return this.memory.bytes.subarray(at, at + this.spec.valueSize);
  }

  private stage(bytes: Uint8Array, size: number, at: number): number {
    if (bytes.length !== size) {
      throw new RangeError(
        `\`${this.spec.name}\` takes ${String(size)} bytes here, not ${String(bytes.length)}`,
      );
    }
    this.memory.bytes.set(bytes, SCRATCH + at);
    return SCRATCH + at;
  }
}
