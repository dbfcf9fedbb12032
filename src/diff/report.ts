// SPDX-License-Identifier: Apache-2.0
// What a verification found: plain data, the same bytes for the same input. Schema: schemas/verify.json.
import type { RunnerName } from '../replay/runner.js';
import type { RuleReference, VerdictRecord } from '../replay/verdict.js';
import type { ComparedField, Outcome } from './compare-records.js';

/** One packet with what both sides said. */
export interface PacketEvidence {
  readonly index: number;
  /** Nanoseconds since the epoch, decimal: JSON numbers are too short. */
  readonly timestampNs: string;
  readonly interface?: string;
  /** Decoded headers in one line. */
  readonly packet: string;
  /** Hex of the frame, at most 256 bytes of it. */
  readonly frame: string;
  readonly left: VerdictRecord;
  readonly right: VerdictRecord;
}

/** All packets that differ in the same way between the same two rules. */
export interface Cause {
  readonly fields: readonly ComparedField[];
  readonly left: SideOfCause;
  readonly right: SideOfCause;
  readonly packets: number;
  readonly first: PacketEvidence;
}

export interface SideOfCause {
  readonly verdict: string;
  readonly rule?: RuleReference;
  /** The rule as the dump has it. */
  readonly text?: string;
  /** The dump, where `rule` has a line. */
  readonly file?: string;
}

/** Packets that were not compared, by reason. */
export interface Apart {
  readonly outcome: Exclude<Outcome, 'equal' | 'different'>;
  readonly reason: string;
  readonly packets: number;
  readonly first: PacketEvidence;
}

export interface CoveredRule {
  readonly family: 'ipv4' | 'ipv6';
  readonly table: string;
  readonly chain: string;
  readonly number: number;
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

export interface Coverage {
  /** Rules that a packet can get to: in chains that a built-in chain reaches. */
  readonly live: number;
  /** Live rules that at least one packet met on the left. */
  readonly hit: number;
  readonly missed: readonly CoveredRule[];
}

export interface VerifyReport {
  readonly report: 'verify';
  readonly version: 1;
  /** True without a difference. */
  readonly same: boolean;
  readonly left: RunnerName;
  readonly right: RunnerName;
  readonly captures: readonly string[];
  readonly packets: number;
  readonly counts: Readonly<Record<Outcome, number>>;
  /** Most packets first, then by first packet. */
  readonly causes: readonly Cause[];
  readonly apart: readonly Apart[];
  readonly coverage: Coverage;
  readonly waivers: readonly string[];
  /** What the reader must know of this run: what wasn't compared, and why. */
  readonly notes: readonly string[];
}
