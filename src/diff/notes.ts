// SPDX-License-Identifier: Apache-2.0
// What a reader must know of a verification before trusting its zero.
import type { LoadedInput } from '../input/load.js';
import type { Rule } from '../ruleset/ruleset.js';
import { isLive, type Sides } from './compare-records.js';

export function notesFor(sides: Sides, input: LoadedInput): string[] {
  const notes: string[] = [];
  if (!input.hostGiven) {
    notes.push('no host was given: the stand-in host with eth0 203.0.113.2/24 and eth1 10.0.0.1/24 was used');
  }
  const isClocked = isLive(sides.left) || isLive(sides.right);
  const rules = input.ruleset.rules.filter(usesClock);
  if (isClocked && rules.length > 0) {
    notes.push(
      `netfilter ran on the kernel's clock, back to back: ` +
        `${rules.length} rules that depend on time (limit) and connection timeouts may differ for that reason`,
    );
  }
  return notes;
}

function usesClock(rule: Rule): boolean {
  return rule.matches.some((match) => match.kind === 'limit');
}
