// SPDX-License-Identifier: Apache-2.0
// One rule as an entry: the header's tests, then the matches' in order, then what it does.
import { LoweringRefusal } from './lower-context.js';
import type { LowerContext } from './lower-context.js';
import { and, negateIf, range } from './box.js';
import type { Boxes } from './box.js';
import { PROTO_NONE } from './fields.js';
import type { Entry, Test } from './model.js';
import type { Rule } from '../ruleset/ruleset.js';
import { lowerMatch } from '../ruleset/matches/lower.js';
import { lowerTarget } from '../ruleset/targets/lower.js';

/** Throws LoweringRefusal, naming the rule. */
export function lowerRule(rule: Rule, context: LowerContext): Entry {
  try {
    const tests = [headerTest(rule, context), ...rule.matches.map((match) => lowerMatch(match, context))];
    return { rule: rule.id, tests, action: lowerTarget(rule) };
  } catch (error) {
    if (error instanceof LoweringRefusal) throw new LoweringRefusal(error.message, rule.id);
    throw error;
  }
}

/** net/ipv4/netfilter/ip_tables.c ip_packet_match; IPv6 drops at `-p` when no header is found. */
export function headerTest({ header, family }: Rule, context: LowerContext): Test {
  const parts: Boxes[] = [];
  const { source, destination, inInterface, outInterface, protocol, fragment } = header;
  if (source) parts.push(negateIf(source.negated, context.maskedAddress('SRC', source.value)));
  if (destination) parts.push(negateIf(destination.negated, context.maskedAddress('DST', destination.value)));
  if (inInterface) parts.push(negateIf(inInterface.negated, context.interfaces('IIF', inInterface.value)));
  if (outInterface) parts.push(negateIf(outInterface.negated, context.interfaces('OIF', outInterface.value)));
  const before = and(...parts);
  if (protocol === undefined) {
    const pieces = fragment === undefined ? before : and(before, fragmentBoxes(fragment.negated));
    return { kind: 'fields', match: pieces, hotdrop: [] };
  }
  const readable = range('PROTO', 0, PROTO_NONE - 1);
  const wanted = and(readable, negateIf(protocol.negated, range('PROTO', protocol.value)));
  const match = and(before, wanted, ...(fragment === undefined ? [] : [fragmentBoxes(fragment.negated)]));
  const hotdrop = family === 'ipv6' ? and(before, range('PROTO', PROTO_NONE)) : [];
  return { kind: 'fields', match, hotdrop };
}

function fragmentBoxes(negated: boolean): Boxes {
  return negated ? range('FRAG', 0) : range('FRAG', 1, 2);
}
