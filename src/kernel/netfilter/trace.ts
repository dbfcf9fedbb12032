// SPDX-License-Identifier: Apache-2.0
// TRACE lines of one packet. (LOG writes to the kernel log, not to netlink: what it logged follows from the
// trace.) The kernel names an unconditional ACCEPT, DROP or RETURN rule
// `policy:N` or `return:N` as it does a chain's end: it is rule N when the chain has a rule N
// (net/ipv4/netfilter/ip_tables.c get_chainname_rulenum).
import type { IndexedRule, RuleIndex } from './rule-index.js';

const PREFIX = 'TRACE: ';

export interface TraceLine {
  /** `filter:INPUT:rule:5`, or `policy`, `return` at a chain's end. */
  readonly text: string;
  readonly table: string;
  readonly chain: string;
  /** 1-based; one past the last rule for a chain's end. */
  readonly number: number;
  /** Undefined at a chain's end. */
  readonly rule?: IndexedRule;
  /** At the end of a built-in chain: its policy. */
  readonly policy?: string;
}

/** Reads lines; remembers what each distinct line means, as most repeat for every packet. */
export class TraceReader {
  private readonly known = new Map<string, TraceLine>();

  constructor(private readonly index: RuleIndex) {}

  /** Lines of group 0 that are no TRACE (NFLOG) are passed over. */
  read(lines: readonly string[]): TraceLine[] {
    return lines
      .filter((line) => line.startsWith(PREFIX))
      .map((line) => this.known.get(line) ?? this.parse(line));
  }

  /** Lines in the words of TRACE, wherever from: `filter:INPUT:rule:3`. */
  readTexts(texts: readonly string[]): TraceLine[] {
    return this.read(texts.map((text) => PREFIX + text));
  }

  private parse(line: string): TraceLine {
    const text = line.slice(PREFIX.length).trimEnd();
    const parts = text.split(':');
    const table = parts[0] ?? '';
    const number = Number(parts.at(-1));
    // Chain names may hold colons.
    const chain = parts.slice(1, -2).join(':');
    const indexed = this.index.chains.get(`${table} ${chain}`);
    const rule = indexed?.rules[number - 1];
    const kind = rule === undefined ? parts.at(-2)! : 'rule';
    const read: TraceLine = {
      text: `${table}:${chain}:${kind}:${String(number)}`,
      table,
      chain,
      number,
      ...(rule !== undefined ? { rule } : indexed?.policy === undefined ? {} : { policy: indexed.policy }),
    };
    this.known.set(line, read);
    return read;
  }
}
