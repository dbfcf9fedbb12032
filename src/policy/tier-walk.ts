// SPDX-License-Identifier: Apache-2.0
// One built-in chain as statements. What the walk carries along: the conditions of the jumps it is behind, and the
// exceptions that RETURN and goto have made in the chain it is in.
import { InputError } from '../diagnostics/input-error.js';
import { and, EVERYTHING, keysOf, or } from '../model/box.js';
import type { Box, Boxes } from '../model/box.js';
import type { FamilyLowering } from '../model/family-lowering.js';
import { LoweringRefusal } from '../model/lower-context.js';
import { headerTest } from '../model/lower-rule.js';
import type { Action, InterfaceIds, Test } from '../model/model.js';
import { contains, intersect } from '../model/ranges.js';
import { lowerMatch } from '../ruleset/matches/lower.js';
import type { Chain, Rule, Table } from '../ruleset/ruleset.js';
import { lowerTarget } from '../ruleset/targets/lower.js';
import { conditionsOf } from './conditions.js';
import type { PolicyAction, Statement } from './model.js';

/** Chains written out at every call: beyond this nobody reads them. */
const MOST_STATEMENTS = 100_000;

interface Scope {
  readonly when: Boxes;
  readonly except: readonly Boxes[];
  /** The jumps that lead here. */
  readonly rules: readonly number[];
  /** Set once a rule has changed what the jumps' conditions ask for. */
  stale?: string;
}

interface Read {
  readonly when: Boxes;
  readonly hotdrop: Boxes;
  /** Undefined: cannot be said, `why` tells. */
  readonly action: Action | undefined;
  readonly why?: string;
}

/** The connection's own addresses, ports, protocol and lifetime. */
const TUPLE = /^(CTPROTO|CTEXPIRES|O(SRC|DST)\d|[OR][SD]PORT)\b/;
const RATE = 'a rate decides, and a policy knows no rates';

export class TierWalk {
  private readonly statements: Statement[] = [];
  /** Packets cut short that a statement has denied already. */
  private readonly cut: Box[] = [];

  constructor(
    private readonly table: Table,
    private readonly context: FamilyLowering,
    private readonly interfaces: InterfaceIds,
    private readonly quiet: Map<number, string>,
  ) {}

  run(base: Chain): Statement[] {
    this.chain(base, { when: EVERYTHING, except: [], rules: [] }, base);
    return this.statements;
  }

  /** Walks a chain; true when no packet comes out of its end. */
  private chain(chain: Chain, scope: Scope, base: Chain): boolean {
    let here = scope;
    // Packets that a RETURN, or a goto, has led back already.
    let leaks = false;
    for (const rule of chain.rules) {
      const read = this.read(rule);
      const mine = [...here.rules, rule.id];
      this.emitCut(read.hotdrop, here, mine);
      const when = and(here.when, read.when);
      const all = isAll(read.when);
      if (read.action === undefined || (here.stale !== undefined && acts(read.action))) {
        this.emit({ kind: 'undecided', why: read.why ?? here.stale! }, when, here, mine);
        if (all) return !leaks;
        continue;
      }
      const { action } = read;
      switch (action.kind) {
        case 'accept':
        case 'drop':
        case 'reject':
          this.emit(verdictOf(action), when, here, mine);
          if (all) return !leaks;
          break;
        case 'return':
          if (chain === base) this.emit(defaultOf(base), when, here, mine, true);
          else leaks = true;
          if (all) return !leaks;
          here = excepting(here, read.when);
          break;
        case 'jump': {
          const callee = this.table.chains.get(action.chain.slice(action.chain.indexOf(':') + 1))!;
          const below: Scope = { when, except: here.except, rules: mine };
          const ended = this.chain(callee, below, base);
          if (below.stale !== undefined && here.when.length > 0) carryStale(here, below.stale);
          if (!action.goto) {
            if (ended && all) return !leaks;
            break;
          }
          // Behind a goto the chain's end is the caller's.
          if (chain === base && !ended) this.emit(defaultOf(base), when, here, mine, true);
          else leaks ||= !ended;
          if (all) return !leaks;
          here = excepting(here, read.when);
          // What the goto took away no longer looks like what the exception asks for.
          if (below.stale !== undefined) carryStale(here, below.stale);
          break;
        }
        case 'mark':
        case 'notrack':
          this.emit(sideEffect(action), when, here, mine);
          carryStale(
            here,
            'a jump asks for what a rule behind it changes',
            action.kind === 'mark' ? 'MARK' : 'CT',
          );
          break;
        case 'log':
        case 'count':
          this.quiet.set(rule.id, action.kind === 'log' ? 'only logs' : 'only counts');
      }
    }
    return false;
  }

  private read(rule: Rule): Read {
    if (rule.unread === true)
      return { when: EVERYTHING, hotdrop: [], action: undefined, why: 'the line cannot be read' };
    const whys: string[] = [];
    const attempt = <T>(lowering: () => T): T | undefined => {
      try {
        return lowering();
      } catch (error) {
        if (!(error instanceof LoweringRefusal)) throw error;
        whys.push(error.message);
        return undefined;
      }
    };
    let when = EVERYTHING;
    let hotdrop: Boxes = [];
    const take = (test: Test | undefined): void => {
      if (test === undefined) return;
      if (test.kind === 'limit') {
        whys.push(RATE);
        return;
      }
      hotdrop = or(hotdrop, and(when, test.hotdrop));
      if (keysOf(test.match).some((key) => TUPLE.test(key))) {
        whys.push('asks for the first packet of the connection, or how long it lives');
        when = and(
          when,
          test.match.map((box) => box.filter(({ key }) => !TUPLE.test(key))),
        );
      } else when = and(when, test.match);
    };
    take(headerTest(rule, this.context));
    for (const match of rule.matches) take(attempt(() => lowerMatch(match, this.context)));
    const action = attempt(() => lowerTarget(rule));
    const [why] = whys;
    const harmless = action !== undefined && !this.decides(action, new Set());
    return why === undefined || harmless
      ? { when, hotdrop, action: why === undefined || action?.kind === 'log' ? action : { kind: 'count' } }
      : { when, hotdrop, action: undefined, why };
  }

