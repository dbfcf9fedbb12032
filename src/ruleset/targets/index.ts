// SPDX-License-Identifier: Apache-2.0
// The union of all typed targets. A new target adds its type here and its entry to registry.ts.
import type { CtTarget } from './ct.js';
import type { JumpTarget } from './jump.js';
import type { LogTarget } from './log.js';
import type { MarkTarget } from './mark.js';
import type { NoTarget } from './none.js';
import type { OpaqueTarget } from './opaque.js';
import type { RejectTarget } from './reject.js';
import type { VerdictTarget } from './verdict.js';

export type Target =
  CtTarget | JumpTarget | LogTarget | MarkTarget | NoTarget | OpaqueTarget | RejectTarget | VerdictTarget;
