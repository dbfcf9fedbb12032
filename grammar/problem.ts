// SPDX-License-Identifier: Apache-2.0
// Why a line can't be read: thrown inside the grammar, turned into a Diagnostic by the line's reader.

export interface ProblemText {
  readonly code: string;
  readonly message: string;
  readonly help?: string;
}

/** A stretch of words of the line at hand, both ends inclusive. */
export interface WordRange {
  readonly first: number;
  readonly last: number;
}

export class SyntaxProblem extends Error {
  constructor(
    readonly text: ProblemText,
    readonly at: WordRange,
  ) {
    super(text.message);
    this.name = 'SyntaxProblem';
  }
}

/** Stops reading the line. */
export function fail(text: ProblemText, first: number, last: number = first): never {
  throw new SyntaxProblem(text, { first, last });
}
