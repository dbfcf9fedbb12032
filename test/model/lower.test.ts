// SPDX-License-Identifier: Apache-2.0
// Lowering keeps each rule's meaning: header and matches in order, over random packets, as the reference
// evaluator judges them (which the kernel judges in turn).
import { describe, expect, test } from 'vitest';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { Stack } from '../../src/host/stack.js';
import { holds } from '../../src/model/box.js';
import { FIELD } from '../../src/model/fields.js';
import type { FieldName } from '../../src/model/fields.js';
import { lower } from '../../src/model/lower.js';
import type { Entry, FamilyModel, Model } from '../../src/model/model.js';
import { packetFields } from '../../src/model/packet-fields.js';
import { ParsedPacket } from '../../src/packet/parse.js';
import { STATE } from '../../src/program/layout.js';
import { Clock } from '../../src/ruleset/evaluate/clock.js';
import { HeaderTest } from '../../src/ruleset/evaluate/rule-header.js';
import { bindSets } from '../../src/ruleset/evaluate/sets/bound-set.js';
import { CT_UNTRACKED, Skb } from '../../src/ruleset/evaluate/skb.js';
import { bindMatch } from '../../src/ruleset/matches/evaluate.js';
import type { Rule, Ruleset } from '../../src/ruleset/ruleset.js';
import { randomDump } from '../decision/random-ruleset.js';
import { seeded, type Random } from '../decision/random.js';
import { loadText } from './load-text.js';
import { randomFrame } from './random-packet.js';

type Answer = 'match' | 'no' | 'hotdrop';

/** The model's answer: buckets always give. */
function modelAnswer(entry: Entry, family: FamilyModel, fields: Uint32Array): Answer {
  const value = (key: string): number => {
    const derived = family.derived[key];
    if (derived === undefined) return fields[FIELD[key as FieldName]]!;
    if (derived.kind === 'masked') return (fields[FIELD[derived.field]]! & derived.mask) >>> 0;
    return holds(derived.boxes, value) ? 1 : 0;
  };
  for (const each of entry.tests) {
    if (each.kind === 'limit') continue;
    if (holds(each.hotdrop, value)) return 'hotdrop';
    if (!holds(each.match, value)) return 'no';
  }
  return 'match';
}

function ruleAnswer(rule: Rule, skb: Skb, ruleset: Ruleset, stack: Stack): Answer {
  const header = new HeaderTest(rule.header).test(skb);
  if (header !== true) return header === false ? 'no' : 'hotdrop';
  const clock = new Clock(250);
  const sets = bindSets(ruleset.sets, clock);
  for (const match of rule.matches) {
    if (match.kind === 'limit') continue;
    const result = bindMatch(match, { stack, clock, sets }).evaluate(skb);
    if (result === 'undecided') throw new Error('undecided');
    if (result !== true) return result === false ? 'no' : 'hotdrop';
  }
  return 'match';
}

function compare(model: Model, ruleset: Ruleset, random: Random, version: 4 | 6, packets: number): number {
  const stack = new Stack(DEFAULT_HOST);
  const family = model.families[0]!;
  const entries = new Map(
    Object.values(family.chains).flatMap(({ entries }) => entries.map((each) => [each.rule, each])),
  );
  let matched = 0;
  for (let i = 0; i < packets; i++) {
    const frame = randomFrame(random, version);
    const packet = new ParsedPacket(frame, version === 4 ? 'ipv4' : 'ipv6', 14, frame.length);
    const skb = new Skb(packet, 'host', true);
    skb.inInterface = random.pick(['eth0', 'eth1']);
    skb.outInterface = random.pick(['', 'eth0', 'eth1']);
    skb.mark = random.pick([0, 1, 2, 3, 0x10, 0x13]);
    const untracked = random.chance(0.2);
    if (untracked) skb.ctInfo = CT_UNTRACKED;
    const id = (name: string): number => (name === '' ? 0 : model.interfaces[name]!);
    const fields = packetFields(packet, {
      input: id(skb.inInterface),
      output: id(skb.outInterface),
      mark: skb.mark,
      tcpOptions: model.tcpOptions,
    });
    if (untracked) fields[FIELD.CT] = STATE.values.UNTRACKED;
    for (const rule of ruleset.rules) {
      const want = ruleAnswer(rule, skb, ruleset, stack);
      const got = modelAnswer(entries.get(rule.id)!, family, fields);
      if (got !== want) {
        expect({ rule: rule.text, frame: Buffer.from(frame).toString('hex'), answer: got }).toEqual({
          rule: rule.text,
          frame: Buffer.from(frame).toString('hex'),
          answer: want,
        });
      }
      if (want === 'match') matched++;
    }
  }
  return matched;
}

describe('a lowered rule matches as the rule', () => {
  test.each(Array.from({ length: 60 }, (_, seed) => [seed] as const))('random ruleset %i', (seed) => {
    const random = seeded(1000 + seed);
    const version = seed % 2 === 0 ? 4 : 6;
    const dump = randomDump(random, version);
    const ruleset = loadText(dump.rules, dump.sets);
    const model = lower(ruleset, DEFAULT_HOST, { waived: new Set() });
    compare(model, ruleset, random, version, 120);
  });
});
