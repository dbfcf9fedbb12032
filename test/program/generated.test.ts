// SPDX-License-Identifier: Apache-2.0
// bpf/generated holds what migrations of our fixtures write, so that a change of the writer is seen as one:
// the C, and the digest of the table. `npm run generate` writes it anew.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileModel } from '../../src/decision/compile.js';
import { loadInput } from '../../src/input/load.js';
import { lower } from '../../src/model/lower.js';
import { PACKAGE_ROOT } from '../../src/package-root.js';
import { DEFAULT_ATTACH } from '../../src/program/attach-kind.js';
import { DEFAULT_CONNECTIONS, programSource } from '../../src/program/program-source.js';

describe('bpf/generated', () => {
  test.each(['web-server', 'router'])('%s', async (name) => {
    const { ruleset, host } = await loadInput([join(PACKAGE_ROOT, 'fixtures', name)]);
    const model = lower(ruleset, host, { waived: new Set() });
    const { bytes, words } = compileModel(model);
    const rules = ruleset.rules.map((rule) => ({
      ...rule,
      span: { ...rule.span, file: rule.span.file.slice(rule.span.file.lastIndexOf('/') + 1) },
    }));
    const source = programSource({
      origin: { sources: [`fixtures/${name}`], digest: '', version: '0.1.0', waivers: [] },
      model,
      rules,
      tableWords: bytes.length / 4,
      connections: DEFAULT_CONNECTIONS,
      attach: DEFAULT_ATTACH,
    });
    const folder = join(PACKAGE_ROOT, 'bpf', 'generated', name);
    await expect(source).toMatchFileSnapshot(join(folder, 'program.c'));
    const digest = createHash('sha256').update(bytes).digest('hex');
    await expect(`${digest} table.bin, ${words} words\n`).toMatchFileSnapshot(join(folder, 'table.sha256'));
  });
});
