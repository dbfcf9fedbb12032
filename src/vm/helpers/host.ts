// SPDX-License-Identifier: Apache-2.0
// What a helper sees of the VM: the five arguments, memory, maps, the packet, and the world outside, which
// whoever runs the VM supplies. Helpers' meanings: include/uapi/linux/bpf.h.
import type { VmMap } from '../maps/map.js';
import type { Reservations } from '../maps/ringbuf.js';
import { ARGUMENTS, REGION_CONTEXT, REGION_MAP, RESULT, type Memory } from '../memory.js';
import type { PacketBuffer } from '../packet-buffer.js';

/** The world outside a program. */
export interface VmEnvironment {
  /** 32 random bits, unsigned. */
  random(): number;
  /**
   * `bpf_fib_lookup`: reads and fills the 64 bytes of `struct bpf_fib_lookup` that start at `address`;
   * returns BPF_FIB_LKUP_RET_* or a negative errno.
   */
  fibLookup(memory: DataView, address: number, flags: number): number;
  /** Is there an interface of this number? Redirects to others fail. */
  hasInterface(ifindex: number): boolean;
  /** Jiffies a second. */
  readonly hz: number;
}

/** A packet that a program sent itself (`bpf_clone_redirect`). */
export interface SentPacket {
  readonly ifindex: number;
  /** To the receiving side of the interface instead of out of it. */
  readonly ingress: boolean;
  readonly frame: Uint8Array;
}

/** What a run did besides its verdict. */
export interface SideEffects {
  sent: SentPacket[];
  redirect: { readonly ifindex: number; readonly ingress: boolean } | undefined;
  trace: string[];
}

export class HelperHost {
  readonly effects: SideEffects = { sent: [], redirect: undefined, trace: [] };

  constructor(
    readonly memory: Memory,
    readonly maps: readonly VmMap[],
    readonly packet: PacketBuffer,
    readonly reservations: Reservations,
    readonly environment: VmEnvironment,
    /** Throws a fault at the current call. */
    readonly fault: (what: string) => never,
    /** Runs a BPF function by its pointer; callbacks of `bpf_for_each_map_elem`. */
    readonly callFunction: (pointer: Pointer, args: readonly bigint[]) => number,
  ) {}

  /** Lower half of argument 1..5, signed. */
  low(argument: number): number {
    return this.memory.words[(ARGUMENTS >> 2) + 2 * (argument - 1)]!;
  }

  /** Upper half of argument 1..5. */
  high(argument: number): number {
    return this.memory.words[(ARGUMENTS >> 2) + 2 * argument - 1]!;
  }

  unsigned(argument: number): number {
    return this.low(argument) >>> 0;
  }

  /** A 64-bit answer; pointers are (address, region). */
  answer(low: number, high: number): undefined {
    this.memory.words[RESULT >> 2] = low;
    this.memory.words[(RESULT >> 2) + 1] = high;
    return undefined;
  }

  /** The address in an argument, after checking that `size` bytes from it are a program's to use. */
  buffer(argument: number, size: number, write: boolean): number {
    const address = this.low(argument) >>> 0;
    if (size === 0) return address;
    const region = this.high(argument);
    if (!this.memory.allows(region, address, size, write)) {
      const what = write ? 'write' : 'read';
      this.fault(`helper ${what}s ${String(size)} bytes at ${this.memory.describe(region, address)}`);
    }
    return address;
  }

  map(argument: number): VmMap {
    const map = this.high(argument) === REGION_MAP ? this.maps[this.low(argument)] : undefined;
    return map ?? this.fault(`argument ${String(argument)} of a helper is no map`);
  }

  /** Faults unless the argument is the context itself. */
  context(argument: number): void {
    if (this.high(argument) !== REGION_CONTEXT)
      this.fault(`argument ${String(argument)} of a helper is no context`);
  }
}

export interface Pointer {
  readonly low: number;
  readonly high: number;
}

/** Returns a number that fits 32 bits signed, or undefined after `answer`. */
export type Helper = (host: HelperHost) => number | undefined;
