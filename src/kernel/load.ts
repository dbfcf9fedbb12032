// SPDX-License-Identifier: Apache-2.0
// From BpfObject (a blueprint) to live maps and programs in the running kernel: BTF, maps with their
// contents (frozen where read-only), CO-RE fields, map references, programs. All file descriptors belong
// to the LoadedObject; closing it frees everything, and so does the end of the process.
import { BTF_STRUCT, readBtf, type Btf } from '../object/btf.js';
import {
  functionInfo,
  lineInfo,
  MAP_TYPES,
  type BpfObject,
  type MapSpec,
  type ProgramSpec,
  type ProgramType,
} from '../object/object.js';
import {
  AttachType,
  closeAll,
  createMap,
  freezeMap,
  loadBtf,
  loadProgram,
  updateElement,
  type ProgramLoad,
} from './bpf.js';
import { Errno, SystemCallError } from './errno.js';
import { KernelBtf, relocateFields } from './kernel-btf.js';
import { VerifierError } from './verifier-log.js';

/** enum bpf_prog_type. */
const PROGRAM_TYPES: Readonly<Partial<Record<ProgramType, number>>> = {
  socket_filter: 1,
  sched_cls: 3,
  tracepoint: 5,
  xdp: 6,
  cgroup_skb: 8,
  raw_tracepoint: 17,
  tracing: 26,
  netfilter: 32,
};

/** ld_imm64 source register: the constant is a map, or an address inside a map's value. */
const PSEUDO_MAP_FD = 1;
const PSEUDO_MAP_VALUE = 2;
/** `call` source register: the constant is a BTF id of the kernel's. */
const PSEUDO_KERNEL_CALL = 2;

const LOG_BYTES = 16 << 20;
const RETRIES = 10;

export interface LoadOptions {
  /** Put the whole verifier log into the error of a refused program. */
  readonly verbose?: boolean;
  /** Load only these programs (by function name). */
  readonly programs?: readonly string[];
}

export interface LoadedMap {
  readonly fd: number;
  readonly spec: MapSpec;
}

export interface LoadedObject {
  readonly programs: ReadonlyMap<string, { readonly fd: number; readonly spec: ProgramSpec }>;
  readonly maps: ReadonlyMap<string, LoadedMap>;
  close(): void;
}

/**
 * Loads an object. Throws VerifierError where a program is refused, SystemCallError where the kernel
 * refuses anything else (EPERM without privileges); nothing stays loaded then.
 */
export function loadObject(object: BpfObject, options: LoadOptions = {}): LoadedObject {
  const fds: number[] = [];
  const keep = (fd: number): number => {
    fds.push(fd);
    return fd;
  };
  try {
    const btfFd = object.btf === undefined ? undefined : keep(loadBtf(object.btf));
    const own = object.btf === undefined ? undefined : readBtf(object.btf);
    const maps = new Map<string, LoadedMap>();
    for (const spec of object.maps)
      maps.set(spec.name, { fd: keep(createFromSpec(spec, btfFd, keep)), spec });
    const programs = new Map<string, { fd: number; spec: ProgramSpec }>();
    for (const spec of object.programs) {
      if (options.programs !== undefined && !options.programs.includes(spec.name)) continue;
      programs.set(spec.name, { fd: keep(loadOne(spec, maps, own, btfFd, options)), spec });
    }
    fillSlots(maps, programs);
    return {
      programs,
      maps,
      close: () => {
        closeAll(fds);
      },
    };
  } catch (error) {
    closeAll(fds);
    throw error;
  }
}

function createFromSpec(spec: MapSpec, btfFd: number | undefined, keep: (fd: number) => number): number {
  const innerMapFd = spec.inner === undefined ? undefined : keep(createFromSpec(spec.inner, btfFd, keep));
  const typed = btfFd !== undefined && spec.valueTypeId !== 0 && spec.inner === undefined;
  const create = (withTypes: boolean): number =>
    createMap({
      type: MAP_TYPES[spec.type],
      keySize: spec.keySize,
      valueSize: spec.valueSize,
      maxEntries: spec.maxEntries,
      flags: spec.flags,
      name: spec.name.replace(/^\./, ''),
      ...(withTypes && btfFd !== undefined
        ? { btf: { fd: btfFd, keyTypeId: spec.keyTypeId, valueTypeId: spec.valueTypeId } }
        : {}),
      ...(innerMapFd === undefined ? {} : { innerMapFd }),
    });
  let fd: number;
  try {
    fd = create(typed);
  } catch (error) {
    // Some map types (ring buffers, program arrays) take no types: they need none either.
    if (!typed || !(error instanceof SystemCallError) || error.errno === Errno.EPERM) throw error;
    fd = create(false);
  }
  if (spec.contents !== undefined) updateElement(fd, Buffer.alloc(4), spec.contents);
  if (spec.frozen) freezeMap(fd);
  return fd;
}

