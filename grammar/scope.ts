// SPDX-License-Identifier: Apache-2.0
// Which options are known at one point of a rule. iptables reads a line with getopt_long(3): the base
// options first, then those of every match and target loaded so far, the newest first; long names may be
// cut short where that leaves no doubt; `-p tcp` makes the match of that name loadable by its options.
import type { Family } from '../src/net/family.js';
import { MATCH_SHAPES } from './extensions/matches.js';
import { TARGET_SHAPES } from './extensions/targets.js';
import type { ExtensionShape, OptionShape } from './options.js';

function byName(shapes: readonly ExtensionShape[], family: Family): ReadonlyMap<string, ExtensionShape> {
  return new Map(
    shapes.filter((shape) => shape.families.includes(family)).map((shape) => [shape.name, shape]),
  );
}

const MATCHES = { ipv4: byName(MATCH_SHAPES, 'ipv4'), ipv6: byName(MATCH_SHAPES, 'ipv6') };
const TARGETS = { ipv4: byName(TARGET_SHAPES, 'ipv4'), ipv6: byName(TARGET_SHAPES, 'ipv6') };

/** The match that `-m name` loads; ICMPv6 has three names. */
export function findMatch(name: string, family: Family): ExtensionShape | undefined {
  const real = name === 'icmpv6' || name === 'ipv6-icmp' ? 'icmp6' : name;
  return MATCHES[family].get(real);
}

/** The target that `-j name` loads; undefined: `name` can only be a chain. */
export function findTarget(name: string, family: Family): ExtensionShape | undefined {
  return TARGETS[family].get(name);
}

export function matchNames(family: Family): Iterable<string> {
  return MATCHES[family].keys();
}

export function targetNames(family: Family): Iterable<string> {
  return TARGETS[family].keys();
}

/** Protocol numbers that stand for a name in `-p`, before /etc/protocols is asked, and those with a match. */
const PROTOCOL_MATCH: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  50: 'esp',
  51: 'ah',
  58: 'icmp6',
  108: 'ipcomp',
  132: 'sctp',
};

/** The match that an option behind `-p protocol` may load. */
export function protocolMatch(protocol: string, family: Family): ExtensionShape | undefined {
  const number = /^(0x[0-9a-f]{1,2}|[0-9]{1,3})$/.test(protocol) ? Number(protocol) : undefined;
  const name = number === undefined ? protocol : PROTOCOL_MATCH[number];
  return name === undefined ? undefined : findMatch(name, family);
}

/** Base options by letter: what follows, and the token they become. `optional`: only in the same word. */
export type BaseArgument = 'none' | 'required' | 'optional';

export interface BaseOption {
  readonly letter: string;
  readonly argument: BaseArgument;
}

function base(letter: string, argument: BaseArgument): BaseOption {
  return { letter, argument };
}

const REQUIRED = 'ACDEINPRMcdgijmopst';
const OPTIONAL = 'FLSXZWh';
const NONE = '46bfVnvwx';

const BASE_BY_LETTER: ReadonlyMap<string, BaseOption> = new Map([
  ...[...REQUIRED].map((letter) => [letter, base(letter, 'required')] as const),
  ...[...OPTIONAL].map((letter) => [letter, base(letter, 'optional')] as const),
  ...[...NONE].map((letter) => [letter, base(letter, 'none')] as const),
]);

const BASE_LONG: readonly (readonly [string, string])[] = [
  ['append', 'A'],
  ['delete', 'D'],
  ['check', 'C'],
  ['insert', 'I'],
  ['replace', 'R'],
  ['list', 'L'],
  ['list-rules', 'S'],
  ['flush', 'F'],
  ['zero', 'Z'],
  ['new-chain', 'N'],
  ['delete-chain', 'X'],
  ['rename-chain', 'E'],
  ['policy', 'P'],
  ['source', 's'],
  ['destination', 'd'],
  ['src', 's'],
  ['dst', 'd'],
  ['protocol', 'p'],
  ['in-interface', 'i'],
  ['jump', 'j'],
  ['table', 't'],
  ['match', 'm'],
  ['numeric', 'n'],
  ['out-interface', 'o'],
  ['verbose', 'v'],
  ['wait', 'w'],
  ['wait-interval', 'W'],
  ['exact', 'x'],
  ['fragments', 'f'],
  ['version', 'V'],
  ['help', 'h'],
  ['line-numbers', '0'],
  ['modprobe', 'M'],
  ['set-counters', 'c'],
  ['goto', 'g'],
  ['ipv4', '4'],
  ['ipv6', '6'],
];

const LINE_NUMBERS = base('0', 'none');

export function baseOption(letter: string): BaseOption | undefined {
  return letter === '0' ? undefined : BASE_BY_LETTER.get(letter);
}

/** What a long name stands for. */
export type LongOption =
  | { readonly kind: 'base'; readonly option: BaseOption }
  | { readonly kind: 'extension'; readonly owner: ExtensionShape; readonly option: OptionShape }
  | { readonly kind: 'ambiguous'; readonly candidates: readonly string[] }
  | { readonly kind: 'unknown' };

/** The options in force, grown as `-m`, `-j` and implicit matches are met. */
export class Scope {
  /** Newest first. */
  private readonly loaded: ExtensionShape[] = [];

  load(shape: ExtensionShape): void {
    if (!this.loaded.includes(shape)) this.loaded.unshift(shape);
  }

  /** Looks a long name up, without its dashes and without `=value`. */
  find(name: string): LongOption {
    const exactBase = BASE_LONG.find(([long]) => long === name);
    if (exactBase !== undefined) return { kind: 'base', option: optionOf(exactBase[1]) };
    for (const owner of this.loaded) {
      const option = owner.options.find(({ spellings }) => spellings.includes(name));
      if (option !== undefined) return { kind: 'extension', owner, option };
    }
    return this.findAbbreviation(name);
  }

  private findAbbreviation(name: string): LongOption {
    const found = new Map<unknown, { readonly result: LongOption; readonly spelling: string }>();
    for (const [long, letter] of BASE_LONG) {
      if (long.startsWith(name) && !found.has(letter))
        found.set(letter, { result: { kind: 'base', option: optionOf(letter) }, spelling: long });
    }
    for (const owner of this.loaded) {
      for (const option of owner.options) {
        const spelling = option.spellings.find((one) => one.startsWith(name));
        if (spelling !== undefined && !found.has(option))
          found.set(option, { result: { kind: 'extension', owner, option }, spelling });
      }
    }
    const all = [...found.values()];
    if (all.length === 0) return { kind: 'unknown' };
    if (all.length === 1) return all[0]!.result;
    return { kind: 'ambiguous', candidates: all.map(({ spelling }) => `--${spelling}`) };
  }
}

function optionOf(letter: string): BaseOption {
  return letter === '0' ? LINE_NUMBERS : BASE_BY_LETTER.get(letter)!;
}
