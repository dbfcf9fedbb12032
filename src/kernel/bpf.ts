// SPDX-License-Identifier: Apache-2.0
// bpf(2) commands as typed calls: maps, programs, BTF, links, test runs. Layout of `union bpf_attr`:
// include/uapi/linux/bpf.h. All numbers in attributes are in host order (little-endian).
import { closeSync } from 'node:fs';
import { Errno, SystemCallError } from './errno.js';
import { addressOf, bpf, type Memory } from './libc.js';

const Command = {
  MAP_CREATE: 0,
  MAP_LOOKUP_ELEM: 1,
  MAP_UPDATE_ELEM: 2,
  MAP_DELETE_ELEM: 3,
  MAP_GET_NEXT_KEY: 4,
  PROG_LOAD: 5,
  OBJ_PIN: 6,
  OBJ_GET: 7,
  PROG_TEST_RUN: 10,
  OBJ_GET_INFO_BY_FD: 15,
  BTF_LOAD: 18,
  MAP_FREEZE: 22,
  MAP_LOOKUP_BATCH: 24,
  MAP_UPDATE_BATCH: 26,
  LINK_CREATE: 28,
} as const;

/** Attach types used here (enum bpf_attach_type). */
export const AttachType = { TRACE_RAW_TP: 23, XDP: 37, NETFILTER: 45 } as const;

/** Map flags used here. */
export const BPF_F_MMAPABLE = 1 << 10;

/** bpf_attr in the making. Pointers keep their memory alive until the call is done. */
class Attributes {
  readonly bytes: Buffer;
  private readonly kept: Memory[] = [];

  constructor(size: number) {
    this.bytes = Buffer.alloc(size);
  }

  u32(offset: number, value: number): this {
    this.bytes.writeUInt32LE(value >>> 0, offset);
    return this;
  }

  u64(offset: number, value: bigint): this {
    this.bytes.writeBigUInt64LE(value, offset);
    return this;
  }

  pointer(offset: number, memory: Memory | undefined): this {
    if (memory === undefined || memory.length === 0) return this;
    this.kept.push(memory);
    return this.u64(offset, addressOf(memory));
  }

  /** Object names: at most 15 bytes of [A-Za-z0-9_.]. */
  name(offset: number, name: string): this {
    this.bytes.write(name.replace(/[^A-Za-z0-9_.]/g, '_').slice(0, 15), offset, 'latin1');
    return this;
  }

  /** The result, or the negative errno. */
  run(command: number): number {
    const result = bpf(command, this.bytes);
    return this.kept.length >= 0 ? result : 0;
  }

  checked(command: number, what: string): number {
    const result = this.run(command);
    if (result < 0) throw new SystemCallError(`bpf(${what})`, -result);
    return result;
  }
}

export interface MapCreation {
  /** enum bpf_map_type. */
  readonly type: number;
  /** Bytes. */
  readonly keySize: number;
  /** Bytes. */
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly name: string;
  readonly btf?: { readonly fd: number; readonly keyTypeId: number; readonly valueTypeId: number };
  /** For arrays and hashes of maps: what an inner map looks like. */
  readonly innerMapFd?: number;
}

/** Returns the map's file descriptor. */
export function createMap(map: MapCreation): number {
  const attributes = new Attributes(72)
    .u32(0, map.type)
    .u32(4, map.keySize)
    .u32(8, map.valueSize)
    .u32(12, map.maxEntries)
    .u32(16, map.flags)
    .u32(20, map.innerMapFd ?? 0)
    .name(28, map.name);
  if (map.btf !== undefined) {
    attributes.u32(48, map.btf.fd).u32(52, map.btf.keyTypeId).u32(56, map.btf.valueTypeId);
  }
  return attributes.checked(Command.MAP_CREATE, `MAP_CREATE ${map.name}`);
}

/** Fills `value` and returns true, or false when the key is absent. */
export function lookupElement(mapFd: number, key: Memory, value: Memory): boolean {
  const result = new Attributes(32)
    .u32(0, mapFd)
    .pointer(8, key)
    .pointer(16, value)
    .run(Command.MAP_LOOKUP_ELEM);
  if (result === -Errno.ENOENT) return false;
  if (result < 0) throw new SystemCallError('bpf(MAP_LOOKUP_ELEM)', -result);
  return true;
}

export function updateElement(mapFd: number, key: Memory, value: Memory, flags = 0n): void {
  new Attributes(32)
    .u32(0, mapFd)
    .pointer(8, key)
    .pointer(16, value)
    .u64(24, flags)
    .checked(Command.MAP_UPDATE_ELEM, 'MAP_UPDATE_ELEM');
}

