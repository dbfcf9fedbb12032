// SPDX-License-Identifier: Apache-2.0
// A target that is read, checked and printed, but whose meaning is not carried over.
import type { OptionNode } from '../../ast/nodes.js';

export interface OpaqueTarget {
  readonly kind: 'opaque';
  readonly name: string;
  /** Canonical text after `-j name`, as iptables-save prints it (with its leading space, or empty). */
  readonly canonical: string;
  readonly options: readonly OptionNode[];
}
