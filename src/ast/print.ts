// SPDX-License-Identifier: Apache-2.0
// Rule nodes back to text that iptables-restore takes, in the order they were read, counters kept. Words are
// quoted only where reading them back needs it. The text is latin1, as it was read: write it as such.
import type {
  ArgumentNode,
  ChainNode,
  Counters,
  HeaderNode,
  MatchNode,
  OptionNode,
  RuleNode,
  SaveFileNode,
  TableNode,
} from './nodes.js';

/** The whole file; ends with a newline unless it has no table. */
export function printSaveFile(file: SaveFileNode): string {
  return file.tables.map(printTable).join('');
}

export function printTable(table: TableNode): string {
  const lines = [`*${table.name}`, ...table.chains.map(printChain), ...ruleLines(table)];
  if (table.committed) lines.push('COMMIT');
  return lines.join('\n') + '\n';
}

/** Rules, and where they stood, as comments, the lines that could not be read: nothing is left out unseen. */
function ruleLines(table: TableNode): string[] {
  const lines: string[] = [];
  const unread = [...table.unread];
  for (const rule of table.rules) {
    while (unread.length > 0 && unread[0]!.span.line < rule.span.line)
      lines.push(notRead(unread.shift()!.text));
    lines.push(printRuleNode(rule));
  }
  return [...lines, ...unread.map(({ text }) => notRead(text))];
}

/** A rule that was not read, as a comment. */
export function notRead(text: string): string {
  return `# not read: ${text}`;
}

function printChain(chain: ChainNode): string {
  const counters = chain.counters === undefined ? '' : ` ${countersText(chain.counters)}`;
  return `:${chain.name} ${chain.chainPolicy}${counters}`;
}

function countersText(counters: Counters): string {
  return `[${counters.packets}:${counters.bytes}]`;
}

/** One `-A` line, with its counters where it had any. */
export function printRuleNode(rule: RuleNode): string {
  const words: string[] = [];
  if (rule.counters !== undefined) words.push(countersText(rule.counters));
  words.push('-A', quoteWord(rule.chain));
  if (rule.onlyFamily !== undefined) words.push(rule.onlyFamily === 'ipv4' ? '-4' : '-6');
  header(words, '-s', rule.source);
  header(words, '-d', rule.destination);
  header(words, '-i', rule.inInterface);
  header(words, '-o', rule.outInterface);
  header(words, '-p', rule.protocol);
  if (rule.fragment !== undefined) words.push(...(rule.fragment.negated ? ['!', '-f'] : ['-f']));
  for (const match of rule.matches) matchWords(words, match);
  if (rule.target !== undefined) {
    words.push(rule.target.goto ? '-g' : '-j', quoteWord(rule.target.name));
    optionWords(words, rule.target.options);
  }
  return words.join(' ');
}

function header(words: string[], option: string, node: HeaderNode | undefined): void {
  if (node === undefined) return;
  if (node.negated) words.push('!');
  words.push(option, quoteWord(node.text));
}

function matchWords(words: string[], match: MatchNode): void {
  if (!match.implicit) words.push('-m', match.name);
  optionWords(words, match.options);
}

function optionWords(words: string[], options: readonly OptionNode[]): void {
  for (const option of options) {
    if (option.negated) words.push('!');
    words.push(option.name, ...option.args.map((argument: ArgumentNode) => quoteWord(argument.text)));
  }
}

/** A word as the shell-like reader of iptables-restore gives it back. */
export function quoteWord(text: string): string {
  if (text !== '' && !/[ \t\n"]/.test(text)) return text;
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
