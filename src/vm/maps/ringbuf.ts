// SPDX-License-Identifier: Apache-2.0
// Ring buffers and perf event arrays: what a program sends to user space, as a queue of records.
// Reserved records lie in the VM's memory until they are submitted or discarded (kernel/bpf/ringbuf.c).
import type { MapSpec } from '../../object/spec.js';
import { ENOENT } from '../errno.js';
import { MAX_RECORDS, RECORDS, RECORD_SIZE, REGION_RECORDS, type Memory } from '../memory.js';
import type { VmMap } from './map.js';

export class RingBuffer implements VmMap {
  readonly firstRegion = 0;
  readonly firstValue = 0;
  readonly stride = 0;
  private queue: Uint8Array[] = [];

  constructor(
    readonly spec: MapSpec,
    readonly index: number,
  ) {}

  find(): number {
    return -1;
  }

  update(): number {
    return -ENOENT;
  }

  remove(): number {
    return -ENOENT;
  }

  slots(): Iterable<number> {
    return [];
  }

  copyKey(): void {
    throw new Error('a ring buffer has no keys');
  }

  push(record: Uint8Array): void {
    this.queue.push(record);
  }

  /** Records since the last call, oldest first. */
  drain(): Uint8Array[] {
    const records = this.queue;
    this.queue = [];
    return records;
  }
}

/** Records that are reserved and neither submitted nor discarded. */
export class Reservations {
  private readonly open: ({ readonly map: RingBuffer; readonly size: number } | undefined)[];

  constructor(private readonly memory: Memory) {
    this.open = Array.from({ length: MAX_RECORDS }, () => undefined);
  }

  /** The number of the record's place, or -1 when too many are open or the record is too large. */
  reserve(map: RingBuffer, size: number): number {
    const place = this.open.indexOf(undefined);
    if (place < 0 || size > RECORD_SIZE) return -1;
    this.open[place] = { map, size };
    this.memory.setRegion(REGION_RECORDS + place, addressOf(place), size, true);
    return place;
  }

  /** Closes the record that starts at this pointer; false when there is none. */
  close(region: number, address: number, submit: boolean): boolean {
    const place = region - REGION_RECORDS;
    const record = this.open[place];
    if (record === undefined || address !== addressOf(place)) return false;
    if (submit) record.map.push(this.memory.bytes.slice(address, address + record.size));
    this.open[place] = undefined;
    this.memory.setRegion(region, address, 0, true);
    return true;
  }
}

/** Where record `place` lies. */
export function addressOf(place: number): number {
  return RECORDS + place * RECORD_SIZE;
}
