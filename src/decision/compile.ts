// SPDX-License-Identifier: Apache-2.0
// Model -> decision table: header, routing diagrams and both families' chains in one flat array.
import { earlyFamily } from '../model/early.js';
import type { Model, PhaseName } from '../model/model.js';
import { crcWords, sctpTransitionWords, tcpTransitionWords } from '../program/conntrack-constants.js';
import { FAMILY_INDEX } from '../program/layout.js';
import { HEADER, PHASE, WANT } from '../program/table-format.js';
import { FamilyCompiler } from './family-compiler.js';
import type { FamilyCost } from './family-compiler.js';
import { Table } from './table.js';

export interface CompiledTable {
  /** Padded to a power of two. */
  readonly bytes: Uint8Array;
  /** Words in use. */
  readonly words: number;
  readonly costs: Readonly<Record<string, FamilyCost>>;
}

const PHASE_INDEX: Readonly<Record<PhaseName, number>> = {
  preroutingRaw: PHASE.values.PREROUTING_RAW,
  prerouting: PHASE.values.PREROUTING,
  input: PHASE.values.INPUT,
  forward: PHASE.values.FORWARD,
  outputRaw: PHASE.values.OUTPUT_RAW,
  output: PHASE.values.OUTPUT,
};

export interface CompileOptions {
  /** With chains for XDP (model/early.ts). */
  readonly early?: boolean;
}

/** Throws TableRefusal when some part cannot be held at bounded cost. */
export function compileModel(model: Model, options: CompileOptions = {}): CompiledTable {
  const table = new Table();
  const header = HEADER.values;
  const costs: Record<string, FamilyCost> = {};
  let track = 0;
  for (const family of model.families) {
    const index = FAMILY_INDEX[family.family];
    // What lets a packet through is said by the table that filters; without one, by the last table.
    const filters = Object.keys(family.chains).some(isFilterChain);
    const compiler = new FamilyCompiler(table, family, model.hz, (key) => !filters || isFilterChain(key));
    table.set(header.ROUTE + index, compiler.writeRoute());
    table.set(header.UNANSWERED + index, compiler.writeUnanswered());
    const { entries, cost } = compiler.compile();
    for (const [phase, list] of Object.entries(entries)) {
      table.set(header.ENTRY + index * 8 + PHASE_INDEX[phase as PhaseName], list);
    }
    costs[family.family] = cost;
    const early = options.early === true ? earlyFamily(family).family : undefined;
    if (early !== undefined) {
      const { entries: lists } = new FamilyCompiler(table, early, model.hz, () => true).compile();
      table.set(header.ENTRY + index * 8 + PHASE.values.EARLY, lists['preroutingRaw']!);
    }
    if (family.tracked) track |= 1 << index;
  }
  table.set(header.SOURCES, table.append(model.sources.map((address) => address >>> 0)));
  table.set(header.TRACK, track);
  table.set(header.SCTP_NEXT, table.append(sctpTransitionWords()));
  table.set(header.CRC, table.append(crcWords()));
  model.timeouts.forEach((jiffies, i) => table.set(header.TIMEOUT + i, jiffies));
  tcpTransitionWords().forEach((word, i) => table.set(header.TCP_NEXT + i, word));
  table.set(
    header.WANTS,
    (model.tcpOptions.length > 0 ? WANT.values.TCP_OPTIONS : 0) |
      (model.wantsTuple ? WANT.values.TUPLE : 0) |
      (model.wantsExpires ? WANT.values.EXPIRES : 0),
  );
  model.tcpOptions.forEach((kind, k) => {
    const address = header.TCP_OPTIONS + (k >> 2);
    table.set(address, (table.get(address) | (kind << (8 * (k & 3)))) >>> 0);
  });
  return { bytes: table.finish(), words: table.length, costs };
}

function isFilterChain(key: string): boolean {
  return key.startsWith('filter:');
}
