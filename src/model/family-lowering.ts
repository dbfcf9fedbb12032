// SPDX-License-Identifier: Apache-2.0
// The LowerContext of one family: hands out derived dimensions, and, shared by both families, numbers of
// buckets, policies and TCP options.
import type { Stack } from '../host/stack.js';
import type { MaskedAddress } from '../net/address.js';
import type { Family } from '../net/family.js';
import type { InterfacePattern } from '../net/interface-pattern.js';
import { matchesInterface } from '../net/interface-pattern.js';
import { MAX_TCP_OPTIONS } from '../program/table-format.js';
import type { IpSet } from '../ruleset/sets.js';
import { and, EVERYTHING, NOTHING, range, where } from './box.js';
import type { Boxes } from './box.js';
import { addressField } from './fields.js';
import type { FieldName } from './fields.js';
import { LoweringRefusal } from './lower-context.js';
import type { LowerContext } from './lower-context.js';
import type { ChainEnd, Derived, InterfaceIds } from './model.js';

export class SharedNumbers {
  limits = 0;
  readonly tcpOptions: number[] = [];
  readonly policies: ChainEnd[] = [];

  constructor(private readonly ruleCount: number) {}

  nextEnd(end: ChainEnd): number {
    return this.ruleCount + this.policies.push(end) - 1;
  }
}

export class FamilyLowering implements LowerContext {
  private readonly dimensions = new Map<string, Derived>();

  constructor(
    readonly family: Family,
    readonly stack: Stack,
    readonly sets: ReadonlyMap<string, IpSet>,
    private readonly ids: InterfaceIds,
    private readonly shared: SharedNumbers,
  ) {}

  masked(field: FieldName, mask: number, value: number): Boxes {
    if ((value & ~mask) !== 0) return NOTHING;
    if (mask === 0) return EVERYTHING;
    const low = ~mask >>> 0;
    // A prefix: all ones above all zeros.
    if ((low & (low + 1)) === 0) return range(field, value >>> 0, (value | low) >>> 0);
    const key = `${field}&${(mask >>> 0).toString(16)}`;
    if (!this.dimensions.has(key)) this.dimensions.set(key, { kind: 'masked', key, field, mask: mask >>> 0 });
    return range(key, value >>> 0);
  }

  maskedAddress(which: 'SRC' | 'DST' | 'OSRC' | 'ODST', { address, mask }: MaskedAddress): Boxes {
    return and(...address.map((word, i) => this.masked(addressField(which, i), mask[i]!, word)));
  }

  member(note: string, boxes: Boxes): Boxes {
    const key = `member:${note}`;
    if (!this.dimensions.has(key)) this.dimensions.set(key, { kind: 'member', key, note, boxes });
    return range(key, 1);
  }

  interfaces(key: 'IIF' | 'OIF', pattern: InterfacePattern): Boxes {
    if (pattern.wildcard && pattern.name === '') return EVERYTHING;
    const ids = Object.entries(this.ids).filter(([name]) => matchesInterface(name, pattern));
    return where(
      key,
      ids.map(([, id]) => ({ first: id, last: id })),
    );
  }

  interfaceNames(): ReadonlyMap<string, number> {
    return new Map(Object.entries(this.ids));
  }

  nextLimit(): number {
    return this.shared.limits++;
  }

  tcpOption(kind: number): number {
    const { tcpOptions } = this.shared;
    const known = tcpOptions.indexOf(kind);
    if (known >= 0) return known;
    if (tcpOptions.length === MAX_TCP_OPTIONS) {
      throw new LoweringRefusal(`rules ask for more than ${MAX_TCP_OPTIONS} different TCP options`);
    }
    return tcpOptions.push(kind) - 1;
  }

  derived(): Readonly<Record<string, Derived>> {
    return Object.fromEntries(this.dimensions);
  }
}
