// SPDX-License-Identifier: Apache-2.0
// Makes a differing case small: leaves out packets, rules, sets and options as long as the same two runners
// still differ. Greedy by halves (delta debugging), with a limit on trials, as each runs real iptables.
import type { RunnerName } from '../../src/replay/runner.js';
import type { FuzzCase } from './case.js';
import { judge, type Difference } from './compare.js';

const MAX_TRIALS = 300;

export async function shrink(start: FuzzCase, { left, right }: Difference): Promise<FuzzCase> {
  const runners = new Set<RunnerName>([left, right]);
  let trials = 0;
  const stillDiffers = async (candidate: FuzzCase): Promise<boolean> => {
    if (trials++ >= MAX_TRIALS) return false;
    try {
      return (await judge(candidate, runners)).difference !== undefined;
    } catch {
      // Not a ruleset any more: a set or chain is missing.
      return false;
    }
  };
  let best = start;
  for (const part of ['packets', 'ipv4', 'ipv6', 'packets', 'ipset'] as const) {
    best = await shrinkPart(best, part, stillDiffers);
  }
  for (const family of ['ipv4', 'ipv6'] as const) best = await shrinkWords(best, family, stillDiffers);
  return best;
}

type Check = (candidate: FuzzCase) => Promise<boolean>;

async function shrinkPart(
  start: FuzzCase,
  part: 'packets' | 'ipv4' | 'ipv6' | 'ipset',
  check: Check,
): Promise<FuzzCase> {
  if (part === 'packets') {
    return shrinkList(start.packets, (packets) => ({ ...start, packets }), start, check);
  }
  const text = start[part];
  if (text === undefined || text === '') return start;
  const lines = text.split('\n');
  const removable = lines
    .map((line, at) => ({ line, at }))
    .filter(({ line }) => /^(-A|add|create|:[a-z])/.test(line));
  const rebuild = (kept: readonly { at: number }[]): FuzzCase => {
    const wanted = new Set(kept.map(({ at }) => at));
    const fixed = lines.filter((line, at) => wanted.has(at) || !/^(-A|add|create|:[a-z])/.test(line));
    return { ...start, [part]: fixed.join('\n') };
  };
  return shrinkList(removable, rebuild, start, check);
}

/** Leaves out ever smaller stretches, from the end. */
async function shrinkList<T>(
  items: readonly T[],
  rebuild: (kept: readonly T[]) => FuzzCase,
  start: FuzzCase,
  check: Check,
): Promise<FuzzCase> {
  let kept = items;
  let best = start;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = kept.length - size; at > -size; at -= size) {
      const from = Math.max(0, at);
      const fewer = [...kept.slice(0, from), ...kept.slice(at + size)];
      if (fewer.length === kept.length) continue;
      const candidate = rebuild(fewer);
      if (await check(candidate)) {
        kept = fewer;
        best = candidate;
      }
    }
  }
  return best;
}

/** Leaves out single matches and header options of the rules that are left. */
async function shrinkWords(start: FuzzCase, family: 'ipv4' | 'ipv6', check: Check): Promise<FuzzCase> {
  let best = start;
  const count = (start[family] ?? '').split('\n').length;
  for (let line = 0; line < count; line++) {
    const options = (best[family] ?? '').split('\n')[line]?.split(/ (?=(?:! )?-[a-z] )/) ?? [];
    if (!options[0]?.startsWith('-A')) continue;
    for (let at = options.length - 1; at >= 1; at--) {
      const lines = (best[family] ?? '').split('\n');
      const parts = lines[line]!.split(/ (?=(?:! )?-[a-z] )/);
      lines[line] = parts.filter((_, i) => i !== at).join(' ');
      const candidate = { ...best, [family]: lines.join('\n') };
      if (await check(candidate)) best = candidate;
    }
  }
  return best;
}
