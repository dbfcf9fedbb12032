// SPDX-License-Identifier: Apache-2.0
// `print --canonical` against what iptables-legacy-save printed after loading the same dump.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSaveFile } from '../../grammar/index.js';
import { DEBIAN_NAMES } from '../../src/net/name-services.js';
import { printCanonical } from '../../src/ruleset/print.js';
import { resolve } from '../../src/ruleset/resolve/resolve.js';
import { DATA_FOLDER, missingData } from './data-folder.js';
import { dumps, readDump } from './dumps.js';

const missing = missingData('canonical');

/** Comments, counters and blank lines aside. */
function comparable(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace(/^(:.*) \[\d+:\d+\]$/, '$1').replace(/^\[\d+:\d+\] /, ''));
}

describe.skipIf(missing !== undefined)(`canonical text of real dumps (${missing ?? 'data found'})`, () => {
  const accepted = missing === undefined ? dumps().filter((dump) => dump.accepted) : [];

  it('has the 93 dumps that iptables takes', () => {
    expect(accepted).toHaveLength(93);
  });

  for (const { path, family } of accepted) {
    it(path, () => {
      const expected = join('canonical', `${path.slice('rulesets/'.length)}.legacy-save`);
      expect(existsSync(join(DATA_FOLDER, expected))).toBe(true);
      const parsed = parseSaveFile({ name: path, text: readDump(path) });
      expect(parsed.file.family).toBe(family);
      const { ruleset } = resolve({ files: [parsed.file], sets: new Map(), names: DEBIAN_NAMES });
      const printed = printCanonical(ruleset[family]!, DEBIAN_NAMES);
      expect(comparable(printed)).toEqual(comparable(readDump(expected)));
    });
  }
});
