// SPDX-License-Identifier: Apache-2.0
// Exit codes of every command: those of diff(1).

export const EXIT_CODE = {
  /** The same; all exact, without effect or waived. */
  ok: 0,
  /** A difference was found, or something is not exact. */
  differs: 1,
  /** Trouble: no ruleset could be formed, I/O, a wrong flag, a missing tool or right. */
  trouble: 2,
} as const;

export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];
