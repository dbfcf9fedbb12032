// SPDX-License-Identifier: Apache-2.0
// What a user is told about an input that is not faithful: each thing once.
import type { Diagnostic } from '../../diagnostics/diagnostic.js';
import type { LoadedInput } from '../../input/load.js';
import type { Assessment } from './assess.js';

/** The messages of the input, then what was found about rules that were read and are not waived. */
export function whatStandsAgainst(input: LoadedInput, assessment: Assessment): Diagnostic[] {
  const findings = assessment.findings
    .filter(({ waiver }) => waiver === undefined)
    .map(({ diagnostic }) => diagnostic);
  // A rule that was not read has its message among those of the input.
  const told = new Set(input.diagnostics.filter(({ severity }) => severity === 'error').map(positionOf));
  return [...input.diagnostics, ...findings.filter((finding) => !told.has(positionOf(finding)))];
}

function positionOf({ span }: { readonly span?: { readonly file: string; readonly line: number } }): string {
  return span === undefined ? '' : `${span.file}:${span.line}`;
}
