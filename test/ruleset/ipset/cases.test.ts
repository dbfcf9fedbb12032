// SPDX-License-Identifier: Apache-2.0
// ipset saves against what the kernel (6.18, ipset 7.17) made of them, as recorded: null where it refused.
// Compared are the members; create options are the kernel's defaults there and only those given here.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DEBIAN_NAMES } from '../../../src/net/name-services.js';
import { printSets } from '../../../src/ruleset/ipset/print.js';
import { readSets } from '../../../src/ruleset/ipset/sets-builder.js';
import { IPSET_CASES, normalSave } from './cases.js';

const recorded = JSON.parse(readFileSync(new URL('cases.recorded.json', import.meta.url), 'utf8')) as Record<
  string,
  string[] | null
>;

const members = (lines: readonly string[]): string[] => lines.filter((line) => line.startsWith('add '));

for (const text of IPSET_CASES) {
  test(text.trim().replaceAll('\n', '; '), () => {
    const expected = recorded[text];
    const { sets, diagnostics } = readSets([{ name: 'case', text }], DEBIAN_NAMES);
    const errors = diagnostics.filter(({ severity }) => severity === 'error');
    expect(errors.length > 0).toBe(expected === null);
    if (expected === null || expected === undefined) {
      expect(errors.every(({ span, lineText }) => span !== undefined && lineText !== undefined)).toBe(true);
      return;
    }
    const printed = normalSave([...printSets(sets, DEBIAN_NAMES)].join(''));
    const plain = (line: string): string => line.replace(/ packets 0 bytes 0/, '');
    expect(members(printed).map(plain)).toEqual(members(expected).map(plain));
  });
}
