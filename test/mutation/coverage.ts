// SPDX-License-Identifier: Apache-2.0
// Which mutants' places a check passes, and how long it takes. The counting sources leave that in a global; `saveCoverage` puts it in a
// file of the folder $MUTANT_COVERAGE, under the name of the check. Loaded into the checks' own processes.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const COVERAGE_FOLDER = 'MUTANT_COVERAGE';

declare global {
  /** Written by the counting sources: passes of a mutant's place, by the mutant's id. */
  var __stryker__: { mutantCoverage?: { static: Record<string, number> } } | undefined;
}

export interface Coverage {
  /** Processor time that the check took, counting. */
  readonly cpuSeconds: number;
  readonly mutants: ReadonlySet<string>;
}

export function saveCoverage(check: string): void {
  const folder = process.env[COVERAGE_FOLDER];
  if (folder === undefined) return;
  const { user, system } = process.cpuUsage();
  const ids = Object.keys(globalThis.__stryker__?.mutantCoverage?.static ?? {});
  const lines = [String((user + system) / 1e6), ...ids];
  writeFileSync(join(folder, encodeURIComponent(check)), lines.join('\n'));
}

/** By check, from the cheapest to the dearest. */
export function readCoverage(folder: string): Map<string, Coverage> {
  const all = readdirSync(folder).map((name) => {
    const [cpu, ...ids] = readFileSync(join(folder, name), 'utf8').split('\n');
    const coverage: Coverage = { cpuSeconds: Number(cpu), mutants: new Set(ids) };
    return [decodeURIComponent(name), coverage] as const;
  });
  return new Map(all.sort(([, a], [, b]) => a.cpuSeconds - b.cpuSeconds));
}
