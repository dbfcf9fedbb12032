// SPDX-License-Identifier: Apache-2.0
// Every ipset save of the data folder: read without complaint, the same by the shortcut and by the grammar,
// and printed so that reading it again gives the same sets.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readIpsetSave } from '../../grammar/ipset/index.js';
import type { IpsetNode } from '../../src/ast/ipset.js';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.js';
import { DEBIAN_NAMES } from '../../src/net/name-services.js';
import { printSets } from '../../src/ruleset/ipset/print.js';
import { readSets } from '../../src/ruleset/ipset/sets-builder.js';
import type { IpSet } from '../../src/ruleset/sets.js';
import type { SourceFile } from '../../src/source/span.js';
import { DATA_FOLDER, dataFiles, missingData } from './data-folder.js';

const missing = missingData('ipset/save');

function saves(): SourceFile[] {
  const files = [
    ...dataFiles('ipset/save'),
    ...dataFiles('kernel-cases').filter((name) => name.endsWith('ipset.save')),
  ];
  return files.map((name) => ({ name, text: readFileSync(join(DATA_FOLDER, name), 'latin1') }));
}

function nodes(source: SourceFile, shortcut: boolean): (IpsetNode | Diagnostic)[] {
  const list: (IpsetNode | Diagnostic)[] = [];
  const add = (one: IpsetNode | Diagnostic): number => list.push(one);
  readIpsetSave(source, { node: add, diagnostic: add }, { shortcut });
  return list;
}

/** Without positions, which differ between a file and what is printed of it. */
function plain(sets: ReadonlyMap<string, IpSet>): unknown {
  return [...sets.values()]
    .map((set) => ({ ...set, span: undefined }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

test('saves are read whole and print back to the same sets', (context) => {
  if (missing !== undefined) return context.skip(missing);
  const sources = saves();
  expect(sources.length).toBeGreaterThan(60);
  for (const source of sources) {
    const { sets, diagnostics } = readSets([source], DEBIAN_NAMES);
    expect(diagnostics, source.name).toEqual([]);
    const text = [...printSets(sets, DEBIAN_NAMES)].join('');
    expect(plain(readSets([{ name: 'printed', text }], DEBIAN_NAMES).sets), source.name).toEqual(plain(sets));
  }
});

test('shortcut and grammar agree', (context) => {
  if (missing !== undefined) return context.skip(missing);
  for (const source of saves()) expect(nodes(source, true), source.name).toEqual(nodes(source, false));
});
