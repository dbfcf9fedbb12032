// SPDX-License-Identifier: Apache-2.0
// One family's chains as lists and records in the table. Chains are written callees first; inside a chain
// stretches are written last first, so that every address is known when it is needed.
import { and } from '../model/box.js';
import { FIELD, FIELD_SLOTS, FIRST_DERIVED } from '../model/fields.js';
import type { FieldName } from '../model/fields.js';
import type { Action, Derived, Entry, FamilyModel, ModelChain, Test } from '../model/model.js';
import { LOG_PREFIX_BYTES, REJECT_KIND } from '../program/layout.js';
import {
  LEAF,
  MAX_DEPTH,
  MAX_RECORDS,
  MAX_WALK,
  OP,
  RECORD_FLAG,
  ROUTE,
  TEST_LEAF,
} from '../program/table-format.js';
import { callOrder, chainFacts, entryKeys, fieldsRead, isFinal } from './chains.js';
import type { ChainFacts } from './chains.js';
import { buildClassifier } from './classifier.js';
import type { Item } from './diagram.js';
import { newLimitBucket } from '../ruleset/matches/limit.js';
import { TableRefusal } from './refusal.js';
import type { Table } from './table.js';

const op = OP.values;

/** A list under construction: record addresses, and the records executed at most before the list is left. */
interface Tail {
  readonly records: readonly number[];
  readonly steps: number;
}

interface WrittenChain {
  readonly list: number;
  readonly steps: number;
}

/** What the compiler tells about a family's table, for reports. */
export interface FamilyCost {
  readonly chains: number;
  readonly classifiers: number;
  readonly partitioned: number;
  /** Nodes on the longest walk of any lookup. */
  readonly deepestWalk: number;
  /** Records executed at most, by phase. */
  readonly steps: Readonly<Record<string, number>>;
}

export class FamilyCompiler {
  private readonly facts = new Map<string, ChainFacts>();
  private readonly written = new Map<string, WrittenChain>();
  private readonly slots = new Map<string, number>();
  private readonly lists = new Map<string, number>();
  private classifiers = 0;
  private partitioned = 0;
  private deepestWalk = 0;

  constructor(
    private readonly table: Table,
    private readonly model: FamilyModel,
    private readonly hz: number,
    private readonly isDeciding: (chainKey: string) => boolean,
  ) {
    const derived = Object.keys(model.derived);
    if (derived.length > FIELD_SLOTS - FIRST_DERIVED) {
      throw new TableRefusal(
        model.family,
        `${derived.length} different masks and large sets are tested; a program has room for ${FIELD_SLOTS - FIRST_DERIVED}`,
      );
    }
    derived.forEach((key, index) => this.slots.set(key, FIRST_DERIVED + index));
  }

  /** Writes everything; returns the entry list of each phase. */
  compile(): { readonly entries: Readonly<Record<string, number>>; readonly cost: FamilyCost } {
    const bases = new Set(Object.values(this.model.phases).flat());
    for (const key of callOrder(this.model)) {
      const chain = this.model.chains[key]!;
      const facts = chainFacts(chain, this.facts);
      if (facts.depth > MAX_DEPTH) {
        throw new TableRefusal(key, `jumps nest ${facts.depth} deep; a program follows ${MAX_DEPTH}`);
      }
      this.facts.set(key, facts);
      if (!bases.has(key)) this.written.set(key, this.writeUserChain(chain));
    }
    const entries: Record<string, number> = {};
    const steps: Record<string, number> = {};
    for (const [phase, keys] of Object.entries(this.model.phases)) {
      let next = 0;
      let total = 0;
      for (const key of keys.toReversed()) {
        const base = this.writeBaseChain(this.model.chains[key]!, next);
        next = base.list;
        total += base.steps;
      }
      if (total > MAX_RECORDS) {
        throw new TableRefusal(
          `${this.model.family}/${phase}`,
          `a packet may take ${total} steps from chain to chain; a program follows ${MAX_RECORDS}`,
        );
      }
      entries[phase] = next;
      steps[phase] = total;
    }
    const cost = {
      chains: this.facts.size,
      classifiers: this.classifiers,
      partitioned: this.partitioned,
      deepestWalk: this.deepestWalk,
      steps,
    };
    return { entries, cost };
  }

