// SPDX-License-Identifier: Apache-2.0
// Random rules over the options of every extension, with arguments that iptables' own tests use and arguments
// near the edges of what it takes. Made for asking the real iptables.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MATCH_SHAPES } from '../../grammar/extensions/matches.js';
import { TARGET_SHAPES } from '../../grammar/extensions/targets.js';
import type { ExtensionShape, OptionShape } from '../../grammar/options.js';
import { quoteWord } from '../../src/ast/print.js';
import { BUILT_IN_CHAINS } from '../../src/ruleset/ruleset.js';
import type { ExtensionRow } from './extension-rows.js';

/** Extensions whose acceptance depends on the machine: sets, objects, modules that this kernel lacks. */
const OF_THE_HOST = new Set(
  'bpf cgroup CLUSTERIP connlabel CT IDLETIMER ipvs LED nfacct osf rateest RATEEST SECMARK set SET ULOG'.split(
    ' ',
  ),
);

const PROTOCOL_OF: Readonly<Record<string, string>> = {
  ah: 'ah',
  dccp: 'dccp',
  esp: 'esp',
  icmp: 'icmp',
  icmp6: 'ipv6-icmp',
  ipcomp: 'ipcomp',
  mh: 'mh',
  sctp: 'sctp',
  tcp: 'tcp',
  tcpmss: 'tcp',
  udp: 'udp',
};

const EDGES = [
  ...[
    '0',
    '1',
    '255',
    '256',
    '65535',
    '65536',
    '4294967295',
    '4294967296',
    '-1',
    '0x10',
    '010',
    '+3',
    '1a',
    '09',
  ],
  ...[
    '10.0.0.1',
    '10.0.0.1/8',
    '1.2.3.4/255.255.0.0',
    '1.2.3.4/255.0.255.0',
    '10.1',
    '0.0.0.0/0',
    '1.2.3.4/33',
  ],
  ...[
    '1.2.3.4-1.2.3.9',
    '1.2.3.9-1.2.3.4',
    '::1',
    'fe80::/10',
    '::/0',
    '::ffff:1.2.3.4',
    '::1.2.3.4',
    '1::2-1::9',
  ],
  ...[
    '1:2',
    '2:1',
    ':5',
    '5:',
    ':',
    '1:2:3',
    '0:65535',
    '22,80',
    '22:80,443',
    '80,22:23,1',
    '1,2,3,4,5,6,7,8',
    '1/2',
  ],
  ...[
    'tcp',
    'http',
    'domain',
    'NEW',
    'est',
    'NONE',
    'src,dst',
    'ORIGINAL',
    'LOCAL',
    'mult',
    'random',
    'any',
    'ALL',
  ],
  ...[
    '5/sec',
    '3/min',
    '1/day',
    '0/s',
    '512kb/s',
    '1mb',
    'Mon,Su',
    '1,31',
    '08:00',
    '25:00',
    '2020-01-02T03:04:05',
  ],
  ...[
    'foo',
    'a b',
    'x"y',
    'a\\b',
    'eth0',
    'eth+',
    'averyverylongname',
    '0.5',
    '1.5',
    '.1',
    '0x1/0xff',
    '|41 42|',
    'EF',
  ],
];

/** A generator of numbers in [0, 1) that a seed decides (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Arguments by option, as the rows of the extension tests use them. */
export function knownArguments(folder: string): ReadonlyMap<string, readonly string[]> {
  const known = new Map<string, string[]>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.t'))) {
    for (const line of readFileSync(join(folder, file), 'latin1').split('\n')) {
      const words = line.split(';')[0]!.match(/"[^"]*"|\S+/g) ?? [];
      for (const [i, word] of words.entries()) {
        const next = words[i + 1];
        if (!word.startsWith('--') || next === undefined || next.startsWith('-')) continue;
        const list = known.get(word) ?? [];
        known.set(word, list);
        list.push(next.replace(/^"|"$/g, ''));
      }
    }
  }
  return known;
}

export function randomRows(
  count: number,
  seed: number,
  known: ReadonlyMap<string, readonly string[]>,
): ExtensionRow[] {
  const random = seeded(seed);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
  const optionText = (option: OptionShape): string => {
    const spelling = `--${pick(option.spellings)}`;
    const usual = known.get(spelling) ?? known.get(option.name);
    const arity = option.arguments === 'optional' ? Math.round(random()) : option.arguments;
    const words = Array.from({ length: arity }, () =>
      quoteWord(usual !== undefined && random() < 0.6 ? pick(usual) : pick(EDGES)),
    );
    return [...(option.invertible && random() < 0.25 ? ['!'] : []), spelling, ...words].join(' ');
  };
  const row = (flag: '-m' | '-j', shape: ExtensionShape): ExtensionRow => {
    const table = pick(['filter', 'mangle', 'raw', 'nat']);
    const family = pick(shape.families);
    const protocol = PROTOCOL_OF[shape.name] ?? (random() < 0.5 ? pick(['tcp', 'udp']) : undefined);
    const chosen = Array.from({ length: Math.min(4, shape.options.length) }, () => pick(shape.options));
    const options = [...new Set(chosen.slice(0, 1 + Math.floor(random() * chosen.length)))];
    const rule = [
      `-A ${pick(BUILT_IN_CHAINS[table]!)}`,
      ...(protocol === undefined ? [] : [`-p ${protocol}`]),
      `${flag} ${shape.name}`,
      ...options.map(optionText),
    ].join(' ');
    return { name: rule, family, table, rule, saved: undefined };
  };
  const usable = (shapes: readonly ExtensionShape[]): ExtensionShape[] =>
    shapes.filter(({ name }) => !OF_THE_HOST.has(name));
  const matches = usable(MATCH_SHAPES);
  const targets = usable(TARGET_SHAPES);
  return Array.from({ length: count }, () =>
    random() < 0.7 ? row('-m', pick(matches)) : row('-j', pick(targets)),
  );
}
