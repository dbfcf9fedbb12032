// SPDX-License-Identifier: Apache-2.0
// iptables' own extension tests: each row is taken or refused, and saved, as the file says, or as the
// installed iptables 1.8.9 does where that differs from the file.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DATA_FOLDER, missingData } from './data-folder.js';
import { agrees, extensionRows, readRow } from './extension-rows.js';
import { askIptables, oracleMissing } from './iptables-oracle.js';

const missing = missingData('xtables-tests/extensions');
const REQUIRED = 0.97;

describe.skipIf(missing !== undefined)(`rows of xtables-tests (${missing ?? 'data found'})`, () => {
  it('agree with the file or with iptables', () => {
    const rows = extensionRows(join(DATA_FOLDER, 'xtables-tests/extensions'));
    const judged = rows.map((row) => ({ row, answer: readRow(row) }));
    const differing = judged.filter(({ row, answer }) => !agrees(answer, row.saved));
    const noJudge = oracleMissing();
    console.log(`${rows.length} rows, ${rows.length - differing.length} as the file says`);
    if (noJudge !== undefined) {
      console.log(`the other ${differing.length} were not put to iptables: ${noJudge}`);
      return;
    }
    const asked = askIptables(
      differing.map(({ row }) => ({ family: row.family, table: row.table, lines: [row.rule] })),
    );
    const left = differing.filter(({ answer }, i) => {
      const { accepted, saved } = asked[i]!;
      return !agrees(answer, accepted ? saved.join('\n') : undefined);
    });
    for (const { row, answer } of left)
      console.log(`${row.name}\n  ${'saved' in answer ? answer.saved : answer.refused}`);
    console.log(`${differing.length - left.length} as iptables 1.8.9 does, ${left.length} as neither`);
    expect(rows.length).toBeGreaterThan(2000);
    expect((rows.length - left.length) / rows.length).toBeGreaterThanOrEqual(REQUIRED);
  });
});
