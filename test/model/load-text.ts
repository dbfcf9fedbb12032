// SPDX-License-Identifier: Apache-2.0
// A dump in a string as a ruleset, for tests: an error of reading fails the test.
import { parseSaveFile } from '../../grammar/index.js';
import { DEBIAN_NAMES } from '../../src/net/name-services.js';
import { readSets } from '../../src/ruleset/ipset/sets-builder.js';
import { resolve } from '../../src/ruleset/resolve/resolve.js';
import type { Ruleset } from '../../src/ruleset/ruleset.js';

export function loadText(rules: string, ipset = ''): Ruleset {
  const parsed = parseSaveFile({ name: 'rules', text: rules }, {});
  const sets = readSets(ipset === '' ? [] : [{ name: 'ipset', text: ipset }], DEBIAN_NAMES);
  const { ruleset, diagnostics } = resolve({ files: [parsed.file], sets: sets.sets, names: DEBIAN_NAMES });
  const errors = [...parsed.diagnostics, ...sets.diagnostics, ...diagnostics].filter(
    ({ severity }) => severity === 'error',
  );
  if (errors.length > 0)
    throw new Error(errors.map(({ message, lineText }) => `${message}: ${lineText}`).join('\n'));
  return ruleset;
}
