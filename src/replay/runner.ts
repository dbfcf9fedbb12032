// SPDX-License-Identifier: Apache-2.0
// A runner decides packets: `rules` (reference evaluator), `vm`, `kernel` (the compiled object),
// `netfilter` (the real iptables in a namespace), `netfilter-bpf` (netfilter programs in its place). State (conntrack, limits) lives from open to close.
import type { ReplayPacket } from '../packet/packet.js';
import type { VerdictRecord } from './verdict.js';

export type RunnerName = 'rules' | 'vm' | 'kernel' | 'netfilter' | 'netfilter-bpf';

export interface Runner {
  readonly name: RunnerName;
  /** Decides a batch in order: one record per packet, same order. */
  run(batch: readonly ReplayPacket[]): Promise<VerdictRecord[]>;
  close(): Promise<void>;
}
