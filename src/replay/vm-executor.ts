// SPDX-License-Identifier: Apache-2.0
// The executor of `--on vm`: the object in the VM of src/vm, with the host's interfaces, routes and clock.
import type { Host } from '../host/host.js';
import { withLoopback } from '../host/routing.js';
import { DEFAULT_HZ } from '../model/lower.js';
import { BTF_STRUCT, readBtf } from '../object/btf.js';
import type { BpfObject } from '../object/object.js';
import type { PacketType } from '../packet/ethernet.js';
import { decodeStruct } from '../program/layout-codec.js';
import { RESULT } from '../program/layout.js';
import { VmFault } from '../vm/fault.js';
import { Vm, type SkbFields } from '../vm/vm.js';
import type { AttachPoint, Executor, ExecutorInput, ExecutorOutput } from './executor.js';
import { createFibLookup } from './fib.js';

const PACKET_TYPES: Readonly<Record<PacketType, number>> = {
  host: 0,
  broadcast: 1,
  multicast: 2,
  'other-host': 3,
  loopback: 5,
};

/** The map in which bpf/lib keeps the packet being judged. */
const SCRATCH_MAP = 'scratch';

/** `seed`: of what programs get as random numbers. */
export function openVmExecutor(object: BpfObject, host: Host, seed = 1): Executor {
  // As a kernel would: lo is 1, the others in the order of the snapshot.
  const numbers = new Map(withLoopback(host).map(({ name }, index) => [name, index + 1]));
  const names = new Map([...numbers].map(([name, number]) => [number, name]));
  const vm = new Vm(object, {
    environment: {
      hz: host.hz ?? DEFAULT_HZ,
      random: createRandom(seed),
      fibLookup: createFibLookup(host, names),
      hasInterface: (ifindex) => names.has(ifindex),
    },
  });
  const lastRule = findLastRule(object);
  const programs = new Map(object.programs.map(({ section, name }) => [section, name]));
  return {
    name: 'vm',
    has: (point) => programs.has(point),
    run: (point: AttachPoint, input: ExecutorInput): ExecutorOutput => {
      const program = programs.get(point);
      if (program === undefined) throw new RangeError(`the object has no program in section ${point}`);
      if (point === 'xdp') {
        return vm.runXdp(program, input.frame, numbers.get(input.device) ?? 0, input.timestampNs);
      }
      // The host's own copy of what it sent to many has no link layer (net/core/dev.c dev_loopback_xmit).
      const frame = input.packetType === 'loopback' ? input.frame.subarray(14) : input.frame;
      const fields: SkbFields = {
        mark: input.mark,
        priority: input.priority,
        ifindex: numbers.get(input.device) ?? 0,
        ingressIfindex: numbers.get(input.ingressDevice) ?? 0,
        packetType: PACKET_TYPES[input.packetType],
        etherType: input.frame.length < 14 ? 0 : (input.frame[12]! << 8) | input.frame[13]!,
        timestampNs: input.timestampNs,
      };
      try {
        return vm.runSkb(program, frame, fields, input.timestampNs);
      } catch (error) {
        if (error instanceof VmFault) error.lastRule = lastRule?.(vm);
        throw error;
      }
    },
    interfaceIndex: (name) => numbers.get(name),
    update: (map, key, value) => {
      const answer = vm.map(map).update(key, value);
      if (answer !== 0) throw new RangeError(`map \`${map}\` refuses an entry: error ${String(-answer)}`);
    },
    value: (map) => vm.map(map).lookup(new Uint8Array(4))!,
    entries: (map) => vm.map(map).entries(),
    drain: (map) => vm.map(map).drain(),
    close: () => undefined,
  };
}

/** Reads the last rule met from where a program keeps it (`struct packet` of bpf/lib/packet.h, by its BTF). */
function findLastRule(object: BpfObject): ((vm: Vm) => number | undefined) | undefined {
  if (object.btf === undefined || !object.maps.some(({ name }) => name === SCRATCH_MAP)) return undefined;
  const packet = readBtf(object.btf).types.find(({ kind, name }) => kind === BTF_STRUCT && name === 'packet');
  const result = packet?.members.find(({ name }) => name === 'result');
  if (result === undefined) return undefined;
  return (vm) => {
    const value = vm.map(SCRATCH_MAP).lookup(new Uint8Array(4))!;
    const { hits, hit_count: count } = decodeStruct(RESULT, value, result.offset / 8);
    return count === 0 ? undefined : hits[Math.min(count, hits.length) - 1];
  };
}

/** Marsaglia's xorshift32: 32 bits, unsigned, never 0. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
}
