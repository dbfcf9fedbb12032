// SPDX-License-Identifier: Apache-2.0
// The fidelity of a whole rule: the worst of its parts, made better where no packet comes or nothing can
// happen, and worse where the table asks for more.
import type { Fidelity } from '../ruleset.js';
import { IDLE, MARK_ROUTING, NAT_SIDE_EFFECT, UNREACHABLE, UNREAD } from '../support/context.js';
import { MATCH_SUPPORT } from '../support/matches.js';
import { isFaithful, worst } from '../support/support.js';
import { TARGET_SUPPORT } from '../support/targets.js';
import type { RuleDraft } from './draft.js';
import { matchName } from './placement.js';

/** `routesByMark`: the host's policy rules look at marks. */
export function ruleFidelity(rule: RuleDraft, table: string, routesByMark: boolean): Fidelity {
  const complaint = rule.complaint ?? rule.refusal;
  if (complaint !== undefined) return { ...UNREAD, code: complaint.code, reason: complaint.reason };
  const own = worst([
    rule.fidelity,
    ...(table === 'nat' && hasSideEffect(rule) ? [NAT_SIDE_EFFECT] : []),
    ...(routesByMark && marksBeforeRouting(rule) ? [MARK_ROUTING] : []),
  ]);
  if (isFaithful(own)) return own;
  if (rule.hooks.size === 0) return UNREACHABLE;
  return isIdle(rule) ? IDLE : own;
}

function remembers(rule: RuleDraft): boolean {
  return rule.matches.some((match) => MATCH_SUPPORT[matchName(match)]?.stateful === true);
}

function hotdrops(rule: RuleDraft): boolean {
  return rule.matches.some((match) => MATCH_SUPPORT[matchName(match)]?.hotdrops === true);
}

/** Marks, log lines and limits, which in `nat` happen for the first packet of a connection only. */
function hasSideEffect(rule: RuleDraft): boolean {
  return rule.target.kind === 'MARK' || rule.target.kind === 'LOG' || remembers(rule);
}

function marksBeforeRouting({ target, hooks }: RuleDraft): boolean {
  return target.kind === 'MARK' && (hooks.has('PREROUTING') || hooks.has('OUTPUT'));
}

/** True when it makes no difference to any packet whether the rule matches. */
function isIdle(rule: RuleDraft): boolean {
  if (remembers(rule) || hotdrops(rule)) return false;
  if (rule.target.kind === 'none') return true;
  return rule.target.kind === 'opaque' && TARGET_SUPPORT[rule.target.name]?.base.state === 'no-effect';
}
