// SPDX-License-Identifier: Apache-2.0
// Helpers on maps and ring buffers (kernel/bpf/helpers.c, kernel/bpf/ringbuf.c, kernel/bpf/arraymap.c).
import { EINVAL, ENOENT } from '../errno.js';
import { valueAddress, type VmMap } from '../maps/map.js';
import { addressOf, RingBuffer } from '../maps/ringbuf.js';
import { RECORD_SIZE, REGION_KEY, REGION_MAP, REGION_RECORDS, SCRATCH } from '../memory.js';
import { HELPER } from './ids.js';
import type { Helper, HelperHost } from './host.js';

function ring(host: HelperHost, argument: number): RingBuffer {
  const map = host.map(argument);
  return map instanceof RingBuffer ? map : host.fault(`map \`${map.spec.name}\` is no ring buffer`);
}

function lookup(host: HelperHost): undefined {
  const map = host.map(1);
  const slot = map.find(host.buffer(2, map.spec.keySize, false));
  if (slot < 0) return host.answer(0, 0);
  if (map.spec.type === 'array_of_maps' || map.spec.type === 'hash_of_maps') {
    const inner = host.memory.view.getInt32(valueAddress(map, slot), true) - 1;
    return inner < 0 ? host.answer(0, 0) : host.answer(inner, REGION_MAP);
  }
  return host.answer(valueAddress(map, slot), map.firstRegion + slot);
}

function update(host: HelperHost): number {
  const map = host.map(1);
  const key = host.buffer(2, map.spec.keySize, false);
  return map.update(key, host.buffer(3, map.spec.valueSize, false), host.low(4));
}

function remove(host: HelperHost): number {
  const map = host.map(1);
  return map.remove(host.buffer(2, map.spec.keySize, false));
}

/** Calls back with (map, key, value, context) for each entry until one says 1; returns how many were called. */
function forEach(host: HelperHost): number {
  const map: VmMap = host.map(1);
  const callback = { low: host.low(2), high: host.high(2) };
  const context = (BigInt(host.high(3)) << 32n) | BigInt(host.unsigned(3));
  if (host.low(4) !== 0) return -EINVAL;
  const mapPointer = (BigInt(REGION_MAP) << 32n) | BigInt(map.index);
  const keyPointer = (BigInt(REGION_KEY) << 32n) | BigInt(SCRATCH);
  host.memory.setRegion(REGION_KEY, SCRATCH, map.spec.keySize, false);
  let called = 0;
  for (const slot of [...map.slots()]) {
    map.copyKey(slot, SCRATCH);
    const value = (BigInt(map.firstRegion + slot) << 32n) | BigInt(valueAddress(map, slot));
    called++;
    if (host.callFunction(callback, [mapPointer, keyPointer, value, context]) !== 0) break;
  }
  return called;
}

function ringOutput(host: HelperHost): number {
  const size = host.unsigned(3);
  const address = host.buffer(2, size, false);
  ring(host, 1).push(host.memory.bytes.slice(address, address + size));
  return 0;
}

function ringReserve(host: HelperHost): undefined {
  const map = ring(host, 1);
  const size = host.unsigned(2);
  if (size > RECORD_SIZE)
    host.fault(`a ring buffer record of ${String(size)} bytes is more than the VM reserves`);
  const place = host.reservations.reserve(map, size);
  return place < 0 ? host.answer(0, 0) : host.answer(addressOf(place), REGION_RECORDS + place);
}

function ringClose(submit: boolean): Helper {
  return (host) => {
    if (!host.reservations.close(host.high(1), host.unsigned(1), submit))
      host.fault('no such reserved record');
    return 0;
  };
}

/** The record is the caller's data and, by the length in the flags' upper half, the packet's first bytes. */
function perfEventOutput(host: HelperHost): number {
  const size = host.unsigned(5);
  const packetBytes = host.high(3) & 0xfffff;
  if (packetBytes > host.packet.length) return -ENOENT;
  const address = host.buffer(4, size, false);
  const record = new Uint8Array(size + packetBytes);
  record.set(host.memory.bytes.subarray(address, address + size));
  record.set(host.packet.bytes.subarray(0, packetBytes), size);
  ring(host, 2).push(record);
  return 0;
}

export const MAP_HELPERS: readonly (readonly [number, Helper])[] = [
  [HELPER.map_lookup_elem, lookup],
  [HELPER.map_update_elem, update],
  [HELPER.map_delete_elem, remove],
  [HELPER.for_each_map_elem, forEach],
  [HELPER.ringbuf_output, ringOutput],
  [HELPER.ringbuf_reserve, ringReserve],
  [HELPER.ringbuf_submit, ringClose(true)],
  [HELPER.ringbuf_discard, ringClose(false)],
  [HELPER.perf_event_output, perfEventOutput],
];