  /** Whether an action can change what becomes of a packet. */
  private decides(action: Action, seen: Set<string>): boolean {
    if (action.kind !== 'jump') return acts(action);
    const name = action.chain.slice(action.chain.indexOf(':') + 1);
    if (action.goto) return true;
    if (seen.has(name)) return false;
    seen.add(name);
    return this.table.chains.get(name)!.rules.some((rule) => {
      if (rule.target.kind === 'verdict' && rule.target.verdict === 'RETURN') return false;
      if (rule.target.kind === 'opaque' && rule.fidelity.state !== 'no-effect') return true;
      try {
        return this.decides(lowerTarget(rule), seen);
      } catch {
        return true;
      }
    });
  }

  private emit(
    action: PolicyAction,
    when: Boxes,
    { except }: Scope,
    rules: readonly number[],
    byDefault = false,
  ): void {
    const words = (boxes: Boxes) => this.words(boxes);
    const conditions = words(when);
    if (conditions.length === 0) {
      this.quiet.set(rules[rules.length - 1]!, 'matches nothing on this host');
      return;
    }
    const touching = except.filter((boxes) => and(boxes, when).length > 0);
    if (this.statements.length >= MOST_STATEMENTS) throw tooMany();
    this.statements.push({
      action,
      when: conditions,
      ...(touching.length > 0 && { except: touching.flatMap(words) }),
      ...(byDefault && { byDefault: true as const }),
      rules,
    });
  }

  /** Packets too short for what a rule asks, but for those that are gone already. */
  private emitCut(hotdrop: Boxes, scope: Scope, rules: readonly number[]): void {
    const left = and(scope.when, hotdrop).filter((box) => !this.cut.some((gone) => isWithin(box, gone)));
    if (left.length === 0) return;
    const before = this.statements.length;
    this.emit({ kind: 'deny' }, left, scope, rules);
    const added = this.statements[before];
    if (added === undefined) return;
    this.statements[before] = { ...added, malformed: true };
    if (added.except === undefined) this.cut.push(...left);
  }

  /** Header lengths that hold for whatever gets here are left out. */
  private words(boxes: Boxes) {
    const shown = boxes.map((box) => {
      const length = box.find(({ key }) => key === 'AVAIL');
      if (length === undefined || !contains(length.ranges, 63)) return box;
      const shorter = [{ first: 0, last: length.ranges[0]!.first - 1 }];
      const outside = box.map((each) => (each === length ? { key: 'AVAIL', ranges: shorter } : each));
      const gone = length.ranges.length === 1 && this.cut.some((each) => isWithin(outside, each));
      return gone ? box.filter((each) => each !== length) : box;
    });
    return conditionsOf(shown, this.context.family, this.interfaces);
  }
}

/** Notes on a scope that its own conditions may no longer hold. */
function carryStale(scope: Scope, why: string, key?: 'MARK' | 'CT'): void {
  const asked = keysOf([...scope.when, ...scope.except.flat()]);
  if (asked.some((each) => (key === undefined ? /^(MARK|CT)\b/.test(each) : each.startsWith(key))))
    scope.stale = why;
}

function excepting(scope: Scope, boxes: Boxes): Scope {
  return { ...scope, except: [...scope.except, boxes] };
}

function isAll(boxes: Boxes): boolean {
  return boxes.some((box) => box.length === 0);
}

/** True when `outer` holds wherever `inner` does. */
function isWithin(inner: Box, outer: Box): boolean {
  return outer.every(({ key, ranges }) => {
    const mine = inner.find((each) => each.key === key)?.ranges;
    return mine !== undefined && JSON.stringify(intersect(mine, ranges)) === JSON.stringify(mine);
  });
}

function acts(action: Action): boolean {
  return action.kind !== 'log' && action.kind !== 'count';
}

function verdictOf(action: Extract<Action, { kind: 'accept' | 'drop' | 'reject' }>): PolicyAction {
  if (action.kind === 'accept') return { kind: 'allow' };
  return action.kind === 'drop' ? { kind: 'deny' } : { kind: 'deny', rejectWith: action.with };
}

function defaultOf({ chainPolicy }: Chain): PolicyAction {
  return { kind: chainPolicy === 'DROP' ? 'deny' : 'allow' };
}

function sideEffect(action: Extract<Action, { kind: 'mark' | 'notrack' }>): PolicyAction {
  if (action.kind === 'notrack') return { kind: 'untrack' };
  const hex = (value: number): string => `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
  return { kind: 'mark', mask: hex(~action.and), value: hex(action.xor) };
}

function tooMany(): InputError {
  return new InputError([
    {
      code: 'IPT1000',
      severity: 'error',
      message: `chains written out where they are called give more than ${MOST_STATEMENTS} statements`,
      help: 'ask for the policy of fewer tables or of one family at a time',
    },
  ]);
}
