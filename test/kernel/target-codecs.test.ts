// SPDX-License-Identifier: Apache-2.0
// The recorded answers of test/ruleset/target-codecs.test.ts against the iptables installed here.
// RECORD=1 writes them anew.
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { askIptables, oracleMissing } from '../corpus/iptables-oracle.js';
import { SETS_TEXT, TARGET_ROWS } from '../ruleset/target-rows.js';

const FILE = new URL('../ruleset/target-rows.recorded.json', import.meta.url);
const missing = oracleMissing();

test('iptables 1.8.9 answers the target rows as recorded', (context) => {
  if (missing !== undefined) return context.skip(missing);
  const prepare = SETS_TEXT.trim()
    .split('\n')
    .map((line) => `ipset ${line}`)
    .join('; ');
  const answers = askIptables(TARGET_ROWS, prepare);
  const live: Record<string, string | null> = {};
  for (const [i, row] of TARGET_ROWS.entries()) {
    const answer = answers[i]!;
    if (answer.message.includes('missing kernel module')) continue;
    live[row.name] = answer.accepted ? answer.saved.join('\n') : null;
  }
  if (process.env['RECORD'] === '1') writeFileSync(FILE, JSON.stringify(live, null, 2) + '\n');
  expect(live).toEqual(JSON.parse(readFileSync(FILE, 'utf8')));
});
