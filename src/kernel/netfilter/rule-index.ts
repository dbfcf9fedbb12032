// SPDX-License-Identifier: Apache-2.0
// Which rule a TRACE line means: the kernel counts rules per chain, the user knows lines. Read from the very
// text that iptables-restore gets, not from our own ruleset: the judge shares no parser with the judged.
import type { Family } from '../../net/family.js';
import { CONNTRACK_MATCHES, CONNTRACK_TARGETS } from '../../ruleset/evaluate/conntrack-users.js';
import { BUILT_IN_CHAINS } from '../../ruleset/ruleset.js';

export interface IndexedRule {
  /** 1-based line in the dump. */
  readonly line: number;
  /** Name behind `-j` or `-g`; undefined for a rule without target. */
  readonly target?: string;
  /** Canonical name; REJECT only. */
  readonly rejectWith?: string;
  /** LOG only. */
  readonly logPrefix?: string;
}

export interface IndexedChain {
  readonly rules: IndexedRule[];
  /** Built-in chains. */
  policy?: string;
}

export interface RuleIndex {
  /** By `table CHAIN`. */
  readonly chains: ReadonlyMap<string, IndexedChain>;
  /** Whether some rule makes the kernel track connections of the family. */
  readonly tracking: boolean;
}

/** Names that iptables takes besides the ones it prints: iptables-extensions(8) REJECT. */
const REJECT_ALIASES: Readonly<Record<Family, Readonly<Record<string, string>>>> = {
  ipv4: {
    'net-unreach': 'icmp-net-unreachable',
    'host-unreach': 'icmp-host-unreachable',
    'proto-unreach': 'icmp-proto-unreachable',
    'port-unreach': 'icmp-port-unreachable',
    'net-prohib': 'icmp-net-prohibited',
    'host-prohib': 'icmp-host-prohibited',
    'admin-prohib': 'icmp-admin-prohibited',
    'tcp-rst': 'tcp-reset',
  },
  ipv6: {
    'no-route': 'icmp6-no-route',
    'adm-prohibited': 'icmp6-adm-prohibited',
    'addr-unreach': 'icmp6-addr-unreachable',
    'port-unreach': 'icmp6-port-unreachable',
    'policy-fail': 'icmp6-policy-fail',
    'reject-route': 'icmp6-reject-route',
  },
};
const DEFAULT_REJECT: Readonly<Record<Family, string>> = {
  ipv4: 'icmp-port-unreachable',
  ipv6: 'icmp6-port-unreachable',
};

/** Indexes a dump that iptables-restore accepts. */
export function indexRules(text: string, family: Family): RuleIndex {
  const chains = new Map<string, IndexedChain>();
  let tracking = false;
  let table = '';
  for (const { line, words } of statements(text)) {
    const first = words[0] ?? '';
    if (first.startsWith('*')) {
      table = first.slice(1);
      for (const name of BUILT_IN_CHAINS[table] ?? []) {
        chains.set(`${table} ${name}`, { rules: [], policy: 'ACCEPT' });
      }
    } else if (first.startsWith(':')) {
      const policy = words[1] ?? '-';
      const chain: IndexedChain = { rules: [] };
      if (policy !== '-') chain.policy = policy;
      chains.set(`${table} ${first.slice(1)}`, chain);
    } else {
      const start = first.startsWith('[') ? 1 : 0;
      const [command, name = '', ...rest] = words.slice(start);
      const key = `${table} ${name}`;
      if (command === '-N' || command === '--new-chain') chains.set(key, { rules: [] });
      const chain = chains.get(key);
      if (command === '-P' || command === '--policy') chain!.policy = rest[0]!;
      const isInsertion = command === '-I' || command === '--insert';
      if (!isInsertion && command !== '-A' && command !== '--append') continue;
      const place = isInsertion ? (/^\d+$/.test(rest[0] ?? '') ? Number(rest[0]) - 1 : 0) : Infinity;
      chain?.rules.splice(place, 0, { line, ...targetOf(words, family) });
      tracking ||= asksForConntrack(words);
    }
  }
  return { chains, tracking };
}

function asksForConntrack(words: readonly string[]): boolean {
  return words.some((word, i) => {
    const value = words[i + 1] ?? '';
    if (word === '-m' || word === '--match') return CONNTRACK_MATCHES.has(value);
    if (word !== '-j' && word !== '--jump') return false;
    return CONNTRACK_TARGETS.has(value) || (value === 'CT' && !words.includes('--notrack'));
  });
}

function targetOf(words: readonly string[], family: Family): Omit<IndexedRule, 'line'> {
  let target: string | undefined;
  let rejectWith: string | undefined;
  let logPrefix = '';
  words.forEach((word, i) => {
    const value = words[i + 1]?.replace(QUOTED, '');
    if (value === undefined) return;
    if (word === '-j' || word === '-g' || word === '--jump' || word === '--goto') target = value;
    if (word === '--reject-with') rejectWith = REJECT_ALIASES[family][value] ?? value;
    if (word === '--log-prefix') logPrefix = value;
  });
  if (target === undefined) return {};
  if (target === 'REJECT') return { target, rejectWith: rejectWith ?? DEFAULT_REJECT[family] };
  return target === 'LOG' ? { target, logPrefix } : { target };
}

const QUOTED = '\0';

/** Lines as words, quotes as iptables-restore reads them: `\` escapes within quotes, a quote may span lines. */
function* statements(text: string): Generator<{ line: number; words: string[] }> {
  let words: string[] = [];
  let word: string | undefined;
  let quote = '';
  let line = 1;
  let startLine = 1;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i] ?? '\n';
    if (quote !== '') {
      if (c === '\\' && i + 1 < text.length) word = (word ?? '') + text[++i]!;
      else if (c === quote) quote = '';
      else word = (word ?? '') + c;
    } else if (c === '"' || c === "'") {
      quote = c;
      // A comment may read `-j`: what was quoted is marked, so that it is never taken for an option.
      word ??= QUOTED;
    } else if (c === ' ' || c === '\t' || c === '\r' || c === '\n') {
      if (word !== undefined) words.push(word);
      word = undefined;
      if (c === '\n') {
        if (words.length > 0 && !words[0]!.startsWith('#')) yield { line: startLine, words };
        words = [];
        startLine = line + 1;
      }
    } else if (c === '#' && words.length === 0 && word === undefined) {
      while (i + 1 < text.length && text[i + 1] !== '\n') i++;
    } else {
      word = (word ?? '') + c;
    }
    if (c === '\n') line++;
  }
}
