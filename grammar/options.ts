// SPDX-License-Identifier: Apache-2.0
// How the syntax of one extension is written down: its options, nothing of their meaning. Entries are
// short texts so that a table of extensions can be read beside iptables-extensions(8):
//
//   '! sport|source-port ='   may be negated; long name and its synonyms; one argument
//   'tcp-flags = ='           two arguments
//   'rateest-bps1 [=]'        one argument, left out where the next word is `!` or begins with `-`
//   'next *'                  may be given more than once
//
// The first name is the one that iptables-save prints.
import type { Family } from '../src/net/family.js';

/** One option of an extension. */
export interface OptionShape {
  /** With its dashes, as iptables-save prints it. */
  readonly name: string;
  /** All spellings without dashes, the first one included. */
  readonly spellings: readonly string[];
  /** Number of words that follow; `optional`: one or none. */
  readonly arguments: 0 | 1 | 2 | 'optional';
  readonly invertible: boolean;
  readonly repeatable: boolean;
}

/** One match or target as `-m` or `-j` loads it. */
export interface ExtensionShape {
  readonly name: string;
  readonly families: readonly Family[];
  readonly options: readonly OptionShape[];
}

const BOTH: readonly Family[] = ['ipv4', 'ipv6'];

function option(text: string): OptionShape {
  const words = text.split(' ');
  const invertible = words[0] === '!';
  if (invertible) words.shift();
  const spellings = words[0]!.split('|');
  const count = words.filter((word) => word === '=').length;
  return {
    name: `--${spellings[0]!}`,
    spellings,
    arguments: words.includes('[=]') ? 'optional' : count === 0 ? 0 : count === 1 ? 1 : 2,
    invertible,
    repeatable: words.includes('*'),
  };
}

/** A table row for an extension of both families. */
export function extension(name: string, ...options: readonly string[]): ExtensionShape {
  return { name, families: BOTH, options: options.map(option) };
}

export function ipv4Extension(name: string, ...options: readonly string[]): ExtensionShape {
  return { name, families: ['ipv4'], options: options.map(option) };
}

export function ipv6Extension(name: string, ...options: readonly string[]): ExtensionShape {
  return { name, families: ['ipv6'], options: options.map(option) };
}
