// SPDX-License-Identifier: Apache-2.0
// A ruleset that no table of bounded cost can hold: named, never approximated.

export class TableRefusal extends Error {
  constructor(
    /** `family/table:CHAIN` or a family. */
    readonly place: string,
    message: string,
  ) {
    super(message);
    this.name = 'TableRefusal';
  }
}
