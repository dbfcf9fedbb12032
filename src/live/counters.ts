// SPDX-License-Identifier: Apache-2.0
// The pinned map `counters`: packets and bytes by rule id, then by chain end, all CPUs together.
import { lookupElement } from '../kernel/bpf.js';
import { possibleCpus } from '../kernel/map-view.js';
import { decodeStruct, structSize } from '../program/layout-codec.js';
import { COUNTER } from '../program/layout.js';
import { withMap } from './pins.js';

export interface Count {
  readonly packets: number;
  /** Layer 3 and up, as iptables counts. */
  readonly bytes: number;
}

/** The first `length` of them. Throws EnvironmentError where nothing is pinned. */
export function readCounters(length: number): Count[] {
  const size = structSize(COUNTER);
  const values = Buffer.alloc(size * possibleCpus());
  const key = Buffer.alloc(4);
  return withMap('counters', (fd) =>
    Array.from({ length }, (_, id) => {
      key.writeUInt32LE(id);
      lookupElement(fd, key, values);
      let packets = 0n;
      let bytes = 0n;
      for (let at = 0; at < values.length; at += size) {
        const each = decodeStruct(COUNTER, values.subarray(at, at + size));
        packets += each.packets;
        bytes += each.bytes;
      }
      return { packets: Number(packets), bytes: Number(bytes) };
    }),
  );
}
