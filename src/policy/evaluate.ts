// SPDX-License-Identifier: Apache-2.0
// What a policy model means: the first statement that holds decides, else the tier's default. Statements are made
// ready once (text to ranges); nothing is reordered or merged.
import type { AddressRange, AddressWords } from '../net/address.js';
import { compareAddresses } from '../net/address.js';
import type { Family } from '../net/family.js';
import type { NumberRange } from '../net/range.js';
import { inRange } from '../net/range.js';
import { CT_FIELD, FIELD } from '../model/fields.js';
import type { InterfaceIds } from '../model/model.js';
import { STATE } from '../program/layout.js';
import type { InventoryEntry } from './inventory.js';
import { LabelBook } from './labels.js';
import type { Addresses, Condition, FamilyPolicy, Interfaces, Statement, Tier } from './model.js';
import { parseFieldWord } from './field-names.js';
import { mergeAddresses, parseAddressWord, parseIcmp, parseProtocol, parseRange } from './words.js';

/** A packet's vector (src/model/fields.ts), with IIF and OIF by the same interface ids. */
export type Facts = Uint32Array;
type Test = (facts: Facts) => boolean;

export interface TierOutcome {
  readonly verdict: 'allow' | 'deny' | 'undecided';
  /** Undefined for the default. */
  readonly statement: Statement | undefined;
}

/** Judges packets of one tier. `mark` and `untrack` statements write to the facts and go on. */
export function readTier(
  tier: Tier,
  policy: FamilyPolicy,
  interfaces: InterfaceIds,
  inventory: readonly InventoryEntry[] = [],
): (facts: Facts) => TierOutcome {
  const reader = new Reader(policy.family, policy.lists, interfaces, new LabelBook({ entries: inventory }));
  const statements = tier.statements.map((statement) => ({
    statement,
    when: statement.when.map((condition) => reader.test(condition)),
    except: (statement.except ?? []).map((condition) => reader.test(condition)),
  }));
  return (facts) => {
    for (const { statement, when, except } of statements) {
      if (!when.some((test) => test(facts)) || except.some((test) => test(facts))) continue;
      const { action } = statement;
      switch (action.kind) {
        case 'allow':
        case 'deny':
        case 'undecided':
          return { verdict: action.kind, statement };
        case 'mark':
          facts[FIELD.MARK] = (facts[FIELD.MARK]! & ~Number(action.mask)) ^ Number(action.value);
          break;
        case 'untrack':
          if (facts[FIELD.CT] === STATE.values.INVALID) facts[FIELD.CT] = STATE.values.UNTRACKED;
      }
    }
    return { verdict: tier.default, statement: undefined };
  };
}

class Reader {
  private readonly lists = new Map<string, Test>();

  constructor(
    private readonly family: Family,
    private readonly definitions: FamilyPolicy['lists'],
    private readonly interfaces: InterfaceIds,
    private readonly book: LabelBook,
  ) {}

  test(condition: Condition): Test {
    const tests: Test[] = [];
    const { source, destination, protocols, sourcePorts, destinationPorts, icmpTypes, states } = condition;
    if (protocols) tests.push(within(FIELD.PROTO, protocols.map(parseProtocol)));
    if (sourcePorts ?? destinationPorts ?? icmpTypes) tests.push((facts) => facts[FIELD.FRAG] === 0);
    if (destinationPorts) tests.push(within(FIELD.DPORT, destinationPorts.map(parseRange)));
    if (sourcePorts) tests.push(within(FIELD.SPORT, sourcePorts.map(parseRange)));
    if (icmpTypes) tests.push(within(FIELD.SPORT, icmpTypes.map(parseIcmp)));
    if (condition.inInterface) tests.push(this.interfaceTest(FIELD.IIF, condition.inInterface));
    if (condition.outInterface) tests.push(this.interfaceTest(FIELD.OIF, condition.outInterface));
    if (states) {
      const values = states.map((state) => STATE.values[state as keyof typeof STATE.values]);
      tests.push((facts) =>
        values.includes((facts[FIELD.CT]! & CT_FIELD.STATE_MASK) as (typeof values)[number]),
      );
    }
    if (source) tests.push(this.addressTest(FIELD.SRC0, source));
    if (destination) tests.push(this.addressTest(FIELD.DST0, destination));
    for (const [word, values] of Object.entries(condition.fields ?? {})) {
      const { field, mask } = parseFieldWord(word);
      const ranges = values.map(parseRange);
      tests.push((facts) => ranges.some((range) => inRange((facts[FIELD[field]]! & mask) >>> 0, range)));
    }
    for (const name of condition.lists ?? []) tests.push(this.list(name));
    for (const name of condition.notLists ?? []) {
      const listed = this.list(name);
      tests.push((facts) => !listed(facts));
    }
    return (facts) => tests.every((test) => test(facts));
  }

  private list(name: string): Test {
    let test = this.lists.get(name);
    if (test === undefined) {
      const conditions = this.definitions[name]!.map((condition) => this.test(condition));
      this.lists.set(name, (test = (facts) => conditions.some((each) => each(facts))));
    }
    return test;
  }

  private addressTest(slot: number, addresses: Addresses): Test {
    const isIn = 'in' in addresses;
    const words = isIn ? addresses.in : addresses.notIn;
    const labelled = (addresses.labels ?? []).flatMap((labels) => this.book.extent(labels, this.family));
    const written = words.map((word) => parseAddressWord(word, this.family)!);
    const ranges = mergeAddresses([...written, ...labelled]);
    const count = this.family === 'ipv4' ? 1 : 4;
    return (facts) =>
      holdsAddress(ranges, facts.subarray(slot, slot + count) as unknown as AddressWords) === isIn;
  }

  /** Ids 0 and 1 stand for no interface, and one that is not known. */
  private interfaceTest(slot: number, interfaces: Interfaces): Test {
    const isIn = 'in' in interfaces;
    const ids = (isIn ? interfaces.in : interfaces.notIn).flatMap((name) =>
      name === '-' ? [0, 1] : [this.interfaces[name]!],
    );
    return (facts) => ids.includes(facts[slot]!) === isIn;
  }
}

function within(slot: number, ranges: readonly NumberRange[]): Test {
  return (facts) => ranges.some((range) => inRange(facts[slot]!, range));
}

/** Binary search in sorted ranges that lie apart. */
function holdsAddress(ranges: readonly AddressRange[], address: AddressWords): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareAddresses(ranges[middle]!.last, address) < 0) low = middle + 1;
    else high = middle;
  }
  return low < ranges.length && compareAddresses(ranges[low]!.first, address) <= 0;
}