/** False when the key was absent. */
export function deleteElement(mapFd: number, key: Memory): boolean {
  const result = new Attributes(32).u32(0, mapFd).pointer(8, key).run(Command.MAP_DELETE_ELEM);
  if (result === -Errno.ENOENT) return false;
  if (result < 0) throw new SystemCallError('bpf(MAP_DELETE_ELEM)', -result);
  return true;
}

/** Writes the key after `key` (the first one for undefined) into `next`; false at the end. */
export function nextKey(mapFd: number, key: Memory | undefined, next: Memory): boolean {
  const result = new Attributes(32)
    .u32(0, mapFd)
    .pointer(8, key)
    .pointer(16, next)
    .run(Command.MAP_GET_NEXT_KEY);
  if (result === -Errno.ENOENT) return false;
  if (result < 0) throw new SystemCallError('bpf(MAP_GET_NEXT_KEY)', -result);
  return true;
}

/** Writes `count` elements from packed keys and values (kernel 5.6; hash, array and LPM maps). */
export function updateBatch(mapFd: number, keys: Memory, values: Memory, count: number): void {
  new Attributes(56)
    .pointer(16, keys)
    .pointer(24, values)
    .u32(32, count)
    .u32(36, mapFd)
    .checked(Command.MAP_UPDATE_BATCH, 'MAP_UPDATE_BATCH');
}

/**
 * Reads up to `count` elements of an array map from its start into packed keys and values.
 * Returns how many were read.
 */
export function lookupBatch(mapFd: number, keys: Memory, values: Memory, count: number): number {
  const cursor = Buffer.alloc(8);
  const attributes = new Attributes(56)
    .pointer(8, cursor)
    .pointer(16, keys)
    .pointer(24, values)
    .u32(32, count)
    .u32(36, mapFd);
  const result = attributes.run(Command.MAP_LOOKUP_BATCH);
  if (result < 0 && result !== -Errno.ENOENT) {
    throw new SystemCallError('bpf(MAP_LOOKUP_BATCH)', -result);
  }
  return attributes.bytes.readUInt32LE(32);
}

/** No more writes by bpf(2): the verifier then takes the contents for constants. */
export function freezeMap(mapFd: number): void {
  new Attributes(4).u32(0, mapFd).checked(Command.MAP_FREEZE, 'MAP_FREEZE');
}

export function loadBtf(btf: Memory): number {
  return new Attributes(28).pointer(0, btf).u32(16, btf.length).checked(Command.BTF_LOAD, 'BTF_LOAD');
}

export interface ProgramLoad {
  /** enum bpf_prog_type. */
  readonly type: number;
  readonly expectedAttachType?: number;
  /** BTF id of the hook in the kernel's own BTF (tp_btf). */
  readonly attachBtfId?: number;
  /** 8 bytes an instruction, map references already file descriptors. */
  readonly instructions: Memory;
  readonly license: string;
  readonly name: string;
  readonly btfFd?: number;
  readonly functionInfo?: InfoRecords;
  readonly lineInfo?: InfoRecords;
  /** 0 off, 1 the failing path, 2 everything, 4 statistics only. */
  readonly logLevel?: number;
  /** Memory for the verifier's log. */
  readonly log?: Memory;
}

export interface InfoRecords {
  readonly recordSize: number;
  readonly bytes: Memory;
}

/** The program's file descriptor, or the negative errno: the caller explains it with the log. */
export function loadProgram(load: ProgramLoad): number {
  const attributes = new Attributes(152)
    .u32(0, load.type)
    .u32(4, load.instructions.length / 8)
    .pointer(8, load.instructions)
    .pointer(16, Buffer.from(`${load.license}\0`))
    .name(48, load.name)
    .u32(68, load.expectedAttachType ?? 0)
    .u32(72, load.btfFd ?? 0)
    .u32(108, load.attachBtfId ?? 0);
  if (load.log !== undefined) {
    attributes
      .u32(24, load.logLevel ?? 1)
      .u32(28, load.log.length)
      .pointer(32, load.log);
  }
  if (load.functionInfo !== undefined) {
    const { recordSize, bytes } = load.functionInfo;
    attributes
      .u32(76, recordSize)
      .pointer(80, bytes)
      .u32(88, bytes.length / recordSize);
  }
  if (load.lineInfo !== undefined) {
    const { recordSize, bytes } = load.lineInfo;
    attributes
      .u32(92, recordSize)
      .pointer(96, bytes)
      .u32(104, bytes.length / recordSize);
  }
  return attributes.run(Command.PROG_LOAD);
}

export interface TestRun {
  readonly dataIn: Memory;
  /** Room for the frame after the program; its used length comes back. */
  readonly dataOut?: Memory;
  readonly contextIn?: Memory;
  readonly contextOut?: Memory;
}

export interface TestRunResult {
  /** 0, or the positive errno. */
  readonly errno: number;
  /** What the program returned. */
  readonly returned: number;
  readonly dataLength: number;
}

