// SPDX-License-Identifier: Apache-2.0
// ipset saves against the real ipset and kernel: what is refused, what members stand for, and that sets
// printed by us restore to the same. Needs root, unshare(1) and ipset. RECORD=1 records the kernel's answers.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DEBIAN_NAMES } from '../../src/net/name-services.js';
import { printSets } from '../../src/ruleset/ipset/print.js';
import { readSets } from '../../src/ruleset/ipset/sets-builder.js';
import { IPSET_CASES, normalSave } from '../ruleset/ipset/cases.js';

const FILE = new URL('../ruleset/ipset/cases.recorded.json', import.meta.url);
const SCRIPT = 'ipset restore && ipset save';

function restore(text: string): { readonly accepted: boolean; readonly saved: readonly string[] } {
  const run = spawnSync('unshare', ['-n', 'sh', '-c', SCRIPT], { input: text, encoding: 'latin1' });
  return { accepted: run.status === 0, saved: normalSave(run.stdout) };
}

const probe = spawnSync('unshare', ['-n', 'ipset', 'save'], { encoding: 'latin1' });
const missing = probe.status === 0 ? undefined : `no unshare -n or no ipset here: ${probe.stderr}`;

test('the kernel answers the cases as recorded', (context) => {
  if (missing !== undefined) return context.skip(missing);
  const live = Object.fromEntries(
    IPSET_CASES.map((text) => {
      const { accepted, saved } = restore(text);
      return [text, accepted ? saved : null];
    }),
  );
  if (process.env['RECORD'] === '1') writeFileSync(FILE, JSON.stringify(live, null, 1) + '\n');
  expect(live).toEqual(JSON.parse(readFileSync(FILE, 'utf8')));
});

test('printed sets restore to the same', (context) => {
  if (missing !== undefined) return context.skip(missing);
  for (const text of IPSET_CASES) {
    const before = restore(text);
    if (!before.accepted) continue;
    const printed = [...printSets(readSets([{ name: 'case', text }], DEBIAN_NAMES).sets, DEBIAN_NAMES)].join(
      '',
    );
    expect(restore(printed), text).toEqual(before);
  }
});
