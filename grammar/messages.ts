// SPDX-License-Identifier: Apache-2.0
// What the grammar says about text it can't read, IPT01xx (src/diagnostics/catalog.ts lists all codes).
import type { Family } from '../src/net/family.js';
import type { ProblemText } from './problem.js';

/** Foreign text inside a message is cut, so that junk can't fill a terminal. */
export function shown(text: string): string {
  const cut = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return cut.replace(/[^\x20-\x7e]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

export function lineTooLong(bytes: number, limit: number): ProblemText {
  return {
    code: 'IPT0101',
    message: `line of ${bytes.toString()} bytes is not read: iptables-restore takes at most ${limit.toString()}`,
    help: 'split the rule, or use a set for long address lists',
  };
}

export function unknownOption(spelling: string): ProblemText {
  return {
    code: 'IPT0102',
    message: `unknown option \`${shown(spelling)}\``,
    help: 'an option must follow the `-m` or `-j` that it belongs to; check its spelling',
  };
}

export function missingArgument(spelling: string, needed: number): ProblemText {
  return {
    code: 'IPT0103',
    message: `option \`${shown(spelling)}\` needs ${needed === 1 ? 'an argument' : 'two arguments'}`,
  };
}

export function strayWord(word: string): ProblemText {
  return {
    code: 'IPT0104',
    message: `\`${shown(word)}\` belongs to no option`,
    help: 'quote arguments that hold blanks',
  };
}

export function unknownMatch(
  name: string,
  wrongFamily: Family | undefined,
  near: string | undefined,
): ProblemText {
  if (wrongFamily !== undefined) {
    return { code: 'IPT0105', message: `match \`${shown(name)}\` does not exist for ${wrongFamily}` };
  }
  return {
    code: 'IPT0105',
    message: `unknown match \`${shown(name)}\``,
    help: near === undefined ? 'iptables 1.8.9 ships no match of this name' : `did you mean \`${near}\`?`,
  };
}

export function nothingToNegate(next: string | undefined): ProblemText {
  return {
    code: 'IPT0106',
    message:
      next === undefined
        ? 'nothing follows `!`'
        : `\`!\` stands before \`${shown(next)}\`, which can't be negated`,
  };
}

export function optionRepeated(name: string): ProblemText {
  return { code: 'IPT0107', message: `\`${shown(name)}\` is given twice` };
}

export function notInvertible(name: string): ProblemText {
  return { code: 'IPT0106', message: `\`${shown(name)}\` can't be negated` };
}

export function ambiguousOption(name: string, candidates: readonly string[]): ProblemText {
  return {
    code: 'IPT0109',
    message: `option \`${shown(name)}\` is short for ${candidates.map((one) => `\`${one}\``).join(' and ')}`,
    help: 'write the option out',
  };
}

export function unexpectedValue(name: string): ProblemText {
  return { code: 'IPT0104', message: `option \`${shown(name)}\` takes no argument` };
}

export function attachedArgument(spelling: string): ProblemText {
  return {
    code: 'IPT0104',
    message: `the argument of \`${shown(spelling)}\` must be a word of its own`,
    help: 'put a blank before it',
  };
}

export function negatedList(): ProblemText {
  return {
    code: 'IPT0129',
    message: "`!` can't stand before `-s` or `-d` where one of them lists several addresses",
    help: 'write one rule for each address, or use a set',
  };
}

export function innerNegation(option: string, argument: string): ProblemText {
  return {
    code: 'IPT0110',
    message: `\`${shown(option)} ! ${shown(argument)}\` is read as \`! ${shown(option)} ${shown(argument)}\`, which iptables since 1.4.3 wants`,
    help: 'put `!` before the option',
  };
}

export function outsideTable(lines: number): ProblemText {
  return {
    code: 'IPT0111',
    message:
      lines === 1
        ? 'text outside any table is skipped'
        : `${lines.toString()} lines of text outside any table are skipped`,
    help: 'a dump begins with `*filter` or another table',
  };
}

