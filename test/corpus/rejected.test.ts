// SPDX-License-Identifier: Apache-2.0
// Dumps that iptables refuses as a whole: every rule that it takes is read, every other one has a message at its
// line. Old negation (`-s ! x`) is read with a warning, which is both. A rule is asked of iptables by itself; one
// that it takes so and this project does not is asked again among all rules that are read, where the kernel knows
// which hooks lead to it.
import { describe, expect, it } from 'vitest';
import { parseSaveFile } from '../../grammar/index.js';
import type { RuleNode } from '../../src/ast/nodes.js';
import { DEBIAN_NAMES } from '../../src/net/name-services.js';
import { resolve } from '../../src/ruleset/resolve/resolve.js';
import { BUILT_IN_CHAINS } from '../../src/ruleset/ruleset.js';
import { missingData } from './data-folder.js';
import { dumps, readDump, type Dump } from './dumps.js';
import { askIptables, oracleMissing, type OracleRow } from './iptables-oracle.js';

const missing = missingData('rulesets') ?? oracleMissing();

interface RuleLine {
  readonly line: number;
  readonly table: string;
  readonly text: string;
}

/** Lines that iptables-restore would take for rules. */
function ruleLines(text: string): RuleLine[] {
  const found: RuleLine[] = [];
  let table: string | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    else if (line.startsWith('COMMIT')) table = undefined;
    else if (table !== undefined && /^(?:\[\d+:\d+\] *)?-A /.test(line))
      found.push({ line: index + 1, table, text: line });
  }
  return found;
}

/** The rule alone, with the chains that it names. */
function row(dump: Dump, rule: RuleLine, chains: ReadonlySet<string>): OracleRow {
  const builtIn = BUILT_IN_CHAINS[rule.table] ?? [];
  const named = rule.text.split(/\s+/).filter((word) => chains.has(word) && !builtIn.includes(word));
  const lines = [...new Set(named)].map((name) => `:${name} - [0:0]`);
  return { family: dump.family, table: rule.table, lines: [...lines, rule.text] };
}

/** Refused only because this machine lacks what the rule names: a control group, an accounting object. */
function needsHost(text: string): boolean {
  return /-m cgroup .*--path |-m nfacct /.test(text);
}

/** Sets that the rules name, made empty, by number of dimensions. */
function prepareSets(rules: readonly RuleNode[]): string {
  const types = ['', 'hash:ip', 'hash:ip,port', 'hash:ip,port,ip'];
  const commands = rules.flatMap((rule) =>
    [...rule.matches.flatMap((match) => match.options), ...(rule.target?.options ?? [])]
      .filter((option) => option.name.endsWith('-set') && option.args.length === 2)
      .map(
        ({ args }) =>
          `ipset -exist create '${args[0]!.text}' ${types[args[1]!.text.split(',').length] ?? ''}`,
      ),
  );
  return [...new Set(commands)].join('\n');
}

describe.skipIf(missing !== undefined)(`dumps that iptables refuses (${missing ?? 'judge found'})`, () => {
  for (const dump of missing === undefined ? dumps().filter(({ accepted }) => !accepted) : []) {
    it(dump.path, () => {
      const text = readDump(dump.path);
      const parsed = parseSaveFile({ name: dump.path, text }, { family: dump.family });
      const { ruleset, diagnostics } = resolve({
        files: [parsed.file],
        sets: new Map(),
        names: DEBIAN_NAMES,
      });
      const read = new Set(
        ruleset.rules
          .filter(({ target }) => target.kind !== 'opaque' || target.name !== '')
          .map(({ span }) => span.line),
      );
      const told = new Set([...parsed.diagnostics, ...diagnostics].map(({ span }) => span?.line));
      const rules = ruleLines(text);
      const chains = new Set(parsed.file.tables.flatMap((table) => table.chains.map(({ name }) => name)));
      const answers = askIptables(
        rules.map((rule) => row(dump, rule, chains)),
        prepareSets(parsed.file.tables.flatMap((table) => table.rules)),
      );
      const suspects = rules.filter((rule, i) =>
        answers[i]!.accepted ? !read.has(rule.line) : !told.has(rule.line) && !needsHost(rule.text),
      );
      const among = askIptables(
        suspects.map((rule) => ({
          family: dump.family,
          table: rule.table,
          lines: [
            ...[...chains]
              .filter((name) => !(BUILT_IN_CHAINS[rule.table] ?? []).includes(name))
              .map((name) => `:${name} - [0:0]`),
            ...rules
              .filter((one) => one === rule || (one.table === rule.table && read.has(one.line)))
              .map(({ text }) => text),
          ],
        })),
        prepareSets(parsed.file.tables.flatMap((table) => table.rules)),
      );
      const wrong = suspects.filter(({ line }, i) => among[i]!.accepted || !told.has(line));
      expect(wrong.map(({ line, text }) => `${line}: ${text}`)).toEqual([]);
    });
  }
});
