// SPDX-License-Identifier: Apache-2.0
// Ruleset -> policy model: each built-in chain walked once, user chains written out where they are called, with the
// jump's conditions before those of the rule. A RETURN, and what a goto took away, becomes an exception of what
// follows in its chain. Matches are read by the lowering that programs use, never a second time.
import type { Host } from '../host/host.js';
import { Stack } from '../host/stack.js';
import { FamilyLowering, SharedNumbers } from '../model/family-lowering.js';
import { assignInterfaceIds } from '../model/interface-ids.js';
import type { InterfaceIds } from '../model/model.js';
import type { Family } from '../net/family.js';
import { printable } from '../diagnostics/printable.js';
import type { HookName } from '../ruleset/evaluate/skb.js';
import type { FamilyRuleset, Rule, Ruleset } from '../ruleset/ruleset.js';
import type { Waivers } from '../ruleset/waivers.js';
import { conditionsOf } from './conditions.js';
import { EFFECT_CODES } from './export/target.js';
import type { FamilyPolicy, Origin, PolicyModel, Residue, Statement, Tier } from './model.js';
import { TierWalk } from './tier-walk.js';

/** Code by which waivers name what the model leaves undecided. */
const RESIDUE = EFFECT_CODES.either;

type Direction = Tier['directions'][number];

/** Built-in chains in the order packets meet them. */
const TIERS: readonly (readonly [string, HookName, readonly Direction[]])[] = [
  ['raw', 'PREROUTING', ['input', 'forward']],
  ['mangle', 'PREROUTING', ['input', 'forward']],
  ['nat', 'PREROUTING', ['input', 'forward']],
  ['mangle', 'INPUT', ['input']],
  ['filter', 'INPUT', ['input']],
  ['security', 'INPUT', ['input']],
  ['nat', 'INPUT', ['input']],
  ['mangle', 'FORWARD', ['forward']],
  ['filter', 'FORWARD', ['forward']],
  ['security', 'FORWARD', ['forward']],
  ['raw', 'OUTPUT', ['output']],
  ['mangle', 'OUTPUT', ['output']],
  ['nat', 'OUTPUT', ['output']],
  ['filter', 'OUTPUT', ['output']],
  ['security', 'OUTPUT', ['output']],
  ['mangle', 'POSTROUTING', ['forward', 'output']],
  ['nat', 'POSTROUTING', ['forward', 'output']],
];

export interface InferOptions {
  readonly generator: string;
  readonly sources: readonly string[];
}

/** Throws InputError where chains written out are more than a person or a machine would read. */
export function inferPolicy(ruleset: Ruleset, host: Host, options: InferOptions): PolicyModel {
  const stack = new Stack(host);
  const interfaces = assignInterfaceIds(host, ruleset);
  const shared = new SharedNumbers(ruleset.rules.length);
  const quiet = new Map<number, string>();
  const families = [ruleset.ipv4, ruleset.ipv6].flatMap((rules) => {
    if (rules === undefined) return [];
    const context = new FamilyLowering(rules.family, stack, ruleset.sets, interfaces, shared);
    return [familyPolicy(rules, context, interfaces, quiet)];
  });
  const statements = families.flatMap(({ tiers }) => tiers.flatMap((tier) => tier.statements));
  const spoken = new Set(statements.flatMap(({ rules }) => rules));
  for (const { id } of ruleset.rules)
    if (!spoken.has(id) && !quiet.has(id)) quiet.set(id, 'never reached, or nothing that it decides is left');
  return {
    version: 1,
    generator: options.generator,
    sources: options.sources,
    families,
    tcpOptions: shared.tcpOptions,
    residue: residueOf(statements),
    withoutEffect: byReason([...quiet].filter(([id]) => !spoken.has(id)).sort(([a], [b]) => a - b)),
    origins: Object.fromEntries(ruleset.rules.map((rule) => [rule.id, originOf(rule)])),
  };
}

