// SPDX-License-Identifier: Apache-2.0
// What an object file holds, as blueprints: programs and maps before any kernel or VM has seen them.
// A Spec is read from bytes alone; file descriptors, addresses and kernel versions come later.

/** Program types by section prefix (libbpf's conventions); `tracing` carries its target in `attachTo`. */
export type ProgramType =
  | 'socket_filter'
  | 'sched_cls'
  | 'xdp'
  | 'cgroup_skb'
  | 'netfilter'
  | 'tracing'
  | 'raw_tracepoint'
  | 'tracepoint'
  | 'unknown';

/** The names of `enum bpf_map_type` that this project uses, with the kernel's number (include/uapi/linux/bpf.h). */
export const MAP_TYPES = {
  hash: 1,
  array: 2,
  prog_array: 3,
  perf_event_array: 4,
  percpu_hash: 5,
  percpu_array: 6,
  lru_hash: 9,
  lru_percpu_hash: 10,
  lpm_trie: 11,
  array_of_maps: 12,
  hash_of_maps: 13,
  ringbuf: 27,
} as const;

export type MapType = keyof typeof MAP_TYPES;

/** `BPF_F_NO_PREALLOC`: LPM tries must have it. */
export const MAP_FLAG_NO_PREALLOC = 1 << 0;
/** `BPF_F_RDONLY_PROG`: programs may only read. */
export const MAP_FLAG_READ_ONLY_PROGRAM = 1 << 7;
/** `BPF_F_MMAPABLE`: an array whose values user space may map. */
export const MAP_FLAG_MMAPABLE = 1 << 10;

export interface MapSpec {
  /** The C name, or the section for data (`.rodata.tab`). May be longer than the kernel's 15 characters. */
  readonly name: string;
  readonly type: MapType;
  /** Bytes. */
  readonly keySize: number;
  /** Bytes. */
  readonly valueSize: number;
  readonly maxEntries: number;
  /** `BPF_F_*`. */
  readonly flags: number;
  /** `LIBBPF_PIN_BY_NAME` in the definition. */
  readonly pinned: boolean;
  /** BTF type ids in the object's own BTF; 0 where the definition names none. */
  readonly keyTypeId: number;
  readonly valueTypeId: number;
  /** Data sections only: the bytes of the single value. */
  readonly contents?: Uint8Array;
  /** Data sections only: nothing may write to it once loaded (`.rodata*`). */
  readonly frozen: boolean;
  /** `array_of_maps` and `hash_of_maps`: what an inner map looks like. */
  readonly inner?: MapSpec;
  /** `array_of_maps` and `prog_array` with a static initialiser: slot -> name of map or program. */
  readonly slots?: readonly { readonly index: number; readonly target: string }[];
}

/** A pair of slots (`ld_imm64`) whose constant becomes a map's handle or an address inside its single value. */
export interface MapReference {
  /** Slot of the first half, counted in 8-byte instructions from the program's start. */
  readonly instruction: number;
  readonly map: string;
  /** Undefined: the map itself. Else the offset in bytes of the address in the map's single value. */
  readonly offset?: number;
}

/** A call of a function of the kernel by name (kfunc): its number is the running kernel's. */
export interface KernelCall {
  readonly instruction: number;
  readonly name: string;
}

/** A function inside a program; the first is the program itself. */
export interface FunctionSpec {
  readonly name: string;
  /** Slot of its first instruction. */
  readonly instruction: number;
  /** Number of 8-byte slots. */
  readonly length: number;
  /** BTF id of its FUNC, 0 without BTF. */
  readonly typeId: number;
}

/** Where a run of instructions comes from in C. */
export interface LineSpec {
  readonly instruction: number;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The line's text, where clang could read the source. */
  readonly text: string;
  /** Offsets of `file` and `text` in the BTF string table: what the kernel wants back. */
  readonly fileOffset: number;
  readonly textOffset: number;
}

/** A CO-RE relocation as clang wrote it; applying it needs a kernel's BTF, so it isn't applied here. */
export interface CoreRelocation {
  readonly instruction: number;
  readonly typeId: number;
  /** `0:1:2`: the access path. */
  readonly access: string;
  /** `enum bpf_core_relo_kind`. */
  readonly kind: number;
}

export interface ProgramSpec {
  readonly name: string;
  readonly section: string;
  readonly type: ProgramType;
  /** What follows the `/` of the section, e.g. `kfree_skb` of `tp_btf/kfree_skb`. */
  readonly attachTo?: string;
  /**
   * The program and every function it reaches, linked: calls and callback addresses are relative and
   * final, map references are still open (`references`).
   */
  readonly instructions: Uint8Array;
  readonly references: readonly MapReference[];
  readonly functions: readonly FunctionSpec[];
  readonly lines: readonly LineSpec[];
  readonly coreRelocations: readonly CoreRelocation[];
  readonly kernelCalls: readonly KernelCall[];
  readonly license: string;
}

export interface BpfObject {
  /** In section order, then by offset. */
  readonly programs: readonly ProgramSpec[];
  /** In the order of `.maps`, then data sections. */
  readonly maps: readonly MapSpec[];
  /** BTF as the kernel takes it (sizes and offsets of data sections filled in); undefined without `.BTF`. */
  readonly btf?: Uint8Array;
}

/** The bytes are no object that this reader understands. Says which step failed. */
export class ObjectError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ObjectError';
  }
}
