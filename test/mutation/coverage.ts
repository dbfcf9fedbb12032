// SPDX-License-Identifier: Apache-2.0
// Which mutants' places a check passes. The counting sources leave that in a global; `saveCoverage` puts it in a
// file of the folder $MUTANT_COVERAGE, under the name of the check. Loaded into the checks' own processes.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const COVERAGE_FOLDER = 'MUTANT_COVERAGE';

declare global {
  /** Written by the counting sources: passes of a mutant's place, by the mutant's id. */
  var __stryker__: { mutantCoverage?: { static: Record<string, number> } } | undefined;
}

export function saveCoverage(check: string): void {
  const folder = process.env[COVERAGE_FOLDER];
  if (folder === undefined) return;
  const ids = Object.keys(globalThis.__stryker__?.mutantCoverage?.static ?? {});
  writeFileSync(join(folder, encodeURIComponent(check)), ids.join('\n'));
}

/** By check, the ids of mutants it passes. */
export function readCoverage(folder: string): Map<string, ReadonlySet<string>> {
  return new Map(
    readdirSync(folder).map((name) => [
      decodeURIComponent(name),
      new Set(readFileSync(join(folder, name), 'utf8').split('\n')),
    ]),
  );
}
