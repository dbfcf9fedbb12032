// SPDX-License-Identifier: Apache-2.0
// The option `--attach` of all commands that take it.
import { Errors } from '@oclif/core';
import { ATTACH_SETS, parseAttachKinds, type AttachKind } from '../program/attach-kind.js';

/** `allowed`: of ATTACH_SETS. Throws CLIError, exit 2, for anything else. */
export function readAttachSet(text: string, allowed: readonly string[] = ATTACH_SETS): readonly AttachKind[] {
  const kinds = parseAttachKinds(text);
  if (kinds === undefined || !allowed.includes(kinds.join(',')))
    throw new Errors.CLIError(`--attach ${text}: expected one of ${allowed.join('; ')}`, { exit: 2 });
  return kinds;
}