  /** The diagram that says where a received packet goes: leaves are ROUTE_*. */
  writeRoute(): number {
    const items: Item[] = this.model.route.flatMap(({ boxes, to }) => {
      const candidate = to === 'local' ? ROUTE.values.LOCAL : ROUTE.values.DROP;
      return boxes.map((box) => ({ candidate, final: true, box }));
    });
    items.push({ candidate: ROUTE.values.FORWARD, final: true, box: [] });
    return this.writeSingle(items, `${this.model.family} routing`, (leaf) => leaf[0]!);
  }

  /** The diagram of packets that no ICMP error answers. */
  writeUnanswered(): number {
    const items: Item[] = this.model.unanswered.map((box) => ({ candidate: 1, final: true, box }));
    items.push({ candidate: 0, final: true, box: [] });
    return this.writeSingle(items, `${this.model.family} errors refused`, (leaf) => leaf[0]!);
  }

  private slotOf(key: string): number {
    return this.slots.get(key) ?? FIELD[key as FieldName];
  }

  private writeUserChain(chain: ModelChain): WrittenChain {
    const end = this.table.append([op.RETURN, chain.end]);
    return this.writeEntries(chain, { records: [end], steps: 1 });
  }

  private writeBaseChain(chain: ModelChain, next: number): WrittenChain {
    const verdict = chain.policy === 'ACCEPT' ? op.ACCEPT : op.DROP;
    const record = this.table.append([
      verdict | RECORD_FLAG.values.POLICY | this.decides(chain.key),
      chain.end,
    ]);
    const policyList = this.list([record]);
    const body = this.writeEntries(chain, { records: [record], steps: 1 });
    const base = this.table.append([op.BASE, policyList, next, body.list]);
    return { list: this.list([base]), steps: body.steps + 2 };
  }

  /** Whether the chain's verdict is what a packet let through is known by. */
  private decides(chainKey: string): number {
    return this.isDeciding(chainKey) ? RECORD_FLAG.values.DECIDES : 0;
  }

  /** Stretches end where a field changes that later entries read. */
  private writeEntries(chain: ModelChain, end: Tail): WrittenChain {
    const { entries } = chain;
    const cuts: number[] = [];
    for (let i = 0; i + 1 < entries.length; i++) {
      const changes = this.changesOf(entries[i]!);
      if (changes.size === 0) continue;
      const readsLater = entries
        .slice(i + 1)
        .some((entry) => entryKeys(entry).some((key) => this.reads(key, changes)));
      if (readsLater) cuts.push(i + 1);
    }
    let tail = end;
    let stop = entries.length;
    for (const cut of [...cuts.toReversed(), 0]) {
      tail = this.writeStretch(chain, entries.slice(cut, stop), tail);
      stop = cut;
    }
    return { list: this.list(tail.records), steps: tail.steps };
  }

  private changesOf(entry: Entry): ReadonlySet<string> {
    const { action } = entry;
    if (action.kind === 'mark') return new Set(['MARK']);
    if (action.kind === 'notrack') return new Set(['CT']);
    return action.kind === 'jump' ? this.facts.get(action.chain)!.changes : new Set();
  }

  private reads(key: string, fields: ReadonlySet<string>): boolean {
    return fieldsRead(key, this.model.derived).some((field) => fields.has(field));
  }

  /** Records that compute the derived dimensions of a stretch, then its lookup. */
  private writeStretch(chain: ModelChain, entries: readonly Entry[], tail: Tail): Tail {
    if (entries.length === 0) return tail;
    const lookup = this.writeLookup(chain, entries, tail);
    const needed = new Set(entries.flatMap(entryKeys).filter((key) => this.model.derived[key] !== undefined));
    const prefix = [...needed].sort().flatMap((key) => this.writeDerived(this.model.derived[key]!));
    return { records: [...prefix, ...lookup.records], steps: prefix.length + lookup.steps };
  }

  private readonly derivedRecords = new Map<string, readonly number[]>();

