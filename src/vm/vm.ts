// SPDX-License-Identifier: Apache-2.0
// The eBPF virtual machine: an object's programs and maps, live in this process, no privileges needed.
// Programs are translated once to WebAssembly (translate/), so arithmetic is the machine's own 64 bits; every
// access to memory is checked against whole regions (memory.ts), since no verifier has looked at them.
// RFC 9669. One CPU; the clock, randomness and routes are given from outside.
import type { BpfObject, ProgramSpec } from '../object/spec.js';
import { contextAccess, contextKind, POINTER_DATA, SKB, type ContextKind } from './context.js';
import { EINVAL } from './errno.js';
import { faultAt, LoadError } from './fault.js';
import { CHECKSUM_HELPERS } from './helpers/checksum.js';
import { HelperHost, type Helper, type SideEffects, type VmEnvironment } from './helpers/host.js';
import { MAP_HELPERS } from './helpers/maps.js';
import { MISC_HELPERS } from './helpers/misc.js';
import { SKB_HELPERS } from './helpers/skb.js';
import { HELPER } from './helpers/ids.js';
import { ArrayMap } from './maps/array.js';
import { createMaps } from './maps/create.js';
import type { VmMap } from './maps/map.js';
import { Reservations } from './maps/ringbuf.js';
import { MapView } from './maps/view.js';
import {
  ARGUMENTS,
  CALLER_FRAME,
  CLOCK,
  CONTEXT,
  CONTEXT_SIZE,
  REGION_CONTEXT,
  REGION_MAP,
  REGION_PACKET,
  RESULT,
  type Memory,
} from './memory.js';
import { PacketBuffer } from './packet-buffer.js';
import { NEXT_FRAME } from './translate/call.js';
import { translate } from './translate/module.js';
import { wasm, type WasmExports } from './wasm-runtime.js';

export type { SentPacket, VmEnvironment } from './helpers/host.js';

const HELPERS = new Map<number, Helper>([
  ...MAP_HELPERS,
  ...SKB_HELPERS,
  ...CHECKSUM_HELPERS,
  ...MISC_HELPERS,
]);
/** Helpers that exist only as translated code. */
const TRANSLATED = new Set<number>([
  HELPER.ktime_get_boot_ns,
  HELPER.ktime_get_coarse_ns,
  HELPER.get_smp_processor_id,
  HELPER.spin_lock,
  HELPER.spin_unlock,
  HELPER.loop,
  HELPER.tail_call,
]);
/** Turns of loops in one run; the verifier would have proven an end. */
const LOOP_LIMIT = 50_000_000;
/** `MAX_TAIL_CALL_CNT` (include/linux/bpf.h). */
const MAX_TAIL_CALLS = 33;

const NO_ENVIRONMENT: VmEnvironment = {
  random: () => 0,
  fibLookup: () => -EINVAL,
  hasInterface: () => true,
  hz: 250,
};

export interface VmOptions {
  readonly environment?: Partial<VmEnvironment>;
  /** `memory`: programs get a buffer and its length instead of a context (instruction set tests). */
  readonly context?: 'memory';
}

/** What a TC program may read besides the packet. Absent = 0. Byte order: host, as `__sk_buff` shows it. */
export interface SkbFields {
  readonly mark?: number;
  readonly ifindex?: number;
  readonly ingressIfindex?: number;
  /** `PACKET_HOST` 0, `PACKET_BROADCAST` 1, `PACKET_MULTICAST` 2, `PACKET_OTHERHOST` 3. */
  readonly packetType?: number;
  /** EtherType in host order (0x0800); `__sk_buff` shows it in network order. */
  readonly etherType?: number;
  readonly priority?: number;
  readonly vlanTag?: { readonly protocol: number; readonly tci: number };
  readonly hash?: number;
  readonly timestampNs?: bigint;
}

export interface RunResult {
  /** The return value: an action code. */
  readonly action: number;
  /** The packet as the program left it: a view that the next run overwrites. */
  readonly frame: Uint8Array;
  readonly mark: number;
  readonly priority: number;
  readonly effects: Readonly<SideEffects>;
}