function familyPolicy(
  rules: FamilyRuleset,
  context: FamilyLowering,
  interfaces: InterfaceIds,
  quiet: Map<number, string>,
): FamilyPolicy {
  const tiers: Tier[] = [];
  for (const [table, hook, directions] of TIERS) {
    const chain = rules.tables.get(table)?.chains.get(hook);
    if (chain === undefined) continue;
    const walk = new TierWalk(rules.tables.get(table)!, context, interfaces, quiet);
    const statements = walk.run(chain);
    const fallback = chain.chainPolicy === 'DROP' ? 'deny' : 'allow';
    if (statements.length === 0 && fallback === 'allow') continue;
    tiers.push({
      table,
      hook,
      directions,
      default: fallback,
      replies: repliesOf(statements, fallback),
      statements,
    });
  }
  return { family: rules.family, tiers, lists: listsOf(context, rules.family, interfaces) };
}

function listsOf(context: FamilyLowering, family: Family, interfaces: InterfaceIds): FamilyPolicy['lists'] {
  return Object.fromEntries(
    Object.values(context.derived()).flatMap((each) =>
      each.kind === 'member' ? [[each.note, conditionsOf(each.boxes, family, interfaces)] as const] : [],
    ),
  );
}

/** Packets cut short aside, which belong to no connection. */
function repliesOf(statements: readonly Statement[], fallback: Tier['default']): Tier['replies'] {
  const stops = ({ action }: Statement): boolean => action.kind === 'deny' || action.kind === 'undecided';
  if (fallback === 'allow' && !statements.some((each) => stops(each) && each.malformed !== true))
    return 'unconditional';
  const touchesReplies = ({ when }: Statement): boolean =>
    when.some(
      ({ states }) => states === undefined || states.includes('ESTABLISHED') || states.includes('RELATED'),
    );
  for (const statement of statements) {
    if (allowsReplies(statement)) return 'allowed';
    if (stops(statement) && statement.malformed !== true && touchesReplies(statement)) return 'judged';
  }
  return 'judged';
}

/** `--ctstate ESTABLISHED,RELATED -j ACCEPT`, and nothing else asked. */
function allowsReplies({ action, when, except }: Statement): boolean {
  return (
    action.kind === 'allow' &&
    except === undefined &&
    when.some(
      (condition) =>
        Object.keys(condition).length === 1 &&
        condition.states?.includes('ESTABLISHED') === true &&
        condition.states.includes('RELATED'),
    )
  );
}

function residueOf(statements: readonly Statement[]): Residue[] {
  return byReason(
    statements.flatMap(({ action, rules }) =>
      action.kind === 'undecided' ? [[rules[rules.length - 1]!, action.why] as const] : [],
    ),
  );
}

function byReason(pairs: readonly (readonly [number, string])[]): Residue[] {
  const groups = new Map<string, Set<number>>();
  for (const [rule, why] of pairs) groups.set(why, (groups.get(why) ?? new Set()).add(rule));
  return [...groups].map(([why, rules]) => ({ why, rules: [...rules] }));
}

/** Residue that waivers accept, rule by rule; what is left stands apart. */
export function waiveResidue(model: PolicyModel, waivers: Waivers): PolicyModel {
  const residue = model.residue.flatMap(({ why, rules }) => {
    const groups = new Map<string | undefined, number[]>();
    for (const id of rules) {
      const [, table = '', chain = '', number = ''] =
        /^([^/]+)\/(.*):(\d+)$/.exec(model.origins[id]!.rule) ?? [];
      const text = waivers.find({ code: RESIDUE, table, chain, number: Number(number) })?.text;
      groups.set(text, [...(groups.get(text) ?? []), id]);
    }
    return [...groups].map(([waivedBy, ids]) => ({
      why,
      rules: ids,
      ...(waivedBy !== undefined && { waivedBy }),
    }));
  });
  return { ...model, residue };
}

function originOf({ table, chain, number, span, text }: Rule): Origin {
  return {
    rule: `${table}/${chain}:${number}`,
    file: span.file,
    line: span.line,
    text: printable(text),
  };
}
