// SPDX-License-Identifier: Apache-2.0
// What ipt2ebpf makes of the target rows, in the form of iptables' own answers.
import { parseSaveFile } from '../../grammar/index.js';
import { DEBIAN_NAMES } from '../../src/net/name-services.js';
import { readSets } from '../../src/ruleset/ipset/sets-builder.js';
import { printCanonicalRule } from '../../src/ruleset/print.js';
import { resolve } from '../../src/ruleset/resolve/resolve.js';
import { SETS_TEXT, type TargetRow } from './target-rows.js';

const { sets } = readSets([{ name: 'sets', text: SETS_TEXT }], DEBIAN_NAMES);

/** The saved form, or undefined when the row is refused. A set that is absent is refused, as iptables does. */
export function readRow(row: TargetRow): string | undefined {
  const text = `*${row.table}\n${row.lines.join('\n')}\nCOMMIT\n`;
  const parsed = parseSaveFile({ name: 'row', text }, { family: row.family });
  const resolved = resolve({ files: [parsed.file], sets, names: DEBIAN_NAMES });
  const refused = [...parsed.diagnostics, ...resolved.diagnostics].some(
    ({ severity }) => severity === 'error',
  );
  if (refused) return undefined;
  const context = { family: row.family, names: DEBIAN_NAMES };
  return resolved.ruleset.rules.map((rule) => printCanonicalRule(rule, context)).join('\n');
}