interface LoadedProgram {
  readonly spec: ProgramSpec;
  readonly context: ContextKind;
  readonly entry: () => void;
  readonly tableIndex: number;
}

export class Vm {
  private readonly memory: Memory;
  private readonly maps: readonly VmMap[];
  private readonly programs: readonly LoadedProgram[];
  private readonly packet: PacketBuffer;
  private readonly host: HelperHost;
  private readonly exports: WasmExports;
  private readonly environment: VmEnvironment;
  private readonly byName = new Map<string, LoadedProgram>();
  private place = 0;
  private tailCalls = 0;

  /** Throws LoadError for what the VM can't run. */
  constructor(object: BpfObject, options: VmOptions = {}) {
    this.environment = { ...NO_ENVIRONMENT, ...options.environment };
    ({ memory: this.memory, maps: this.maps } = createMaps(object.maps));
    this.packet = new PacketBuffer(this.memory);
    this.memory.setRegion(REGION_CONTEXT, CONTEXT, 0, false);
    this.host = new HelperHost(
      this.memory,
      this.maps,
      this.packet,
      new Reservations(this.memory),
      this.environment,
      (what) => this.fault(this.place, what),
      (pointer, args) => this.callFunction(pointer.low, args),
    );
    const runnable = object.programs.flatMap((spec) => {
      const context = options.context ?? contextKind(spec.type);
      return context === undefined ? [] : [{ spec, context }];
    });
    const { bytes, mains } = translate({
      programs: runnable,
      maps: new Map(this.maps.map((map) => [map.spec.name, map])),
      regionCapacity: this.memory.regionCapacity,
      knowsHelper: (helper) => HELPERS.has(helper) || TRANSLATED.has(helper),
    });
    this.exports = this.instantiate(bytes);
    this.programs = runnable.map(({ spec, context }, index) => ({
      spec,
      context,
      entry: this.exports[`entry${index}`]!,
      tableIndex: mains[index]!,
    }));
    for (const program of this.programs) this.byName.set(program.spec.name, program);
    this.fillProgramArrays();
  }

  /** User space's view of a map. */
  map(name: string): MapView {
    const map = this.maps.find(({ spec }) => spec.name === name);
    if (map === undefined) throw new RangeError(`the object has no map \`${name}\``);
    return new MapView(this.memory, map);
  }

  /** Puts a program into a program array. */
  setTailCall(array: string, slot: number, program: string): void {
    const map = this.maps.find(({ spec }) => spec.name === array);
    const index = this.programs.findIndex(({ spec }) => spec.name === program);
    if (!(map instanceof ArrayMap) || index < 0)
      throw new RangeError(`no program array \`${array}\` or program`);
    map.setHandle(slot, index);
  }

  /**
   * Runs a TC program on a frame at a moment (nanoseconds since the epoch).
   * Throws VmFault when the program does what no verifier would have allowed.
   */
  runSkb(program: string, frame: Uint8Array, fields: SkbFields, nowNs: bigint): RunResult {
    const loaded = this.byName.get(program);
    if (loaded?.context !== 'skb') throw new RangeError(`the object has no TC program \`${program}\``);
    this.writeSkb(frame, fields);
    this.memory.view.setBigUint64(CLOCK, nowNs, true);
    this.start(loaded, CONTEXT, REGION_CONTEXT);
    return this.result();
  }

  /** Runs an XDP program on a frame. */
  runXdp(program: string, frame: Uint8Array, ingressIfindex: number, nowNs: bigint): RunResult {
    const loaded = this.byName.get(program);
    if (loaded?.context !== 'xdp') throw new RangeError(`the object has no XDP program \`${program}\``);
    this.memory.words.fill(0, CONTEXT >> 2, (CONTEXT + CONTEXT_SIZE) >> 2);
    this.packet.load(frame, 'xdp');
    this.memory.words[(CONTEXT + 12) >> 2] = ingressIfindex;
    this.memory.view.setBigUint64(CLOCK, nowNs, true);
    this.start(loaded, CONTEXT, REGION_CONTEXT);
    return this.result();
  }

