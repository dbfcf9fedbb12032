// SPDX-License-Identifier: Apache-2.0
// `:CHAIN POLICY [packets:bytes]` and the `[packets:bytes]` before a rule. Too plain for the grammar, and a
// node of a large cluster has 100,000 of the former.
import type { ChainNode, Counters } from '../src/ast/nodes.js';
import type { Span } from '../src/source/span.js';
import { chainNameProblem } from './apply.js';
import * as messages from './messages.js';
import type { ProblemText } from './problem.js';

/** `trimmed` begins with `:`. */
export function chainLine(trimmed: string, span: Span): ChainNode | ProblemText {
  const [name = '', policy, third, fourth] = trimmed.slice(1).split(/[ \t]+/, 4);
  if (name === '') return messages.badChainLine('it has no chain name');
  if (policy === undefined) return messages.badChainLine('it has no policy');
  if (fourth !== undefined)
    return messages.badChainLine(`\`${messages.shown(fourth)}\` is one word too many`);
  const tooLong = chainNameProblem(name);
  if (tooLong !== undefined) return tooLong;
  if (third === undefined) return { name, chainPolicy: policy, span };
  const counters = readCounters(third, 0, third.length);
  if (counters === undefined || counters === 'malformed' || counters.end !== third.length)
    return messages.badCounters();
  return { name, chainPolicy: policy, counters: counters.counters, span };
}

/** Counters at the start of `text[from, to)`; undefined when there are none. */
export function readCounters(
  text: string,
  from: number,
  to: number,
): { readonly counters: Counters; readonly end: number } | 'malformed' | undefined {
  if (text.charCodeAt(from) !== 91) return undefined;
  const close = text.indexOf(']', from);
  if (close < 0 || close >= to || close - from > 64) return 'malformed';
  const match = /^\[([0-9]+):([0-9]+)\]$/.exec(text.slice(from, close + 1));
  if (match === null) return 'malformed';
  return { counters: { packets: match[1]!, bytes: match[2]! }, end: close + 1 };
}
