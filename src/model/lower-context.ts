// SPDX-License-Identifier: Apache-2.0
// What lowering a match may ask: the host, sets, and dimensions beyond the packet's own fields.
import type { Stack } from '../host/stack.js';
import type { MaskedAddress } from '../net/address.js';
import type { Family } from '../net/family.js';
import type { InterfacePattern } from '../net/interface-pattern.js';
import type { IpSet } from '../ruleset/sets.js';
import type { Boxes } from './box.js';
import type { FieldName } from './fields.js';

export interface LowerContext {
  readonly family: Family;
  readonly stack: Stack;
  readonly sets: ReadonlyMap<string, IpSet>;
  /** field & mask equals `value`: a range where the mask is a prefix, else a derived dimension. */
  masked(field: FieldName, mask: number, value: number): Boxes;
  maskedAddress(which: 'SRC' | 'DST' | 'OSRC' | 'ODST', masked: MaskedAddress): Boxes;
  /** The boxes as one derived dimension, where they are too many to stand in every rule that asks. */
  member(note: string, boxes: Boxes): Boxes;
  interfaces(key: 'IIF' | 'OIF', pattern: InterfacePattern): Boxes;
  /** All interfaces that have an id, by name. */
  interfaceNames(): ReadonlyMap<string, number>;
  /** Index of a new token bucket. */
  nextLimit(): number;
  /** Bit of field TCPOPT for an option kind. */
  tcpOption(kind: number): number;
}

/** A rule cannot be lowered although its fidelity promises it: named, with the rule. */
export class LoweringRefusal extends Error {
  constructor(
    message: string,
    /** Set by the caller that knows the rule. */
    readonly rule?: number,
  ) {
    super(message);
    this.name = 'LoweringRefusal';
  }
}