  /** Runs a program on a buffer: r1 = its address, r2 = its length. Returns all 64 bits of r0, unsigned. */
  runMemory(program: string, memory: Uint8Array): bigint {
    const loaded = this.byName.get(program);
    if (loaded?.context !== 'memory') throw new RangeError(`no program \`${program}\` for plain memory`);
    this.packet.load(memory, 'memory');
    this.start(loaded, this.memory.words[POINTER_DATA >> 2]!, REGION_PACKET);
    return this.memory.view.getBigUint64(RESULT, true);
  }

  private start(program: LoadedProgram, r1: number, region: number): void {
    const { words } = this.memory;
    words.fill(0, ARGUMENTS >> 2, (ARGUMENTS >> 2) + 10);
    words[ARGUMENTS >> 2] = r1;
    words[(ARGUMENTS >> 2) + 1] = region;
    if (program.context === 'memory') words[(ARGUMENTS >> 2) + 2] = this.packet.length;
    this.exports.fuel.value = LOOP_LIMIT;
    this.tailCalls = 0;
    const { effects } = this.host;
    if (effects.sent.length > 0) effects.sent = [];
    if (effects.trace.length > 0) effects.trace = [];
    effects.redirect = undefined;
    program.entry();
  }

  private result(): RunResult {
    const { words } = this.memory;
    return {
      action: words[RESULT >> 2]!,
      frame: this.packet.bytes,
      mark: words[(CONTEXT + SKB.mark) >> 2]! >>> 0,
      priority: words[(CONTEXT + SKB.priority) >> 2]! >>> 0,
      effects: this.host.effects,
    };
  }

  private writeSkb(frame: Uint8Array, fields: SkbFields): void {
    const { words, view } = this.memory;
    words.fill(0, CONTEXT >> 2, (CONTEXT + CONTEXT_SIZE) >> 2);
    this.packet.load(frame, 'skb');
    words[(CONTEXT + SKB.mark) >> 2] = fields.mark ?? 0;
    words[(CONTEXT + SKB.pkt_type) >> 2] = fields.packetType ?? 0;
    words[(CONTEXT + SKB.protocol) >> 2] = swap16(fields.etherType ?? 0);
    words[(CONTEXT + SKB.priority) >> 2] = fields.priority ?? 0;
    words[(CONTEXT + SKB.ifindex) >> 2] = fields.ifindex ?? 0;
    words[(CONTEXT + SKB.ingress_ifindex) >> 2] = fields.ingressIfindex ?? 0;
    words[(CONTEXT + SKB.hash) >> 2] = fields.hash ?? 0;
    words[(CONTEXT + SKB.wire_len) >> 2] = frame.length;
    if (fields.vlanTag !== undefined) {
      words[(CONTEXT + SKB.vlan_present) >> 2] = 1;
      words[(CONTEXT + SKB.vlan_tci) >> 2] = fields.vlanTag.tci;
      words[(CONTEXT + SKB.vlan_proto) >> 2] = swap16(fields.vlanTag.protocol);
    }
    if (fields.timestampNs !== undefined) view.setBigUint64(CONTEXT + SKB.tstamp, fields.timestampNs, true);
  }

  private instantiate(bytes: Uint8Array): WasmExports {
    const instance = new wasm.Instance(new wasm.Module(bytes), {
      vm: {
        memory: this.memory.wasm,
        slowLoad: (low, high, flags, place) => {
          this.slowLoad(low, high, flags, place);
          return undefined;
        },
        slowStore: (low, high, flags, place) => {
          this.slowStore(low, high, flags, place);
          return undefined;
        },
        helper: (id, place) => {
          this.callHelper(id, place);
          return undefined;
        },
        lookup: (index, low, high, place) => this.lookup(index, low, high, place),
        tailCall: (place) => this.tailCall(place),
        outOfFuel: (place) => this.fault(place, `more than ${String(LOOP_LIMIT)} turns of loops in one run`),
      },
    });
    return instance.exports;
  }

