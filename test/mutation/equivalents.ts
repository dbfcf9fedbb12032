// SPDX-License-Identifier: Apache-2.0
// Mutants that mean the same as the original, each with the reason, found by hand after it had survived.

export interface Equivalent {
  readonly file: string;
  /** The source line where the mutant begins, without indentation. */
  readonly line: string;
  /** As the report prints it: `original -> replacement`. */
  readonly mutation: string;
  readonly why: string;
}

export const EQUIVALENTS: readonly Equivalent[] = [];
