// SPDX-License-Identifier: Apache-2.0
// Input that cannot be used at all. Library code throws it; commands print its diagnostics, without a stack.
import type { Diagnostic } from './diagnostic.js';

export class InputError extends Error {
  constructor(
    readonly diagnostics: readonly Diagnostic[],
    /** 2: trouble, nothing could be formed; 1: something was formed and is not faithful. */
    readonly exitCode: 1 | 2 = 2,
  ) {
    super(diagnostics[0]?.message ?? 'the input cannot be used');
    this.name = 'InputError';
  }
}
