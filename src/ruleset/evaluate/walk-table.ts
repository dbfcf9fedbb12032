// SPDX-License-Identifier: Apache-2.0
// The walk through one table at one hook: net/ipv4/netfilter/ip_tables.c ipt_do_table (and its IPv6 twin).
// Rules in order; a jump remembers where to go on, a goto doesn't; RETURN and the end of a user chain go back;
// both in a built-in chain mean its policy.
import type { BoundMatch } from '../matches/evaluate.js';
import type { CompiledChain, CompiledRule, CompiledTable } from './compiled-chain.js';
import type { MatchResult } from './match-result.js';
import { CT_NONE, CT_UNTRACKED, type Skb } from './skb.js';

/** `undecided`: a rule that can't be evaluated matches, or may match; no later rule is looked at. */
export type TableVerdict = 'accept' | 'drop' | 'reject' | 'undecided';

/** Told about every rule that is tried: for `explain`. */
export interface WalkObserver {
  /** `failed`: the match that did not hold; undefined when the header did not fit or all is well. */
  tried(rule: CompiledRule, result: MatchResult, failed: BoundMatch | undefined, skb: Skb): void;
  leftChain(table: string, chain: CompiledChain, chainPolicy: 'ACCEPT' | 'DROP' | undefined, skb: Skb): void;
}

interface Frame {
  readonly chain: CompiledChain;
  readonly next: number;
}

/** `skb.decidedBy` is the deciding rule afterwards, or undefined where the policy decided. */
export function walkTable(
  table: CompiledTable,
  base: CompiledChain,
  skb: Skb,
  observer?: WalkObserver,
): TableVerdict {
  let chain = base;
  let index = 0;
  const stack: Frame[] = [];
  while (true) {
    if (index >= chain.rules.length) {
      if (chain !== base) {
        skb.trace?.push(`${table.name}:${chain.name}:return:${chain.rules.length + 1}`);
        observer?.leftChain(table.name, chain, undefined, skb);
      }
      const back = stack.pop();
      if (back === undefined) return applyPolicy(table, base, skb, observer);
      chain = back.chain;
      index = back.next;
      continue;
    }
    const rule = chain.rules[index++]!;
    const result = tryRule(rule, skb, observer);
    if (result === false) continue;
    if (result === 'hotdrop') {
      skb.decidedBy = undefined;
      skb.hotdropped = true;
      return 'drop';
    }
    if (result === 'undecided') {
      // A rule that changes nothing is no obstacle, whether it matches or not.
      if (rule.action === 'continue') {
        for (const { blur } of rule.matches) blur?.();
        continue;
      }
      skb.decidedBy = rule.rule;
      return 'undecided';
    }
    skb.trace?.push(`${table.name}:${chain.name}:rule:${rule.rule.number}`);
    switch (rule.action) {
      case 'continue':
        break;
      case 'accept':
      case 'drop':
      case 'reject':
        skb.decidedBy = rule.rule;
        return rule.action;
      case 'unsupported':
        skb.decidedBy = rule.rule;
        return 'undecided';
      case 'jump':
      case 'goto':
        if (rule.action === 'jump') stack.push({ chain, next: index });
        chain = rule.chain!;
        index = 0;
        break;
      case 'return': {
        const back = stack.pop();
        if (back === undefined) return applyPolicy(table, base, skb, observer);
        observer?.leftChain(table.name, chain, undefined, skb);
        chain = back.chain;
        index = back.next;
        break;
      }
      default:
        applySideEffect(rule, skb);
    }
  }
}

/** Header, then matches in order; the first that fails ends it, so that later ones remember nothing. */
function tryRule(rule: CompiledRule, skb: Skb, observer: WalkObserver | undefined): MatchResult {
  const fits = rule.header.test(skb);
  if (fits !== true) {
    observer?.tried(rule, fits, undefined, skb);
    return fits;
  }
  for (const bound of rule.matches) {
    const result = bound.evaluate(skb);
    if (result === true) continue;
    observer?.tried(rule, result, bound, skb);
    return result;
  }
  observer?.tried(rule, true, undefined, skb);
  return true;
}

/** The end of a built-in chain, or of a user chain that it handed over to by goto. */
function applyPolicy(
  table: CompiledTable,
  base: CompiledChain,
  skb: Skb,
  observer: WalkObserver | undefined,
): TableVerdict {
  skb.trace?.push(`${table.name}:${base.name}:policy:${base.rules.length + 1}`);
  observer?.leftChain(table.name, base, base.chainPolicy, skb);
  skb.decidedBy = undefined;
  return base.chainPolicy === 'DROP' ? 'drop' : 'accept';
}

function applySideEffect({ target }: CompiledRule, skb: Skb): void {
  switch (target.kind) {
    case 'LOG':
      (skb.log ??= []).push(target.prefix);
      break;
    case 'MARK':
      skb.mark = ((skb.mark & ~target.mask) ^ target.value) >>> 0;
      break;
    case 'CT':
      if (skb.connection === undefined && skb.ctInfo === CT_NONE) skb.ctInfo = CT_UNTRACKED;
      break;
  }
}
