// SPDX-License-Identifier: Apache-2.0
// The mutants of the meaning and the lowering of rules: where each stands, what it puts there, and sources that
// note which mutants' places are passed (Stryker's instrumenter makes both).
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Instrumenter, type File } from '@stryker-mutator/instrumenter';
import { Random } from '../../src/replay/directed/random.js';
import { exclusions } from './exclusions.js';

/** Payloads, codecs, meanings and lowerings of matches and targets; the model; the decision tables. */
export const MUTATED_FOLDERS = [
  'src/ruleset/matches',
  'src/ruleset/targets',
  'src/model',
  'src/decision',
] as const;

export interface Mutant {
  readonly id: string;
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** Name of the mutator, as Stryker has it. */
  readonly kind: string;
  readonly original: string;
  readonly replacement: string;
  /** Offset of `original` in the file, in UTF-16 units. */
  readonly offset: number;
}

export interface MutatedSources {
  readonly mutants: readonly Mutant[];
  /** Sources with a counter at every mutant's place; they read and count, and mean what they meant. */
  readonly counting: readonly File[];
  /** Mutants that were left out, by reason. */
  readonly excluded: ReadonlyMap<string, number>;
}

export async function mutateSources(root: string): Promise<MutatedSources> {
  const names = MUTATED_FOLDERS.flatMap((folder) => sourceFiles(root, folder));
  const files: File[] = names.map((name) => ({
    name,
    mutate: true,
    content: readFileSync(join(root, name), 'utf8'),
  }));
  const contents = new Map(files.map(({ name, content }) => [name, content]));
  const { files: counting, mutants } = await new Instrumenter(SILENT).instrument(files, {
    plugins: null,
    excludedMutations: [],
    ignorers: [exclusions],
  });
  const excluded = new Map<string, number>();
  const kept: Mutant[] = [];
  for (const { id, fileName, location, mutatorName, replacement, statusReason } of mutants) {
    if (statusReason !== undefined) {
      excluded.set(statusReason, (excluded.get(statusReason) ?? 0) + 1);
      continue;
    }
    const content = contents.get(fileName)!;
    const offset = offsetOf(content, location.start);
    kept.push({
      id,
      file: fileName,
      line: location.start.line + 1,
      kind: mutatorName,
      original: content.slice(offset, offsetOf(content, location.end)),
      replacement,
      offset,
    });
  }
  return { mutants: kept, counting, excluded };
}

/** The source with the mutant in it. An expression is put in parentheses, so that its neighbours keep their operands. */
export function withMutant(content: string, { kind, original, replacement, offset }: Mutant): string {
  const isStatement = kind === 'BlockStatement' || /^(case\b|default\b|for\b)/.test(replacement);
  const text = isStatement ? replacement : `(${replacement})`;
  return content.slice(0, offset) + text + content.slice(offset + original.length);
}

/** All mutants in an order that depends on the seed only: each is as likely as any other to be among the first. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = new Random(seed);
  const out = [...items];
  for (let last = out.length - 1; last > 0; last--) {
    const other = random.between(0, last);
    [out[last], out[other]] = [out[other]!, out[last]!];
  }
  return out;
}

function sourceFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
    .sort();
}

/** Line and column count from 0. */
function offsetOf(content: string, { line, column }: { line: number; column: number }): number {
  let start = 0;
  for (let i = 0; i < line; i++) start = content.indexOf('\n', start) + 1;
  return start + column;
}

const SILENT = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => false,
  isErrorEnabled: () => false,
  isFatalEnabled: () => false,
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
};
