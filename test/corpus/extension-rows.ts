// SPDX-License-Identifier: Apache-2.0
// The rows of iptables' own extension tests (`rule;saved form or =;OK|FAIL|NOMATCH`, with `:CHAIN,...` and
// `*table` lines that hold for the rows below), read as its runner reads them for the legacy variant.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSaveFile } from '../../grammar/index.js';
import { DEBIAN_NAMES } from '../../src/net/name-services.js';
import type { Family } from '../../src/net/family.js';
import { printCanonicalRule } from '../../src/ruleset/print.js';
import { resolve } from '../../src/ruleset/resolve/resolve.js';

export interface ExtensionRow {
  /** File, line, family and chain. */
  readonly name: string;
  readonly family: Family;
  readonly table: string;
  readonly rule: string;
  /** The saved form; undefined when the row must be refused. */
  readonly saved: string | undefined;
}

/** What a reader made of a rule: its saved form, or why not. */
export type RowAnswer = { readonly saved: string } | { readonly refused: string };

/** All rows of the files for iptables and ip6tables in a folder. */
export function extensionRows(folder: string): ExtensionRow[] {
  return readdirSync(folder)
    .filter((name) => /^(?:lib(?:xt|ipt|ip6t)_.*|iptables)\.t$/.test(name))
    .sort()
    .flatMap((name) => familiesOf(name).flatMap((family) => rowsOf(join(folder, name), name, family)));
}

function familiesOf(file: string): Family[] {
  if (file.startsWith('libip6t_')) return ['ipv6'];
  return file.startsWith('libxt_') ? ['ipv4', 'ipv6'] : ['ipv4'];
}

function rowsOf(path: string, file: string, family: Family): ExtensionRow[] {
  const rows: ExtensionRow[] = [];
  let table = 'filter';
  let chains: string[] = [];
  for (const [index, line] of readFileSync(path, 'latin1').split('\n').entries()) {
    if (line.trim() === '' || '#@%'.includes(line[0]!)) continue;
    if (line.startsWith('*')) table = line.slice(1).trim();
    else if (line.startsWith(':')) chains = line.slice(1).trim().split(',');
    else {
      const [rule, form, result, variant, other] = line.split(';').map((part) => part.trimEnd());
      const expected = legacyResult(result!, variant, other);
      for (const chain of chains) {
        const saved = `-A ${chain} ${form === '=' ? rule! : form!}`.trimEnd();
        rows.push({
          name: `${file}:${index + 1} ${family} ${chain}: ${rule!}`,
          family,
          table,
          rule: `-A ${chain} ${rule!}`,
          saved: expected === 'FAIL' ? undefined : expected === 'NOMATCH' ? `${saved} (but not so)` : saved,
        });
      }
    }
  }
  return rows;
}

/** A result may hold for one variant of iptables only, and then says or implies that of the other. */
function legacyResult(result: string, variant: string | undefined, other: string | undefined): string {
  if (variant === undefined || variant === 'LEGACY') return result;
  return other ?? (result === 'OK' ? 'FAIL' : 'OK');
}

/** What this project makes of a row's rule, standing alone in its table. */
export function readRow(row: ExtensionRow): RowAnswer {
  const text = `*${row.table}\n${row.rule}\nCOMMIT\n`;
  const parsed = parseSaveFile({ name: row.name, text }, { family: row.family });
  const resolved = resolve({ files: [parsed.file], sets: new Map(), names: DEBIAN_NAMES });
  const error = [...parsed.diagnostics, ...resolved.diagnostics].find(({ severity }) => severity === 'error');
  if (error !== undefined) return { refused: `${error.code} ${error.message}` };
  const warned = parsed.diagnostics.find(({ code }) => code === 'IPT0110' || code === 'IPT0118');
  if (warned !== undefined) return { refused: `${warned.code} ${warned.message}` };
  const rules = resolved.ruleset.rules.map((rule) =>
    printCanonicalRule(rule, { family: row.family, names: DEBIAN_NAMES }),
  );
  return { saved: rules.join('\n') };
}

export function agrees(answer: RowAnswer, saved: string | undefined): boolean {
  return 'saved' in answer ? answer.saved === saved : saved === undefined;
}