export function ruleOutsideTable(): ProblemText {
  return {
    code: 'IPT0112',
    message: 'rule outside any table is not read',
    help: 'put it between `*filter` (or another table) and `COMMIT`',
  };
}

export function notCommitted(table: string): ProblemText {
  return {
    code: 'IPT0113',
    message: `table \`${shown(table)}\` ends without COMMIT: the dump may be cut off here`,
    help: 'dump the rules again, or add COMMIT',
  };
}

export function badTableLine(): ProblemText {
  return { code: 'IPT0114', message: 'no table name follows `*`' };
}

export function badChainLine(problem: string): ProblemText {
  return {
    code: 'IPT0115',
    message: `chain line is not read: ${problem}`,
    help: 'it reads `:CHAIN POLICY [packets:bytes]`, with `-` as the policy of a user chain',
  };
}

export function badCounters(): ProblemText {
  return {
    code: 'IPT0116',
    message: 'counters are not of the form [packets:bytes]',
  };
}

export function carriageReturns(lines: number): ProblemText {
  return {
    code: 'IPT0117',
    message: `lines end in CR LF (${lines.toString()} of them); the CR is left out, iptables-restore would refuse them`,
  };
}

export function openQuote(joined: number): ProblemText {
  return {
    code: 'IPT0118',
    message:
      joined === 0
        ? 'quote is not closed on this line; its text runs to the line end'
        : `quoted text goes on over ${joined.toString()} more line${joined === 1 ? '' : 's'}, which iptables-restore would refuse`,
  };
}

export function blanksAroundKeyword(keyword: string): ProblemText {
  return {
    code: 'IPT0119',
    message: `blanks around \`${shown(keyword)}\` are skipped; iptables-restore would refuse the line`,
  };
}

export function optionNotInFile(spelling: string): ProblemText {
  return {
    code: 'IPT0120',
    message: `\`${shown(spelling)}\` has no place in a rule dump`,
  };
}

export function tooManyWords(limit: number): ProblemText {
  return { code: 'IPT0121', message: `more than ${limit.toString()} words on a line` };
}

export function wordTooLong(limit: number): ProblemText {
  return { code: 'IPT0121', message: `word of more than ${limit.toString()} bytes` };
}

export function noSuchChain(chain: string): ProblemText {
  return { code: 'IPT0122', message: `no chain \`${shown(chain)}\` in this table` };
}

export function noSuchRule(chain: string, number: string): ProblemText {
  return { code: 'IPT0122', message: `chain \`${shown(chain)}\` has no rule ${shown(number)}` };
}

export function noCommand(): ProblemText {
  return {
    code: 'IPT0123',
    message: 'line has no command',
    help: 'a rule begins with `-A CHAIN`',
  };
}

export function nulByte(): ProblemText {
  return { code: 'IPT0124', message: 'line holds a NUL byte and is not read' };
}

export function otherFamily(header: string): ProblemText {
  return {
    code: 'IPT0125',
    message: `a dump of the other address family begins here (\`${shown(header)}\`): its tables are read as this file's family`,
    help: 'keep IPv4 and IPv6 dumps in files of their own',
  };
}

export function otherBackend(note: string): ProblemText {
  return {
    code: 'IPT0126',
    message: `the dump does not hold all rules of its host: ${shown(note)}`,
    help: 'dump both with iptables-legacy-save and iptables-nft-save',
  };
}

export function deleteBySpec(): ProblemText {
  return {
    code: 'IPT0120',
    message: 'rules are deleted by number only',
    help: 'a dump made by iptables-save never deletes rules',
  };
}

export function chainTwice(chain: string): ProblemText {
  return { code: 'IPT0127', message: `chain \`${shown(chain)}\` is created twice` };
}

export function badRuleNumber(text: string): ProblemText {
  return { code: 'IPT0128', message: `\`${shown(text)}\` is no rule number` };
}
