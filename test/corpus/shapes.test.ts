// SPDX-License-Identifier: Apache-2.0
// Lines decoded by a known shape give the nodes and diagnostics that the grammar gives for them.
import { describe, expect, it } from 'vitest';
import { parseSaveFile } from '../../grammar/index.js';
import { missingData } from './data-folder.js';
import { dumps, readDump } from './dumps.js';

const missing = missingData('rulesets');

describe.skipIf(missing !== undefined)(`shapes of real dumps (${missing ?? 'data found'})`, () => {
  for (const { path } of missing === undefined ? dumps() : []) {
    it(path, () => {
      const source = { name: path, text: readDump(path) };
      expect(parseSaveFile(source)).toEqual(parseSaveFile(source, { shapes: false }));
    });
  }
});
