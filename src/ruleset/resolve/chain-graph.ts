// SPDX-License-Identifier: Apache-2.0
// Which packets come where, and that no chain leads back into itself: the walk that the kernel makes before
// it takes a table (net/ipv4/netfilter/ip_tables.c mark_source_chains). As there, a rule behind an
// unconditional verdict is not visited, and a loop in chains that no packet reaches is none.
import { isUnconditionalVerdict, type ChainDraft, type RuleDraft, type TableDraft } from './draft.js';
import type { Hook } from './placement.js';

export interface Loop {
  /** The rule that closes the loop. */
  readonly rule: RuleDraft;
  /** Chains in walking order; the last one is the first again. */
  readonly cycle: readonly string[];
}

interface Frame {
  readonly chain: ChainDraft;
  next: number;
}

/** Fills `hooks` of all rules and returns the loops found, each once. */
export function walkChains(table: TableDraft): Loop[] {
  const loops = new Map<RuleDraft, Loop>();
  for (const chain of table.chains.values()) {
    if (chain.builtIn) walkFrom(chain, chain.name as Hook, table, loops);
  }
  return [...loops.values()];
}

function walkFrom(start: ChainDraft, hook: Hook, table: TableDraft, loops: Map<RuleDraft, Loop>): void {
  const visited = new Set<ChainDraft>([start]);
  const path: Frame[] = [{ chain: start, next: 0 }];
  while (path.length > 0) {
    const frame = path.at(-1)!;
    const rule = frame.chain.rules[frame.next];
    if (
      rule === undefined ||
      (frame.next > 0 && isUnconditionalVerdict(frame.chain.rules[frame.next - 1]!))
    ) {
      path.pop();
      continue;
    }
    frame.next++;
    rule.hooks.add(hook);
    if (rule.complaint !== undefined || rule.target.kind !== 'jump') continue;
    const chain = table.chains.get(rule.target.chain);
    if (chain === undefined) continue;
    const at = path.findIndex((one) => one.chain === chain);
    if (at >= 0) {
      const cycle = [...path.slice(at).map((one) => one.chain.name), chain.name];
      if (!loops.has(rule)) loops.set(rule, { rule, cycle });
    } else if (!visited.has(chain)) {
      visited.add(chain);
      path.push({ chain, next: 0 });
    }
  }
}
