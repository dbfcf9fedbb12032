// SPDX-License-Identifier: Apache-2.0
// The VM's memory: one WebAssembly memory in which everything a program may touch lies, and the table of
// regions that says which bytes those are.
//
// A pointer in a register is 64 bits: region number in the upper half, address in the lower. An access of
// `size` bytes at `p` is allowed when p - base < count[size], unsigned, with base and counts from the table
// entry of the region p names: one compare covers the whole range, a pointer that ran into another region
// keeps its old number and is caught. Numbers the program made up name region 0, which is empty.
//
//   region table entry, 32 bytes: base u64 | count[1] u32 | count[2] | count[4] | count[8] | write base u64
//
// `count[n]` = how many start addresses an n-byte access has. A read-only region has a write base that no
// pointer matches.
import { LoadError } from './fault.js';
import { wasm, type WasmMemory } from './wasm-runtime.js';

export const REGION_ENTRY_SIZE = 32;
/** `ld_imm64` of a map gives (REGION_MAP << 32 | map index); nothing can be read through it. */
export const REGION_MAP = 1;
/** The address of a BPF function: (REGION_FUNCTION << 32 | table index). */
export const REGION_FUNCTION = 2;
export const REGION_CONTEXT = 3;
export const REGION_PACKET = 4;
/** One region per frame: 5..12. */
export const REGION_FRAMES = 5;
/** `MAX_CALL_FRAMES` (include/linux/bpf_verifier.h). */
export const MAX_FRAMES = 8;
/** `MAX_BPF_STACK` (include/linux/filter.h). */
export const FRAME_SIZE = 512;
/** Ring buffer records reserved and not yet submitted. */
export const REGION_RECORDS = REGION_FRAMES + MAX_FRAMES;
export const MAX_RECORDS = 32;
/** The key that `bpf_for_each_map_elem` shows its callback. */
export const REGION_KEY = REGION_RECORDS + MAX_RECORDS;
export const FIRST_MAP_REGION = REGION_KEY + 1;

/** Fixed places. r1-r5 of a helper call go to `ARGUMENTS`, its answer comes from `RESULT`. */
export const ARGUMENTS = 64;
export const RESULT = 104;
/** r10 of the caller of a helper that calls back. */
export const CALLER_FRAME = 120;
/** Nanoseconds since the epoch. */
export const CLOCK = 112;
/** User space's key, when it looks into a map. */
export const SCRATCH = 1024;
export const SCRATCH_SIZE = 64 * 1024;
/** The context as the program sees it, at the offsets of `struct __sk_buff`; pointers: context.ts. */
export const CONTEXT = 512;
export const CONTEXT_SIZE = 256;
export const CONTEXT_POINTERS = CONTEXT + CONTEXT_SIZE;
export const FRAMES = SCRATCH + SCRATCH_SIZE;
export const RECORD_SIZE = 4096;
export const RECORDS = FRAMES + MAX_FRAMES * FRAME_SIZE;
/** What a program may put in front of a packet (headers it adds). */
export const PACKET_HEADROOM = 512;
/** Largest frame with room to grow. */
export const PACKET_CAPACITY = 192 * 1024;
export const PACKET = RECORDS + MAX_RECORDS * RECORD_SIZE;
export const REGION_TABLE = PACKET + PACKET_HEADROOM + PACKET_CAPACITY;

const PAGE = 65_536;
const MEMORY_LIMIT = 0xffff_0000;

export interface Region {
  readonly number: number;
  /** Address in the VM's memory. */
  readonly base: number;
  /** Bytes. */
  readonly size: number;
}

/** Reserves regions and bytes before the memory exists. */
export class MemoryPlan {
  private regions = FIRST_MAP_REGION;
  private bytes = 0;

  /** `count` consecutive region numbers; returns the first. */
  reserveRegions(count: number): number {
    const first = this.regions;
    this.regions += count;
    return first;
  }

  /** Returns an offset that `Memory.mapAddress` turns into an address, a multiple of 8. */
  reserveBytes(size: number): number {
    const at = this.bytes;
    this.bytes += Math.ceil(size / 8) * 8;
    return at;
  }

