// SPDX-License-Identifier: Apache-2.0
// The seam between "which program sees this packet, and what its answer means" (program-runner.ts, shared)
// and "run that program on these bytes" (src/vm in process, src/kernel by BPF_PROG_TEST_RUN).
// Maps, and so connections and counters, live as long as the executor.
import type { PacketType } from '../packet/ethernet.js';

/** The attach points of a migration, by the section names of its object. */
export type AttachPoint = 'tc/ingress' | 'tc/egress' | 'xdp';

export interface ExecutorInput {
  /** Ethernet frame without VLAN tags. Not kept and not written to. */
  readonly frame: Uint8Array;
  /** The interface whose clsact hook runs: where the frame came in (ingress) or goes out (egress). */
  readonly device: string;
  /** `skb->ingress_ifindex`: the interface it came from, empty for the host's own packets. */
  readonly ingressDevice: string;
  /**
   * `skb->pkt_type`. `loopback`: the host's own copy of a broadcast or multicast, which arrives without the
   * frame's Ethernet header; an executor that can't do that runs it as a broadcast. `host` whatever unicast MAC the capture holds: an executor that can't set the field
   * writes the device's own MAC over it.
   */
  readonly packetType: PacketType;
  readonly mark: number;
  /** `skb->priority`: how a program knows an answer of its own (bpf/lib/reject.h). */
  readonly priority: number;
  /** Nanoseconds since the epoch: `skb->tstamp`, by which programs in a replay tell the time. Never falls. */
  readonly timestampNs: bigint;
}

export interface ExecutorOutput {
  /** The program's return value: `TC_ACT_*` or `XDP_*`. */
  readonly action: number;
  /** The frame as the program left it. Valid until the next run. */
  readonly frame: Uint8Array;
  readonly mark: number;
  readonly priority: number;
}

/** The executor can't take this frame (size, tag); the program didn't run. */
export interface Refusal {
  readonly refused: string;
}

export interface Executor {
  readonly name: 'vm' | 'kernel';
  /** Of the object, by the names of their sections. */
  has(point: AttachPoint): boolean;
  /** Runs one program on one frame. A fault of the program is an exception, never an action. */
  run(point: AttachPoint, input: ExecutorInput): ExecutorOutput | Refusal;
  /** The number that programs know an interface of the host by; undefined for one that isn't there. */
  interfaceIndex(name: string): number | undefined;
  /** Writes one entry of a map. */
  update(map: string, key: Uint8Array, value: Uint8Array): void;
  /** A single-entry array map's value as it stands: the same memory on every call, so read it after each run. */
  value(map: string): Uint8Array;
  /** All entries of a map, keys and values copied: for counters, after a run. */
  entries(map: string): { readonly key: Uint8Array; readonly value: Uint8Array }[];
  /** Records of a ring buffer since the last call, oldest first, copied. */
  drain(map: string): Uint8Array[];
  close(): void;
}

export function isRefusal(answer: ExecutorOutput | Refusal): answer is Refusal {
  return 'refused' in answer;
}
