// SPDX-License-Identifier: Apache-2.0
// Whether guards hold for a migration: every packet of the flow, in every connection state, is accepted by the
// programs. Said only where all of it is proven; refused with a packet where it fails, and with the reason where the
// proof's means end.
import type { Diagnostic } from '../../diagnostics/diagnostic.js';
import { RegionLimit } from '../../model/region-walk.js';
import type { Rule, Ruleset } from '../../ruleset/ruleset.js';
import { Unprovable } from './guard-flows.js';
import type { Guard } from './guard-text.js';
import { walkGuard, type FlowLoss } from './guard-walk.js';
import { findWitness, type Judged, type Witness } from './witness.js';

export interface GuardResult {
  /** As given. */
  readonly guard: string;
  readonly outcome: 'proven' | 'fails' | 'unproven';
  /** What it is proven over: `ipv4 requests NEW`; empty unless proven. */
  readonly states: readonly string[];
  /** Parts of the flow that rules tell apart, each accepted as a whole. */
  readonly parts?: number;
  readonly counterexample?: Counterexample;
  /** Why it could not be proven. */
  readonly why?: string;
}

export interface Counterexample {
  /** Headers in one line. */
  readonly packet: string;
  /** An interface, or `local` for an answer of the host. */
  readonly interface: string;
  readonly verdict: 'drop' | 'reject';
  /** `NEW`, `ESTABLISHED`...; absent where nothing is tracked. */
  readonly state?: string;
  /** Packets of the flow sent before it. */
  readonly before: number;
  /** The rule's line, or `the policy DROP of filter/INPUT`. */
  readonly rule: string;
  readonly file?: string;
  readonly line?: number;
}

export interface GuardedMigration extends Judged {
  /** Families' tables that stay with iptables. */
  readonly leftTables: ReadonlySet<string>;
}

/** Parts of losses for which a packet is sought. */
const MOST_SOUGHT = 24;

export function proveGuard(guard: Guard, migration: GuardedMigration): GuardResult {
  const unproven = (why: string): GuardResult => ({
    guard: guard.text,
    outcome: 'unproven',
    states: [],
    why,
  });
  try {
    const outside = besidePrograms(migration);
    if (outside !== undefined) return unproven(outside);
    const { states, parts, losses, partlyTracked } = walkGuard(guard, migration.model, migration.host);
    if (losses.length === 0 && !partlyTracked) return { guard: guard.text, outcome: 'proven', states, parts };
    for (const loss of spread(losses)) {
      const witness = findWitness(loss, guard, migration);
      if (witness !== undefined)
        return {
          guard: guard.text,
          outcome: 'fails',
          states: [],
          counterexample: counterexample(witness, loss, migration),
        };
    }
    return unproven(
      partlyTracked
        ? 'rules take a part of the flow out of connection tracking, and what is then said of the rest is open'
        : openLoss(losses[0]!, guard, migration),
    );
  } catch (error) {
    if (error instanceof Unprovable) return unproven(error.message);
    if (error instanceof RegionLimit) return unproven(`rules divide the flow too finely: ${error.message}`);
    throw error;
  }
}

/** Undefined for a guard that holds. */
export function guardDiagnostic({
  guard,
  outcome,
  counterexample,
  why,
}: GuardResult): Diagnostic | undefined {
  if (outcome === 'proven') return undefined;
  if (counterexample === undefined)
    return {
      code: 'IPT1112',
      severity: 'error',
      message: `guard \`${guard}\` is not proven: ${why ?? ''}`,
      help: 'a guard that cannot be proven is refused: make it narrower, or load without it',
    };
  const { packet, interface: by, verdict, state, before, rule, file, line } = counterexample;
  const place = file === undefined ? '' : ` (${file}:${String(line)})`;
  const where = by === 'local' ? 'sent by the host' : `received by ${by}`;
  const told = [
    where,
    ...(state === undefined ? [] : [state]),
    ...(before === 0 ? [] : [`after ${String(before)} packets of the flow`]),
  ].join(', ');
  return {
    code: 'IPT1111',
    severity: 'error',
    message: `guard \`${guard}\` does not hold: ${packet} (${told}) is ${verdict === 'drop' ? 'dropped' : 'rejected'} by ${rule}${place}`,
    help: 'let the rules accept it, take a snapshot and migrate again',
  };
}

/** Why something else than the programs decides about what comes in; undefined where nothing does. */
function besidePrograms({ ruleset, model, leftTables }: GuardedMigration): string | undefined {
  const left = new Map(model.left.map(({ rule, why }) => [rule, why]));
  const found = ruleset.rules.find(
    ({ id, fidelity, chain, family, table }) =>
      left.has(id) &&
      (fidelity.state !== 'no-effect' || leftTables.has(`${family} ${table}`)) &&
      !['FORWARD', 'POSTROUTING'].includes(chain),
  );
  return found && `${words(found)} (${place(found)}) stands in no program (${left.get(found.id)!})`;
}

/** One of each rule first. */
function spread(losses: readonly FlowLoss[]): FlowLoss[] {
  const first = losses.filter((loss, i) => losses.findIndex(({ by }) => by === loss.by) === i);
  return [...first, ...losses.filter((loss) => !first.includes(loss))].slice(0, MOST_SOUGHT);
}

function counterexample(
  { packet, record, text, before }: Witness,
  loss: FlowLoss,
  migration: GuardedMigration,
): Counterexample {
  const { rule: reference } = record;
  const { ruleset } = migration;
  const decided =
    reference === undefined
      ? ruleset.rules[loss.by]
      : ruleset.rules.find(
          ({ family, table, chain, number }) =>
            family === reference.family &&
            table === reference.table &&
            chain === reference.chain &&
            number === reference.number,
        );
  return {
    packet: text,
    interface: packet.interface,
    verdict: record.verdict === 'reject' ? 'reject' : 'drop',
    ...(loss.state !== undefined && record.state !== undefined && { state: record.state }),
    before,
    ...(decided === undefined
      ? { rule: reference === undefined ? 'a rule' : policyWords(ruleset, loss, reference) }
      : { rule: words(decided), file: decided.span.file, line: decided.span.line }),
  };
}

function policyWords(
  ruleset: Ruleset,
  { flow }: FlowLoss,
  { table, chain }: { readonly table: string; readonly chain: string },
): string {
  const policy = ruleset[flow.family]?.tables.get(table)?.chains.get(chain)?.chainPolicy ?? 'DROP';
  return `the policy ${policy} of ${flow.family} ${table}/${chain}`;
}

/** Of a loss that no packet confirmed. */
function openLoss({ by, flow, state }: FlowLoss, guard: Guard, { ruleset, model }: GuardedMigration): string {
  const rule = ruleset.rules[by];
  const end = model.policies[by - model.ruleCount];
  const who =
    rule !== undefined
      ? `${words(rule)} (${place(rule)})`
      : `the policy of ${flow.family} ${end?.table ?? ''}/${end?.chain ?? ''}`;
  const hint =
    guard.interfaces === undefined ? '; without `in` it is about every interface, also those born later' : '';
  return `${who} may drop ${flow.direction}${state === undefined ? '' : ` that are ${state}`}, though no packet was found that it drops${hint}`;
}

function words({ text }: Rule): string {
  return `\`${text.replace(/^\[\d+:\d+\] /, '')}\``;
}

function place({ span }: Rule): string {
  return `${span.file}:${String(span.line)}`;
}
