// SPDX-License-Identifier: Apache-2.0
// The bpf_conformance project's test files: `-- asm`, `-- mem`, `-- result` sections under a comment.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ConformanceCase {
  readonly name: string;
  readonly assembly: string;
  readonly memory: Uint8Array;
  /** All 64 bits of r0. */
  readonly result: bigint;
}

/** The folder of the cases, or undefined when the shared data isn't here. */
export function conformanceDirectory(): string | undefined {
  const directory = join(process.env['IPT2EBPF_DATA'] ?? '../shared/data', 'bpf-conformance', 'tests');
  return existsSync(directory) ? directory : undefined;
}

export function readConformanceCases(directory: string): ConformanceCase[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.data'))
    .sort()
    .map((file) => parseCase(file.replace(/\.data$/, ''), readFileSync(join(directory, file), 'utf8')));
}

function parseCase(name: string, text: string): ConformanceCase {
  const sections = new Map<string, string>();
  for (const section of text.split(/^-- /m).slice(1)) {
    const end = section.indexOf('\n');
    sections.set(section.slice(0, end).trim(), section.slice(end + 1));
  }
  const bytes = (sections.get('mem') ?? '')
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '');
  return {
    name,
    assembly: sections.get('asm') ?? '',
    memory: Uint8Array.from(bytes, (word) => parseInt(word, 16)),
    result: BigInt((sections.get('result') ?? '').trim()),
  };
}