function loadOne(
  spec: ProgramSpec,
  maps: ReadonlyMap<string, LoadedMap>,
  own: Btf | undefined,
  btfFd: number | undefined,
  options: LoadOptions,
): number {
  const type = PROGRAM_TYPES[spec.type];
  if (type === undefined) throw new Error(`section \`${spec.section}\`: no program type for it`);
  const asksKernel =
    spec.type === 'tracing' || spec.coreRelocations.length > 0 || spec.kernelCalls.length > 0;
  const kernel = asksKernel ? KernelBtf.load() : undefined;
  const instructions = Buffer.from(
    kernel === undefined || own === undefined ? spec.instructions : relocateFields(spec, own, kernel),
  );
  for (const { instruction, map, offset } of spec.references) {
    const target = maps.get(map);
    if (target === undefined) throw new Error(`${spec.name}: map \`${map}\` is not in the object`);
    const at = instruction * 8;
    const source = offset === undefined ? PSEUDO_MAP_FD : PSEUDO_MAP_VALUE;
    instructions.writeUInt8((instructions.readUInt8(at + 1) & 0x0f) | (source << 4), at + 1);
    instructions.writeInt32LE(target.fd, at + 4);
    instructions.writeInt32LE(offset ?? 0, at + 12);
  }
  for (const { instruction, name } of spec.kernelCalls) {
    const at = instruction * 8;
    instructions.writeUInt8((instructions.readUInt8(at + 1) & 0x0f) | (PSEUDO_KERNEL_CALL << 4), at + 1);
    instructions.writeInt16LE(0, at + 2);
    instructions.writeInt32LE(kernel?.functionId(name) ?? 0, at + 4);
  }
  const functions = btfFd === undefined ? undefined : functionInfo(spec.functions);
  const lines = functions === undefined ? undefined : lineInfo(spec.lines);
  const load: ProgramLoad = {
    type,
    instructions,
    license: spec.license,
    name: spec.name,
    ...(spec.type === 'netfilter' ? { expectedAttachType: AttachType.NETFILTER } : {}),
    ...(spec.type === 'tracing' && kernel !== undefined
      ? { expectedAttachType: AttachType.TRACE_RAW_TP, attachBtfId: kernel.tracepointId(spec.attachTo ?? '') }
      : {}),
    ...(btfFd === undefined || functions === undefined
      ? {}
      : { btfFd, functionInfo: { recordSize: 8, bytes: functions } }),
    ...(lines === undefined || lines.length === 0 ? {} : { lineInfo: { recordSize: 16, bytes: lines } }),
  };
  return loadOrExplain(load, options.verbose ?? false);
}

/** Loads without a log, which is fast; loads again with one only to say why not. */
function loadOrExplain(load: ProgramLoad, verbose: boolean): number {
  let fd = loadProgram(load);
  // A signal (a child ended, a timer) stops the verifier in mid-walk.
  for (let again = 0; fd === -Errno.EAGAIN && again < RETRIES; again++) fd = loadProgram(load);
  if (fd >= 0) return fd;
  const log = Buffer.alloc(LOG_BYTES);
  const again = loadProgram({ ...load, log, logLevel: verbose ? 2 : 1 });
  if (again >= 0) return again;
  const end = log.indexOf(0);
  if (end === 0) throw new SystemCallError(`bpf(PROG_LOAD ${load.name})`, -fd);
  throw new VerifierError(load.name, -fd, log.toString('latin1', 0, end), verbose);
}

/** Static initialisers of program arrays and arrays of maps. */
function fillSlots(
  maps: ReadonlyMap<string, LoadedMap>,
  programs: ReadonlyMap<string, { readonly fd: number }>,
): void {
  for (const { fd, spec } of maps.values()) {
    for (const { index, target } of spec.slots ?? []) {
      const value = programs.get(target)?.fd ?? maps.get(target)?.fd;
      if (value === undefined) continue;
      const words = Buffer.alloc(8);
      words.writeUInt32LE(index, 0);
      words.writeUInt32LE(value, 4);
      updateElement(fd, words.subarray(0, 4), words.subarray(4));
    }
  }
}

/** True when the object's BTF has a structure of this name: lets a caller check a layout it repeats. */
export function structureMembers(object: BpfObject, name: string): ReadonlyMap<string, number> | undefined {
  if (object.btf === undefined) return undefined;
  const type = readBtf(object.btf).types.find((each) => each.kind === BTF_STRUCT && each.name === name);
  return type && new Map(type.members.map((member) => [member.name, member.offset / 8]));
}