  private lookup(index: number, low: number, high: number, place: number): number {
    const map = this.maps[index]!;
    if (!this.memory.allows(high, low, map.spec.keySize, false)) {
      const where = this.memory.describe(high, low);
      this.fault(
        place,
        `lookup in \`${map.spec.name}\` reads a key of ${String(map.spec.keySize)} bytes at ${where}`,
      );
    }
    return map.find(low >>> 0);
  }

  private callHelper(id: number, place: number): void {
    this.place = place;
    const helper = HELPERS.get(id) ?? this.fault(place, `there is no helper ${String(id)}`);
    const answer = helper(this.host);
    if (answer !== undefined) this.host.answer(answer | 0, answer < 0 ? -1 : 0);
  }

  /** An access the region table doesn't allow: the context, or a fault. Flags: size | signed 16 | other 64. */
  private slowLoad(low: number, high: number, flags: number, place: number): void {
    const size = (flags & 15) as 1 | 2 | 4 | 8;
    const signed = (flags & 16) !== 0;
    const kind = this.programs[place >>> 20]!.context;
    const access =
      high === REGION_CONTEXT && (flags & 64) === 0
        ? contextAccess(kind, low - CONTEXT, size, false, signed)
        : undefined;
    if (access === undefined) {
      this.fault(place, `read of ${String(size)} bytes at ${this.memory.describe(high, low)}`);
    }
    const { view } = this.memory;
    let value = 0n;
    for (let at = access.size - 1; at >= 0; at--)
      value = (value << 8n) | BigInt(view.getUint8(access.address + at));
    view.setBigInt64(RESULT, signed ? BigInt.asIntN(size * 8, value) : BigInt.asIntN(64, value), true);
  }

  /** The value is in RESULT. Flags: size | atomic 32. */
  private slowStore(low: number, high: number, flags: number, place: number): void {
    const size = (flags & 15) as 1 | 2 | 4 | 8;
    const kind = this.programs[place >>> 20]!.context;
    const access =
      high === REGION_CONTEXT && (flags & 32) === 0
        ? contextAccess(kind, low - CONTEXT, size, true, false)
        : undefined;
    if (access === undefined) {
      this.fault(place, `write of ${String(size)} bytes at ${this.memory.describe(high, low)}`);
    }
    const { limit } = access;
    if (limit !== undefined && this.memory.view.getUint32(RESULT, true) >= limit) return;
    this.memory.bytes.copyWithin(access.address, RESULT, RESULT + access.size);
  }

  /** (context, program array, slot): the table index of the next program, or -1. */
  private tailCall(place: number): number {
    const { words } = this.memory;
    const at = ARGUMENTS >> 2;
    const map = words[at + 3] === REGION_MAP ? this.maps[words[at + 2]!] : undefined;
    if (!(map instanceof ArrayMap) || map.spec.type !== 'prog_array') {
      return this.fault(place, 'tail call through something that is no program array');
    }
    const slot = words[at + 4]! >>> 0;
    if (slot >= map.spec.maxEntries || this.tailCalls >= MAX_TAIL_CALLS) return -1;
    const program = this.programs[map.handle(slot)];
    if (program === undefined) return -1;
    this.tailCalls++;
    return program.tableIndex;
  }

  private callFunction(tableIndex: number, args: readonly bigint[]): number {
    const frame = this.memory.view.getBigInt64(CALLER_FRAME, true) + NEXT_FRAME;
    const registers = Array.from({ length: 5 }, (_, index) => BigInt.asIntN(64, args[index] ?? 0n));
    return Number(BigInt.asIntN(32, this.exports.table.get(tableIndex)(...registers, frame)));
  }

  private fillProgramArrays(): void {
    for (const map of this.maps) {
      if (map.spec.type !== 'prog_array' || !(map instanceof ArrayMap)) continue;
      for (const { index, target } of map.spec.slots ?? []) {
        const program = this.programs.findIndex(({ spec }) => spec.name === target);
        if (program < 0)
          throw new LoadError(`\`${map.spec.name}\` names \`${target}\`, which is no program here`);
        map.setHandle(index, program);
      }
    }
  }

  private fault(place: number, what: string): never {
    throw faultAt(this.programs[place >>> 20]!.spec, place & 0xfffff, what);
  }
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}
