// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeGroup } from '../../src/diagnostics/catalog.js';

const TOP = join(import.meta.dirname, '../..');

/** Every code that the sources of one folder name, with the file that names it. */
function codesIn(folder: string): { readonly file: string; readonly code: string }[] {
  return readdirSync(join(TOP, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const text = readFileSync(join(TOP, folder, file), 'utf8');
      return [...text.matchAll(/'(IPT\d{4})'/g)].map((match) => ({
        file: `${folder}/${file}`,
        code: match[1]!,
      }));
    });
}

describe('codes of diagnostics', () => {
  const all = [...codesIn('src'), ...codesIn('grammar')].filter(
    ({ file }) => file !== 'src/diagnostics/catalog.ts',
  );

  it('are found', () => {
    expect(all.length).toBeGreaterThan(100);
  });

  it('each lie in a group, in one of its places', () => {
    const astray = all.filter(
      ({ file, code }) => codeGroup(code)?.places.some((place) => file.startsWith(place)) !== true,
    );
    expect(astray).toEqual([]);
  });
});
