// SPDX-License-Identifier: Apache-2.0
// A resolved ruleset as iptables-legacy-save 1.8.9 prints it after it was restored into an empty network
// namespace: tables in the reverse order of their making, all built-in chains, user chains by name, options of
// a rule in one order. Without comment lines; counters are zero. The text is latin1.
import { notRead } from '../ast/print.js';
import { formatAddress, maskPrefixLength, type MaskedAddress } from '../net/address.js';
import type { Family } from '../net/family.js';
import type { InterfacePattern } from '../net/interface-pattern.js';
import type { NameServices, PrintContext } from './extension.js';
import { matchText } from './matches/registry.js';
import {
  BUILT_IN_CHAINS,
  type Chain,
  type FamilyRuleset,
  type Negatable,
  type Rule,
  type RuleHeader,
  type Table,
} from './ruleset.js';
import { targetName, TARGETS } from './targets/registry.js';
import { not } from './values.js';

/** All tables of one family; empty when it has none. */
export function printCanonical(ruleset: FamilyRuleset, names: NameServices): string {
  const context: PrintContext = { family: ruleset.family, names };
  return [...ruleset.tables.values()]
    .reverse()
    .map((table) => printCanonicalTable(table, context))
    .join('');
}

function printCanonicalTable(table: Table, context: PrintContext): string {
  const chains = chainsInOrder(table);
  const lines = [
    `*${table.name}`,
    ...chains.map((chain) => `:${chain.name} ${chain.chainPolicy ?? '-'} [0:0]`),
    ...chains.flatMap((chain) => chain.rules.filter(isRead).map((rule) => printCanonicalRule(rule, context))),
    'COMMIT',
  ];
  return lines.join('\n') + '\n';
}

/** Built-in chains by hook, then user chains by name, compared byte by byte. */
function chainsInOrder(table: Table): Chain[] {
  const builtIn = BUILT_IN_CHAINS[table.name] ?? [];
  const userChains = [...table.chains.values()].filter((chain) => !builtIn.includes(chain.name));
  userChains.sort((a, b) => (a.name < b.name ? -1 : 1));
  return [...builtIn.flatMap((name) => table.chains.get(name) ?? []), ...userChains];
}

/** A rule that could not be read has no target and is told of elsewhere. */
function isRead(rule: Rule): boolean {
  return targetName(rule.target) !== '';
}

/** One `-A` line. */
export function printCanonicalRule(rule: Rule, context: PrintContext): string {
  if (rule.unread) return notRead(rule.text);
  return (
    `-A ${rule.chain}${headerText(rule.header, context)}` +
    rule.matches.map((match) => matchText(match, context)).join('') +
    targetText(rule, context)
  );
}

function headerText(header: RuleHeader, context: PrintContext): string {
  const protocol = header.protocol;
  const name = protocol && (context.names.protocolName(protocol.value) ?? `${protocol.value}`);
  return (
    addressText('-s', header.source, context.family) +
    addressText('-d', header.destination, context.family) +
    interfaceText('-i', header.inInterface) +
    interfaceText('-o', header.outInterface) +
    (protocol === undefined ? '' : `${not(protocol.negated)} -p ${name}`) +
    (header.fragment === undefined ? '' : `${not(header.fragment.negated)} -f`)
  );
}

function addressText(option: string, address: Negatable<MaskedAddress> | undefined, family: Family): string {
  if (address === undefined) return '';
  const { value, negated } = address;
  const length = maskPrefixLength(value.mask);
  if (length === 0 && !negated && (family === 'ipv6' || value.address[0] === 0)) return '';
  return `${not(negated)} ${option} ${formatAddress(value.address)}/${length ?? formatAddress(value.mask)}`;
}

/** `+` alone matches any interface: the kernel gets an empty mask, and nothing is printed of it. */
function interfaceText(option: string, pattern: Negatable<InterfacePattern> | undefined): string {
  if (pattern === undefined || (pattern.value.wildcard && pattern.value.name === '')) return '';
  const { name, wildcard } = pattern.value;
  return `${not(pattern.negated)} ${option} ${name}${wildcard ? '+' : ''}`;
}

function targetText(rule: Rule, context: PrintContext): string {
  const { target } = rule;
  const name = targetName(target);
  if (name === undefined) return '';
  if (target.kind === 'jump') return ` ${target.goto ? '-g' : '-j'} ${name}`;
  return ` -j ${name}${TARGETS.get(name)?.print(target, context) ?? ''}`;
}
