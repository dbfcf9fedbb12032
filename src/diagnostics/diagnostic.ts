// SPDX-License-Identifier: Apache-2.0
// Messages about the user's text: collected, located, coded. Trouble with the machine (clang missing,
// EPERM) is an EnvironmentError; anything else that throws is a bug of ours.
import type { Span } from '../source/span.js';

export type Severity = 'error' | 'warning' | 'note';

export interface Label {
  readonly span: Span;
  readonly message: string;
}

/** One message. `code` is stable (`IPT0310`); `help` is the way out. */
export interface Diagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly span?: Span;
  /** The text of the line that `span` is in, for the caret. */
  readonly lineText?: string;
  readonly labels?: readonly Label[];
  readonly notes?: readonly string[];
  readonly help?: string;
}

/** The machine lacks something or refused something; `suggestions` say what the user can do. */
export class EnvironmentError extends Error {
  constructor(
    message: string,
    readonly suggestions: readonly string[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'EnvironmentError';
  }
}