  private writeDerived(derived: Derived): readonly number[] {
    let records = this.derivedRecords.get(derived.key);
    if (records !== undefined) return records;
    const slot = this.slotOf(derived.key);
    if (derived.kind === 'masked') {
      records = [this.table.append([op.MASK, slot, FIELD[derived.field], derived.mask])];
    } else {
      const items: Item[] = derived.boxes.map((box) => ({ candidate: 1, final: true, box }));
      const root = this.writeSingle(
        [...items, { candidate: 0, final: true, box: [] }],
        derived.note,
        (leaf) => leaf[0]!,
      );
      records = [this.table.append([op.FIELD, slot, root])];
    }
    this.derivedRecords.set(derived.key, records);
    return records;
  }

  private writeLookup(chain: ModelChain, entries: readonly Entry[], tail: Tail): Tail {
    const items: Item[] = [];
    const candidates: { readonly record: number; readonly steps: number; readonly final: boolean }[] = [];
    for (const entry of entries) this.addCandidates(chain, entry, items, candidates);
    const classifier = buildClassifier(items, entries.length < 16);
    if (classifier === undefined) {
      if (entries.length === 1) {
        throw new TableRefusal(chain.key, `rule ${entries[0]!.rule} alone is too large for a table`);
      }
      const middle = entries.length >> 1;
      const second = this.writeLookup(chain, entries.slice(middle), tail);
      return this.writeLookup(chain, entries.slice(0, middle), second);
    }
    this.classifiers++;
    let steps = 0;
    const leafList = (leaf: readonly number[]): number => {
      const chosen = leaf.map((candidate) => candidates[candidate]!);
      const ends = chosen[chosen.length - 1]?.final ?? false;
      const own = chosen.reduce((sum, each) => sum + each.steps, 0);
      steps = Math.max(steps, own + (ends ? 0 : tail.steps));
      return this.list([...chosen.map((each) => each.record), ...(ends ? [] : tail.records)]);
    };
    if (classifier.kind === 'single') {
      const root = this.pack(classifier.diagrams[0]!, leafList, chain.key);
      // A stretch that needs no test at all is its list.
      if (root >= LEAF) return { records: this.listRecords.get(root - LEAF)!, steps };
      return { records: [this.table.append([op.LOOKUP, root])], steps: steps + 1 };
    }
    this.partitioned++;
    // Lists in rule order, so that the smallest address is the first match; no match is the largest.
    const ordered = candidates.map((each) => {
      steps = Math.max(steps, each.steps);
      return this.freshList([each.record]);
    });
    const none = this.freshList(tail.records);
    steps = Math.max(steps, tail.steps);
    const parts = classifier.diagrams
      .map((diagram) => ({
        root: this.pack(diagram, (leaf) => (leaf.length === 0 ? none : ordered[leaf[0]!]!), chain.key),
        first: Math.min(...diagram.leaves.flat().map((candidate) => ordered[candidate]!)),
      }))
      .sort((a, b) => a.first - b.first);
    const record = this.table.append([
      op.PARTS,
      parts.length,
      none,
      ...parts.flatMap((part) => [part.root, part.first]),
    ]);
    return { records: [record], steps: steps + 1 };
  }

  /** A rule's candidates: dropping inside a match, then matching. */
  private addCandidates(
    chain: ModelChain,
    entry: Entry,
    items: Item[],
    candidates: { record: number; steps: number; final: boolean }[],
  ): void {
    const firstLimit = entry.tests.findIndex((test) => test.kind === 'limit');
    const statics = (firstLimit < 0 ? entry.tests : entry.tests.slice(0, firstLimit)).filter(isStatic);
    let match = and();
    const hotdrop = statics.flatMap((test) => {
      const boxes = and(match, test.hotdrop);
      match = and(match, test.match);
      return boxes;
    });
    if (hotdrop.length > 0) {
      const candidate = candidates.push({
        record: this.table.append([op.HOTDROP, entry.rule]),
        steps: 1,
        final: true,
      });
      for (const box of hotdrop) items.push({ candidate: candidate - 1, final: true, box });
    }
    if (match.length === 0) return;
    const final = isFinal(entry, this.facts);
    const action = this.writeAction(chain, entry);
    let { record, steps } = action;
    if (firstLimit >= 0) ({ record, steps } = this.writeTests(entry, entry.tests.slice(firstLimit), action));
    const candidate = candidates.push({ record, steps, final }) - 1;
    for (const box of match) items.push({ candidate, final, box });
  }

