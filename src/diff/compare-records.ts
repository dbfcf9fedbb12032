// SPDX-License-Identifier: Apache-2.0
// Two verdict records of one packet: equal, different in which fields, or not comparable, and why.
// Which fields are compared, and where one side can't know: ARCHITECTURE.md, command line.
import type { RunnerName } from '../replay/runner.js';
import type { RuleReference, VerdictRecord } from '../replay/verdict.js';

/** How a packet fared. All but `equal` and `different` are counted apart and never called equal. */
export type Outcome =
  | 'equal'
  | 'different'
  /** No IP hook sees it; both sides say so. */
  | 'not-ip'
  /** An evaluation met a rule that is unsupported or waived. */
  | 'undecided'
  /** Kept for reassembly by one side. */
  | 'held'
  /** A fragment that sides judge differently, one the datagram, one the piece. */
  | 'fragment'
  /** A runner can't take the frame. */
  | 'refused'
  /** Passed on by a program that need not decide. */
  | 'deferred';

export type ComparedField =
  | 'verdict'
  | 'rule'
  | 'rejectWith'
  | 'translated'
  | 'mark'
  | 'connectionMark'
  | 'state'
  | 'path'
  | 'output'
  | 'ttl';

export interface Sides {
  readonly left: RunnerName;
  readonly right: RunnerName;
}

export interface ComparedPacket {
  readonly outcome: Outcome;
  /** Non-empty for `different` and `fragment`. */
  readonly fields: readonly ComparedField[];
}

const EQUAL: ComparedPacket = { outcome: 'equal', fields: [] };

/** `isFragment`: the packet is a piece of a datagram. */
export function compareRecords(
  left: VerdictRecord,
  right: VerdictRecord,
  sides: Sides,
  isFragment: boolean,
): ComparedPacket {
  for (const outcome of ['refused', 'undecided', 'held', 'deferred'] as const) {
    if (left.verdict === outcome || right.verdict === outcome) return { outcome, fields: [] };
  }
  if (left.verdict === 'not-ip' && right.verdict === 'not-ip') return { outcome: 'not-ip', fields: [] };
  const fields = differingFields(left, right, sides);
  if (fields.length === 0) return EQUAL;
  // A program at TC sees pieces, the hooks behind the stack's reassembly see datagrams.
  const oneSeesPieces = isProgram(sides.left) !== isProgram(sides.right);
  return { outcome: isFragment && oneSeesPieces ? 'fragment' : 'different', fields };
}

function differingFields(left: VerdictRecord, right: VerdictRecord, sides: Sides): ComparedField[] {
  const fields: ComparedField[] = [];
  if (left.verdict !== right.verdict) fields.push('verdict');
  // What the kernel doesn't tell about a packet is not compared; a runner of ours always tells.
  const kernelSide = isLive(sides.left) || isLive(sides.right);
  const compare = (field: ComparedField, a: unknown, b: unknown, mayBeUnknown: boolean): void => {
    if (mayBeUnknown && (a === undefined || b === undefined)) return;
    if (a !== b) fields.push(field);
  };
  compare('rule', ruleKey(left.rule), ruleKey(right.rule), kernelSide);
  const accepted = left.verdict === 'accept' && right.verdict === 'accept';
  if (left.verdict === 'reject' && right.verdict === 'reject') {
    compare('rejectWith', left.rejectWith, right.rejectWith, false);
  }
  compare('state', left.state, right.state, kernelSide || !accepted);
  if (!accepted) return fields;
  compare('translated', translatedKey(left), translatedKey(right), false);
  compare('mark', left.mark ?? 0, right.mark ?? 0, false);
  compare('connectionMark', left.connectionMark ?? 0, right.connectionMark ?? 0, false);
  // These come from the stack around a program, and are left out where a side isn't certain.
  compare('path', left.path, right.path, true);
  compare('output', left.output, right.output, true);
  if (left.interface !== 'local') compare('ttl', left.ttl, right.ttl, left.path !== right.path);
  return fields;
}

/** Packets went through the running kernel, whose clock and tracking decide. */
export function isLive(runner: RunnerName): boolean {
  return runner === 'netfilter' || runner === 'netfilter-bpf';
}

/** A program at TC. */
function isProgram(runner: RunnerName): boolean {
  return runner === 'vm' || runner === 'kernel';
}

/** `filter/INPUT:7`, `filter/INPUT policy`; undefined without a rule. A family is compared where both name it. */
export function ruleKey(rule: RuleReference | undefined): string | undefined {
  if (rule === undefined) return undefined;
  return `${rule.table}/${rule.chain}${rule.policy === true ? ' policy' : `:${rule.number ?? '?'}`}`;
}

function translatedKey({ translated }: VerdictRecord): string {
  if (translated === undefined) return '';
  const { source, sourcePort, destination, destinationPort } = translated;
  return [source, sourcePort, destination, destinationPort].join(' ');
}
