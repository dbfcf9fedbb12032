// SPDX-License-Identifier: Apache-2.0
// Where text came from. Every AST node, diagnostic and rule carries a span, so that each later form
// can be traced to a line. Rule dumps are line-oriented, so a span never crosses a line end.

/** A stretch of one line. Lines and columns are 1-based; columns count bytes; `endColumn` is exclusive. */
export interface Span {
  /** Name as the user gave it (`-` for standard input). */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endColumn: number;
}

/** An input text. Decoded as latin1, so that a column is a byte and any byte can be read. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
}
