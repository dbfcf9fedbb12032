// SPDX-License-Identifier: Apache-2.0
// A compiled table decides as the model does: same verdict, same rules counted, within the steps promised.
import { describe, expect, test } from 'vitest';
import { compileModel } from '../../src/decision/compile.js';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { runPhase } from '../../src/model/evaluate.js';
import { FIELD, FIELD_SLOTS } from '../../src/model/fields.js';
import type { FieldName } from '../../src/model/fields.js';
import { lower } from '../../src/model/lower.js';
import type { FamilyModel, Model, PhaseName } from '../../src/model/model.js';
import { MAX_RECORDS, MAX_WALK } from '../../src/program/table-format.js';
import { loadText } from '../model/load-text.js';
import { randomDump } from './random-ruleset.js';
import { seeded, type Random } from './random.js';
import { TableMachine } from './table-machine.js';

const PHASES = {
  preroutingRaw: 'PREROUTING_RAW',
  prerouting: 'PREROUTING',
  input: 'INPUT',
  forward: 'FORWARD',
  outputRaw: 'OUTPUT_RAW',
  output: 'OUTPUT',
} as const;

/** Values on both sides of every bound that the model tests, by field. */
function interesting(family: FamilyModel): Map<string, number[]> {
  const values = new Map<string, number[]>();
  const note = (key: string, first: number, last: number): void => {
    const derived = family.derived[key];
    if (derived?.kind === 'member') {
      for (const box of derived.boxes)
        for (const each of box) for (const r of each.ranges) note(each.key, r.first, r.last);
      return;
    }
    const field = derived === undefined ? key : derived.field;
    const list = values.get(field) ?? [];
    list.push(first, last, Math.max(0, first - 1), Math.min(0xffffffff, last + 1));
    values.set(field, list);
  };
  for (const { entries } of Object.values(family.chains)) {
    for (const { tests } of entries) {
      for (const each of tests) {
        if (each.kind !== 'fields') continue;
        for (const box of [...each.match, ...each.hotdrop]) {
          for (const { key, ranges } of box) for (const r of ranges) note(key, r.first, r.last);
        }
      }
    }
  }
  return values;
}

function randomFields(random: Random, values: ReadonlyMap<string, number[]>): Uint32Array {
  const fields = new Uint32Array(FIELD_SLOTS);
  for (const name of Object.keys(FIELD) as FieldName[]) {
    const known = values.get(name);
    if (known !== undefined && random.chance(0.9)) fields[FIELD[name]] = random.pick(known);
  }
  return fields;
}

/** Compares table and model on `packets` random vectors; returns the number of comparisons. */
function compare(model: Model, random: Random, packets: number): number {
  const machine = new TableMachine(compileModel(model).bytes);
  let compared = 0;
  for (const family of model.families) {
    const values = interesting(family);
    for (const phase of Object.keys(family.phases) as PhaseName[]) {
      for (let i = 0; i < packets; i++) {
        const fields = randomFields(random, values);
        const wishes = Array.from({ length: 64 }, () => random.chance(0.5));
        let asked = 0;
        const want = runPhase(family, phase, fields.slice(), () => wishes[asked++ % 64]!);
        asked = 0;
        const got = machine.run(
          family.family === 'ipv4' ? 0 : 1,
          PHASES[phase],
          fields,
          () => wishes[asked++ % 64]!,
        );
        expect({ verdict: got.verdict, hits: got.hits }).toEqual({ verdict: want.verdict, hits: want.hits });
        expect(got.steps).toBeLessThanOrEqual(MAX_RECORDS);
        compared++;
      }
    }
  }
  expect(machine.longestWalk).toBeLessThanOrEqual(MAX_WALK);
  return compared;
}

describe('a table decides as its model', () => {
  test.each(Array.from({ length: 40 }, (_, seed) => [seed] as const))('random ruleset %i', (seed) => {
    const random = seeded(seed);
    const dump = randomDump(random, seed % 2 === 0 ? 4 : 6);
    const model = lower(loadText(dump.rules, dump.sets), DEFAULT_HOST, { waived: new Set() });
    expect(compare(model, random, 150)).toBeGreaterThan(0);
  });

  test('a long list of mixed width is partitioned, and decides the same', () => {
    const random = seeded(7);
    const lines = ['*filter', ':INPUT DROP [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]'];
    for (let i = 0; i < 1500; i++) {
      const source = random.chance(0.6)
        ? ` -s 10.${random.below(256)}.${random.below(256)}.${random.below(256)}/32`
        : '';
      const destination = random.chance(0.5) ? ` -d 203.0.${random.below(256)}.0/24` : '';
      const first = random.below(60_000);
      lines.push(
        `-A INPUT${source}${destination} -p tcp -m tcp --dport ${first}:${first + random.below(900)} -j ${random.pick(['ACCEPT', 'DROP'])}`,
      );
    }
    lines.push('COMMIT', '');
    const model = lower(loadText(lines.join('\n'), ''), DEFAULT_HOST, { waived: new Set() });
    expect(compareSlow(model, random)).toBeGreaterThan(0);
  });
});

/** The model tries 1,500 rules one by one, so fewer packets do. */
function compareSlow(model: Model, random: Random): number {
  return compare(model, random, 60);
}
