// SPDX-License-Identifier: Apache-2.0
// A match that is read, checked and printed, but whose meaning is not carried over: its file holds
// the options' codec only, and its fidelity is `unsupported` (or `no-effect`).
import type { OptionNode } from '../../ast/nodes.js';

export interface OpaqueMatch {
  readonly kind: 'opaque';
  readonly name: string;
  /** Canonical text after `-m name`, as iptables-save prints it (with its leading space, or empty). */
  readonly canonical: string;
  readonly options: readonly OptionNode[];
}