  build(): Memory {
    let capacity = 64;
    while (capacity < this.regions) capacity *= 2;
    const total = REGION_TABLE + capacity * REGION_ENTRY_SIZE + this.bytes;
    if (total > MEMORY_LIMIT) {
      throw new LoadError(
        `the maps need ${String(Math.round(total / 2 ** 20))} MB, more than the 4,095 MB of the VM`,
      );
    }
    return new Memory(capacity, total);
  }
}

export class Memory {
  readonly wasm: WasmMemory;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
  private readonly names = new Map<number, string>();

  /** `regionCapacity`: a power of two. */
  constructor(
    readonly regionCapacity: number,
    size: number,
  ) {
    const pages = Math.ceil(size / PAGE);
    this.wasm = new wasm.Memory({ initial: pages, maximum: pages });
    this.bytes = new Uint8Array(this.wasm.buffer);
    this.words = new Int32Array(this.wasm.buffer);
    this.view = new DataView(this.wasm.buffer);
    for (let frame = 0; frame < MAX_FRAMES; frame++) {
      this.setRegion(REGION_FRAMES + frame, FRAMES + frame * FRAME_SIZE, FRAME_SIZE, true);
    }
  }

  mapAddress(offset: number): number {
    return REGION_TABLE + this.regionCapacity * REGION_ENTRY_SIZE + offset;
  }

  setRegion(region: number, base: number, size: number, writable: boolean): void {
    const at = (REGION_TABLE + region * REGION_ENTRY_SIZE) >> 2;
    const { words } = this;
    words[at] = base;
    words[at + 1] = region;
    words[at + 2] = size;
    words[at + 3] = Math.max(0, size - 1);
    words[at + 4] = Math.max(0, size - 3);
    words[at + 5] = Math.max(0, size - 7);
    words[at + 6] = writable ? base : 0;
    words[at + 7] = writable ? region : -1;
  }

  /** For messages. */
  nameRegion(region: number, name: string): void {
    this.names.set(region, name);
  }

  region(number: number): Region | undefined {
    if (number < 0 || number >= this.regionCapacity) return undefined;
    const at = (REGION_TABLE + number * REGION_ENTRY_SIZE) >> 2;
    return { number, base: this.words[at]! >>> 0, size: this.words[at + 2]! >>> 0 };
  }

  /** May `size` bytes from `address` of region `number` be read (or written)? */
  allows(number: number, address: number, size: number, write: boolean): boolean {
    if (number < 0 || number >= this.regionCapacity) return false;
    const at = (REGION_TABLE + number * REGION_ENTRY_SIZE) >> 2;
    const { words } = this;
    if (words[at + 1] !== number || (write && words[at + 7] !== number)) return false;
    const start = (address >>> 0) - (words[at]! >>> 0);
    return start >= 0 && start + size <= words[at + 2]! >>> 0;
  }

  /** `packet [0, 60), access at 60`: which region a bad pointer is in or nearest to. */
  describe(number: number, address: number): string {
    const region = this.region(number);
    if (region === undefined || number === 0) {
      return `0x${((BigInt(number >>> 0) << 32n) | BigInt(address >>> 0)).toString(16)} is no pointer`;
    }
    const offset = (address >>> 0) - region.base;
    return `offset ${String(offset)} of ${this.regionName(number)}, which is [0, ${String(region.size)})`;
  }

  private regionName(number: number): string {
    if (number === REGION_MAP) return 'a map (not its value)';
    if (number === REGION_FUNCTION) return 'a function';
    if (number === REGION_CONTEXT) return 'the context';
    if (number === REGION_PACKET) return 'the packet';
    if (number >= REGION_FRAMES && number < REGION_RECORDS)
      return `stack frame ${String(number - REGION_FRAMES)}`;
    if (number < REGION_KEY) return 'a ring buffer record';
    if (number === REGION_KEY) return 'the key of a callback';
    let nearest = -1;
    for (const first of this.names.keys()) if (first <= number && first > nearest) nearest = first;
    return `value ${String(number - nearest)} of map \`${this.names.get(nearest) ?? '?'}\``;
  }
}
