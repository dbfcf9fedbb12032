// SPDX-License-Identifier: Apache-2.0
// Adds up a verification packet by packet: memory grows with the number of distinct causes, not of packets.
import { describeFrame } from '../packet/describe.js';
import type { ReplayPacket } from '../packet/packet.js';
import type { Family } from '../net/family.js';
import type { RuleReference, VerdictRecord } from '../replay/verdict.js';
import type { Rule, Ruleset } from '../ruleset/ruleset.js';
import { compareRecords, ruleKey, type ComparedPacket, type Outcome, type Sides } from './compare-records.js';
import { CoverageCounter } from './coverage.js';
import { frameFamily, hostPair, isFragmentFrame } from './frame-facts.js';
import type { Apart, Cause, PacketEvidence, SideOfCause, VerifyReport } from './report.js';

const EVIDENCE_BYTES = 256;
/** Memory stays flat under a flood of fragments; beyond it later packets count as different. */
const MAX_DIVERGED = 65_536;

type Counted<T> = { -readonly [K in keyof T]: T[K] };

export interface VerificationContext {
  readonly sides: Sides;
  readonly ruleset: Ruleset;
  readonly captures: readonly string[];
  readonly waivers: readonly string[];
  readonly notes: readonly string[];
}

export class Verification {
  private packets = 0;
  private readonly counts: Record<Outcome, number> = {
    equal: 0,
    different: 0,
    'not-ip': 0,
    undecided: 0,
    held: 0,
    fragment: 0,
    refused: 0,
    deferred: 0,
  };
  private readonly causes = new Map<string, Counted<Cause>>();
  private readonly apart = new Map<string, Counted<Apart>>();
  private readonly coverage: CoverageCounter;
  private readonly rules: ReadonlyMap<string, Rule>;
  /** Pairs of hosts between which the sides saw different packets: one a datagram, one its pieces. */
  private readonly diverged = new Set<string>();

  constructor(private readonly context: VerificationContext) {
    this.coverage = new CoverageCounter(context.ruleset);
    this.rules = new Map(
      context.ruleset.rules.map((rule) => [
        `${rule.family} ${rule.table}/${rule.chain}:${rule.number}`,
        rule,
      ]),
    );
  }

  /** One packet's records from both sides. */
  add(packet: ReplayPacket, left: VerdictRecord, right: VerdictRecord): void {
    this.packets++;
    const family = frameFamily(packet.frame);
    if (family !== undefined) this.coverage.add(left, family);
    const compared = this.compare(packet, left, right);
    this.counts[compared.outcome]++;
    if (compared.outcome === 'equal' || compared.outcome === 'not-ip') return;
    if (compared.outcome === 'different') this.addCause(compared, packet, left, right, family);
    else this.addApart(compared.outcome, packet, left, right);
  }

  /**
   * After a fragmented datagram, connection state differs between a side that judged the datagram and one that
   * judged pieces: later packets between the same hosts belong to that, not to a rule.
   */
  private compare(packet: ReplayPacket, left: VerdictRecord, right: VerdictRecord): ComparedPacket {
    const compared = compareRecords(left, right, this.context.sides, isFragmentFrame(packet.frame));
    if (compared.outcome === 'fragment' || (compared.outcome === 'held' && left.verdict !== right.verdict)) {
      if (this.diverged.size < MAX_DIVERGED) this.diverged.add(hostPair(packet.frame));
      return compared;
    }
    if (compared.outcome !== 'different' || this.diverged.size === 0) return compared;
    const follows = compared.fields.includes('state') && this.diverged.has(hostPair(packet.frame));
    return follows ? { ...compared, outcome: 'fragment' } : compared;
  }

  /** A packet that no runner was given: its link layer says why. */
  addDecided(record: VerdictRecord): void {
    this.packets++;
    const outcome = record.verdict === 'not-ip' ? 'not-ip' : 'refused';
    this.counts[outcome]++;
    if (outcome === 'not-ip') return;
    this.count(this.apart, `refused ${record.reason ?? ''}`, () => ({
      outcome,
      reason: record.reason ?? '',
      packets: 0,
      first: {
        index: record.index,
        timestampNs: '0',
        packet: '',
        frame: '',
        left: record,
        right: record,
      },
    }));
  }

  report(): VerifyReport {
    const { sides, captures, waivers, notes } = this.context;
    return {
      report: 'verify',
      version: 1,
      same: this.counts.different === 0,
      left: sides.left,
      right: sides.right,
      captures,
      packets: this.packets,
      counts: this.counts,
      causes: inOrder(this.causes.values()),
      apart: inOrder(this.apart.values()),
      coverage: this.coverage.result(),
      waivers,
      notes,
    };
  }

  private addCause(
    { fields }: ComparedPacket,
    packet: ReplayPacket,
    left: VerdictRecord,
    right: VerdictRecord,
    family: Family | undefined,
  ): void {
    const key = [
      family,
      left.verdict,
      ruleKey(left.rule),
      right.verdict,
      ruleKey(right.rule),
      fields.join(' '),
    ].join('|');
    this.count(this.causes, key, () => ({
      fields,
      left: this.side(left, family),
      right: this.side(right, family),
      packets: 0,
      first: evidence(packet, left, right),
    }));
  }

  private addApart(
    outcome: Apart['outcome'],
    packet: ReplayPacket,
    left: VerdictRecord,
    right: VerdictRecord,
  ): void {
    const telling = left.verdict === outcome ? left : right;
    const rule = outcome === 'undecided' ? ruleKey(telling.rule) : undefined;
    const reason =
      outcome === 'fragment'
        ? fragmentReason(packet, left, right)
        : [telling.reason, rule].filter((each) => each !== undefined).join(' at ');
    this.count(this.apart, `${outcome} ${reason}`, () => ({
      outcome,
      reason,
      packets: 0,
      first: evidence(packet, left, right),
    }));
  }

  private count<T extends { packets: number }>(into: Map<string, T>, key: string, make: () => T): void {
    let found = into.get(key);
    if (found === undefined) into.set(key, (found = make()));
    found.packets++;
  }

  private side(record: VerdictRecord, family: Family | undefined): SideOfCause {
    const { rule, verdict } = record;
    if (rule === undefined) return { verdict };
    const found = this.find(rule, rule.family ?? family);
    return { verdict, rule, ...(found === undefined ? {} : { text: found.text, file: found.span.file }) };
  }

  private find(rule: RuleReference, family: Family | undefined): Rule | undefined {
    return this.rules.get(`${family ?? ''} ${ruleKey(rule) ?? ''}`);
  }
}

function fragmentReason(packet: ReplayPacket, left: VerdictRecord, right: VerdictRecord): string {
  if (isFragmentFrame(packet.frame)) {
    return `the left judges the datagram (${left.verdict}), the right the piece (${right.verdict})`;
  }
  return 'follows a fragmented datagram between the same hosts: one side has its connection, the other does not';
}

function evidence(packet: ReplayPacket, left: VerdictRecord, right: VerdictRecord): PacketEvidence {
  return {
    index: packet.index,
    timestampNs: String(packet.timestampNs),
    interface: packet.interface,
    packet: describeFrame(packet),
    frame: Buffer.from(packet.frame.subarray(0, EVIDENCE_BYTES)).toString('hex'),
    left,
    right,
  };
}

/** Most packets first; then by first packet, which no two causes share. */
function inOrder<T extends { readonly packets: number; readonly first: PacketEvidence }>(
  all: Iterable<T>,
): T[] {
  return [...all].sort((a, b) => b.packets - a.packets || a.first.index - b.first.index);
}