  /** From the first stateful test on, tests are records that lead to each other. */
  private writeTests(
    entry: Entry,
    tests: readonly Test[],
    action: { readonly record: number; readonly steps: number },
  ): { record: number; steps: number } {
    let { record, steps } = action;
    for (const test of tests.toReversed()) {
      steps++;
      if (test.kind === 'limit') {
        const { average, burst } = test;
        const { cost, capacity, perJiffy } = newLimitBucket({ kind: 'limit', average, burst }, this.hz, 0);
        record = this.table.append([op.LIMIT, test.index, cost, capacity, perJiffy, record]);
        continue;
      }
      const items: Item[] = [
        ...test.hotdrop.map((box) => ({ candidate: TEST_LEAF.values.HOTDROP, final: true, box })),
        ...test.match.map((box) => ({ candidate: TEST_LEAF.values.TRUE, final: true, box })),
        { candidate: TEST_LEAF.values.FALSE, final: true, box: [] },
      ];
      const root = this.writeSingle(items, `rule ${entry.rule}`, (leaf) => leaf[0]!);
      record = this.table.append([op.TEST, root, record, entry.rule]);
    }
    return { record, steps };
  }

  private writeSingle(
    items: readonly Item[],
    place: string,
    value: (leaf: readonly number[]) => number,
  ): number {
    const classifier = buildClassifier(items, true);
    if (classifier === undefined || classifier.kind === 'parts') {
      throw new TableRefusal(place, 'too large for a table');
    }
    return this.pack(classifier.diagrams[0]!, value, place);
  }

  private pack(
    diagram: Parameters<Table['pack']>[0],
    value: (leaf: readonly number[]) => number,
    place: string,
  ): number {
    const root = this.table.pack(diagram, (key) => this.slotOf(key), value);
    const depth = this.table.depth(root);
    if (depth > MAX_WALK) {
      throw new TableRefusal(place, `a lookup takes ${depth} steps; a program follows ${MAX_WALK}`);
    }
    this.deepestWalk = Math.max(this.deepestWalk, depth);
    return root;
  }

  private writeAction(chain: ModelChain, entry: Entry): { readonly record: number; readonly steps: number } {
    const { rule, action } = entry;
    if (action.kind === 'jump') {
      const callee = this.written.get(action.chain)!;
      const code = action.goto ? op.GOTO : op.JUMP;
      return { record: this.table.append([code, rule, callee.list]), steps: callee.steps + 1 };
    }
    return { record: this.table.append(actionWords(rule, action, this.decides(chain.key))), steps: 1 };
  }

  private readonly listRecords = new Map<number, readonly number[]>();

  private list(records: readonly number[]): number {
    const key = records.join();
    let address = this.lists.get(key);
    if (address === undefined) {
      address = this.freshList(records);
      this.lists.set(key, address);
    }
    return address;
  }

  private freshList(records: readonly number[]): number {
    const address = this.table.append(records);
    this.listRecords.set(address, records);
    return address;
  }
}

function isStatic(test: Test): test is Extract<Test, { kind: 'fields' }> {
  return test.kind === 'fields';
}

/** Words of a record without jump. */
function actionWords(rule: number, action: Exclude<Action, { kind: 'jump' }>, decides: number): number[] {
  switch (action.kind) {
    case 'accept':
      return [op.ACCEPT | decides, rule];
    case 'drop':
      return [op.DROP, rule];
    case 'reject': {
      const kind =
        REJECT_KIND.values[action.with.toUpperCase().replaceAll('-', '_') as keyof typeof REJECT_KIND.values];
      return [op.REJECT, rule, kind];
    }
    case 'return':
      return [op.RETURN, rule];
    case 'count':
      return [op.COUNT, rule];
    case 'mark':
      return [op.MARK, rule, action.and >>> 0, action.xor >>> 0];
    case 'notrack':
      return [op.NOTRACK, rule];
    case 'log':
      return [op.LOG, rule, action.level, ...prefixWords(action.prefix)];
  }
}

function prefixWords(prefix: string): number[] {
  const bytes = Buffer.alloc(LOG_PREFIX_BYTES);
  bytes.write(prefix, 0, LOG_PREFIX_BYTES - 1, 'latin1');
  return Array.from({ length: LOG_PREFIX_BYTES / 4 }, (_, i) => bytes.readUInt32LE(i * 4));
}
