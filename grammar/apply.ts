// SPDX-License-Identifier: Apache-2.0
// What a parsed command line does to the table it stands in.
import type { Counters } from '../src/ast/nodes.js';
import type { Span } from '../src/source/span.js';
import * as messages from './messages.js';
import { ruleNodes, type Place } from './nodes.js';
import type { ProblemText } from './problem.js';
import type { TableBuilder } from './table-builder.js';
import type { RuleTemplate } from './template.js';

/** Undefined when done. */
export function applyCommand(
  table: TableBuilder,
  template: RuleTemplate,
  place: Place,
  text: string,
  span: Span,
  counters: Counters | undefined,
): ProblemText | undefined {
  const { command, headers } = template;
  const ends = [headers.source, headers.destination];
  if (
    ends.some((end) => end?.negated === true) &&
    ends.some((end) => end !== undefined && place.text(end.argument).includes(','))
  )
    return messages.negatedList();
  const chain = command.chain && place.text(command.chain);
  const operand = command.operand && place.text(command.operand);
  switch (command.name) {
    case 'append':
      table.append(ruleNodes(template, place, text, span, counters));
      return undefined;
    case 'insert': {
      const number = ruleNumber(operand ?? '1');
      if (number === undefined) return messages.badRuleNumber(operand!);
      return table.insert(ruleNodes(template, place, text, span, counters), number);
    }
    case 'replace': {
      const number = ruleNumber(operand ?? '');
      if (number === undefined) return messages.badRuleNumber(operand ?? '');
      return table.replace(ruleNodes(template, place, text, span, counters)[0]!, number);
    }
    case 'delete': {
      if (operand === undefined) return messages.deleteBySpec();
      const number = ruleNumber(operand);
      if (number === undefined) return messages.badRuleNumber(operand);
      return table.delete(chain!, number);
    }
    case 'newChain': {
      const problem = chainNameProblem(chain!);
      return problem ?? table.declare({ name: chain!, chainPolicy: '-', span });
    }
    case 'setPolicy':
      table.setPolicy(chain!, operand!, span);
      return undefined;
    case 'flush':
      table.flush(chain);
      return undefined;
    case 'deleteChain':
      return table.deleteChain(chain);
  }
}

function ruleNumber(text: string): number | undefined {
  const number = /^[0-9]{1,10}$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= 0x7fffffff ? number : undefined;
}

/** iptables(8): a chain name has at most 28 bytes and begins with neither `-` nor `!`. */
export function chainNameProblem(name: string): ProblemText | undefined {
  if (name.length > 28) return messages.badChainLine('the name is longer than 28 bytes');
  return undefined;
}