/** BPF_PROG_TEST_RUN with reused attributes: one instance per program, for speed. */
export class TestRunner {
  private readonly attributes = new Attributes(80);

  constructor(programFd: number) {
    this.attributes.u32(0, programFd).u32(32, 1);
  }

  run(run: TestRun): TestRunResult {
    const { bytes } = this.attributes;
    this.set(16, 8, run.dataIn);
    this.set(24, 12, run.dataOut);
    this.set(48, 40, run.contextIn);
    this.set(56, 44, run.contextOut);
    const result = bpf(Command.PROG_TEST_RUN, bytes);
    return {
      errno: result < 0 ? -result : 0,
      returned: bytes.readUInt32LE(4),
      dataLength: bytes.readUInt32LE(12),
    };
  }

  private set(pointerOffset: number, sizeOffset: number, memory: Memory | undefined): void {
    const { bytes } = this.attributes;
    bytes.writeUInt32LE(memory?.length ?? 0, sizeOffset);
    bytes.writeBigUInt64LE(memory === undefined ? 0n : addressOf(memory), pointerOffset);
  }
}

export interface NetfilterAttachment {
  /** NFPROTO_IPV4 2 or NFPROTO_IPV6 10. */
  readonly protocolFamily: number;
  /** enum nf_inet_hooks. */
  readonly hook: number;
  readonly priority: number;
}

/** Attaches a netfilter program in the calling thread's network namespace; closing the fd detaches. */
export function linkNetfilter(programFd: number, attachment: NetfilterAttachment): number {
  const attributes = new Attributes(48)
    .u32(0, programFd)
    .u32(8, AttachType.NETFILTER)
    .u32(16, attachment.protocolFamily)
    .u32(20, attachment.hook);
  attributes.bytes.writeInt32LE(attachment.priority, 24);
  return attributes.checked(Command.LINK_CREATE, 'LINK_CREATE netfilter');
}

/** Attaches a tp_btf program to the tracepoint it was loaded for; closing the fd detaches. */
export function linkTracepoint(programFd: number): number {
  return new Attributes(48)
    .u32(0, programFd)
    .u32(8, AttachType.TRACE_RAW_TP)
    .checked(Command.LINK_CREATE, 'LINK_CREATE tp_btf');
}

/** Pins a map or program under a bpffs path. */
export function pinObject(fd: number, path: string): void {
  new Attributes(16)
    .pointer(0, Buffer.from(`${path}\0`))
    .u32(8, fd)
    .checked(Command.OBJ_PIN, 'OBJ_PIN');
}

/** The descriptor of what is pinned at the path; undefined where nothing is. */
export function pinnedObject(path: string): number | undefined {
  const fd = new Attributes(16).pointer(0, Buffer.from(`${path}\0`)).run(Command.OBJ_GET);
  if (fd === -Errno.ENOENT) return undefined;
  if (fd < 0) throw new SystemCallError(`bpf(OBJ_GET ${path})`, -fd);
  return fd;
}

/** Id of a map, a program or a link: the second word of each one's info. */
export function objectId(fd: number): number {
  const info = Buffer.alloc(8);
  objectInfo(fd, info);
  return info.readUInt32LE(4);
}

/** Fills `info` (struct bpf_prog_info, bpf_map_info, ...) and returns the bytes the kernel wrote. */
export function objectInfo(fd: number, info: Memory): number {
  const attributes = new Attributes(16).u32(0, fd).u32(4, info.length).pointer(8, info);
  attributes.checked(Command.OBJ_GET_INFO_BY_FD, 'OBJ_GET_INFO_BY_FD');
  return attributes.bytes.readUInt32LE(4);
}

/** Closes descriptors, newest first, ignoring those already closed. */
export function closeAll(fds: readonly number[]): void {
  for (const fd of [...fds].reverse()) {
    try {
      closeSync(fd);
    } catch {
      // Already closed: the aim (nothing left open) is reached.
    }
  }
}

/** `native`: by the driver; `generic`: by the stack, for every driver (XDP_FLAGS_*, include/uapi/linux/if_link.h). */
export type XdpMode = 'native' | 'generic';
const XDP_FLAGS: Readonly<Record<XdpMode, number>> = { native: 1 << 2, generic: 1 << 1 };

/** Attaches an XDP program (Linux 5.9) in the calling thread's network namespace; closing the fd detaches. */
export function linkXdp(programFd: number, ifindex: number, mode: XdpMode): number {
  return new Attributes(48)
    .u32(0, programFd)
    .u32(4, ifindex)
    .u32(8, AttachType.XDP)
    .u32(12, XDP_FLAGS[mode])
    .checked(Command.LINK_CREATE, 'LINK_CREATE xdp');
}
