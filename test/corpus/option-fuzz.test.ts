// SPDX-License-Identifier: Apache-2.0
// Random options of every extension: taken, refused and saved as the installed iptables 1.8.9 does.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DATA_FOLDER, missingData } from './data-folder.js';
import { agrees, readRow } from './extension-rows.js';
import { askIptables, oracleMissing } from './iptables-oracle.js';
import { knownArguments, randomRows } from './option-fuzz.js';

const FOLDER = 'xtables-tests/extensions';
const missing = missingData(FOLDER) ?? oracleMissing();
const ROWS = 2000;

describe.skipIf(missing !== undefined)(`random options (${missing ?? 'judge found'})`, () => {
  it.each([1, 2])('seed %i', (seed) => {
    const rows = randomRows(ROWS, seed, knownArguments(join(DATA_FOLDER, FOLDER)));
    const asked = askIptables(rows.map(({ family, table, rule }) => ({ family, table, lines: [rule] })));
    expect(asked.filter(({ accepted }) => accepted).length).toBeGreaterThan(ROWS / 5);
    const wrong = rows.flatMap((row, i) => {
      const { accepted, saved, message } = asked[i]!;
      const answer = readRow(row);
      if (agrees(answer, accepted ? saved.join('\n') : undefined)) return [];
      return [
        { rule: `${row.family} ${row.table} ${row.rule}`, answer, iptables: accepted ? saved : message },
      ];
    });
    expect(wrong).toEqual([]);
  });
});
