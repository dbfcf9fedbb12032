// SPDX-License-Identifier: Apache-2.0
// HMARK. iptables-extensions(8) HMARK; net/netfilter/xt_HMARK.c.
import type { Family } from '../../net/family.js';
import { hex, UINT16_MAX, UINT32_MAX, type Options } from '../options.js';
import { BOTH_FAMILIES, opaqueTarget, requireOneOf } from './opaque.js';
import { parsePrefixLength } from './prefix.js';

/** Fields of `--hmark-tuple`, in the order a cut-short name is tried; each stands for the option behind it. */
const TUPLE: readonly (readonly [string, string])[] = [
  ['ct', '--hmark-ct'],
  ['src', '--hmark-src-prefix'],
  ['dst', '--hmark-dst-prefix'],
  ['sport', '--hmark-sport-mask'],
  ['dport', '--hmark-dport-mask'],
  ['proto', '--hmark-proto-mask'],
  ['spi', '--hmark-spi-mask'],
];

/** Number options: greatest value, and digits they are printed with (none: decimal), in printing order. */
const NUMBERS: readonly (readonly [string, number, number | undefined])[] = [
  ['--hmark-sport-mask', UINT16_MAX, 4],
  ['--hmark-dport-mask', UINT16_MAX, 4],
  ['--hmark-spi-mask', UINT32_MAX, 8],
  ['--hmark-sport', UINT16_MAX, 4],
  ['--hmark-dport', UINT16_MAX, 4],
  ['--hmark-spi', UINT32_MAX, 8],
  ['--hmark-proto-mask', UINT16_MAX, 2],
  ['--hmark-rnd', UINT32_MAX, 8],
  ['--hmark-mod', UINT32_MAX, undefined],
  ['--hmark-offset', UINT32_MAX, undefined],
];
const PREFIXES = ['--hmark-src-prefix', '--hmark-dst-prefix'];

/** Options and tuple fields in the order given; what comes later overwrites. */
function collect(options: Options, family: Family): ReadonlyMap<string, number> {
  const bits = family === 'ipv4' ? 32 : 128;
  const values = new Map<string, number>();
  for (const { name, args } of options.node.options) {
    const text = args[0]?.text ?? '';
    if (name === '--hmark-tuple') {
      for (const word of text.split(',')) {
        const field = word === '' ? undefined : TUPLE.find(([known]) => known.startsWith(word.toLowerCase()));
        if (field === undefined)
          options.badValue(name, `expected fields out of ${TUPLE.map(([known]) => known).join(', ')}`);
        else values.set(field[1], PREFIXES.includes(field[1]) ? bits : maximum(field[1]));
      }
      continue;
    }
    if (values.has(name))
      options.fail(options.get(name)!, 'IPT0222', `\`${name}\` is given by \`--hmark-tuple\` already`);
    if (PREFIXES.includes(name)) {
      const length = parsePrefixLength(text, family);
      if (length === undefined) options.badValue(name, 'expected a prefix length or a contiguous mask');
      else values.set(name, length);
    } else {
      const value = options.integer(name, name === '--hmark-mod' ? 1 : 0, maximum(name));
      if (value !== undefined) values.set(name, value);
    }
  }
  return values;
}

function maximum(name: string): number {
  return NUMBERS.find(([known]) => known === name)?.[1] ?? 1;
}

export const hmarkCodec = opaqueTarget(
  'HMARK',
  BOTH_FAMILIES,
  {
    '--hmark-tuple': {},
    '--hmark-src-prefix': {},
    '--hmark-dst-prefix': {},
    '--hmark-mod': { mandatory: true },
    '--hmark-rnd': { mandatory: true },
    ...Object.fromEntries(
      NUMBERS.filter(([name]) => name !== '--hmark-mod' && name !== '--hmark-rnd').map(([name]) => [
        name,
        {},
      ]),
    ),
  },
  (options, { family }) => {
    const values = collect(options, family);
    const clashes = [
      ['--hmark-spi-mask', '--hmark-sport-mask', '--hmark-dport-mask'],
      ['--hmark-spi', '--hmark-sport', '--hmark-dport'],
    ];
    for (const [spi, ...ports] of clashes) {
      const port = ports.find((name) => values.has(name));
      if (values.has(spi!) && port !== undefined)
        options.fail(options.node, 'IPT0225', `\`${spi}\` and \`${port}\` of \`HMARK\` exclude each other`);
    }
    const modifiers = ['--hmark-rnd', '--hmark-mod', '--hmark-offset'];
    if (![...values.keys()].some((name) => !modifiers.includes(name)))
      requireOneOf(options, ['--hmark-tuple']);
    let text = '';
    for (const name of PREFIXES) if (values.has(name)) text += ` ${name} ${values.get(name)}`;
    for (const [name, , digits] of NUMBERS) {
      const value = values.get(name);
      if (value !== undefined) text += ` ${name} ${digits === undefined ? value : hex(value, digits)}`;
    }
    return text + (values.has('--hmark-ct') ? ' --hmark-tuple ct' : '');
  },
);
