// SPDX-License-Identifier: Apache-2.0
// sctp match. iptables-extensions(8) sctp; net/netfilter/xt_sctp.c; RFC 9260.
import type { DecodeContext } from '../extension.js';
import type { Options } from '../options.js';
import { not, rangeText } from '../values.js';
import { opaqueMatch } from './codec.js';
import { orderedPorts } from './tcp.js';

/** Name, chunk type, letters of its flags from bit 7 down. */
const CHUNKS: readonly (readonly [string, number, string?])[] = [
  ['DATA', 0, '----IUBE'],
  ['INIT', 1],
  ['INIT_ACK', 2],
  ['SACK', 3],
  ['HEARTBEAT', 4],
  ['HEARTBEAT_ACK', 5],
  ['ABORT', 6, '-------T'],
  ['SHUTDOWN', 7],
  ['SHUTDOWN_ACK', 8],
  ['ERROR', 9],
  ['COOKIE_ECHO', 10],
  ['COOKIE_ACK', 11],
  ['ECN_ECNE', 12],
  ['ECN_CWR', 13],
  ['SHUTDOWN_COMPLETE', 14, '-------T'],
  ['I_DATA', 64, '----IUBE'],
  ['RE_CONFIG', 130],
  ['PAD', 132],
  ['ASCONF', 193],
  ['ASCONF_ACK', 128],
  ['FORWARD_TSN', 192],
  ['I_FORWARD_TSN', 194],
];
/** Chunk types with flags that fit. */
const MAX_FLAGGED = 4;

export const sctpCodec = opaqueMatch(
  'sctp',
  {},
  (options, context) =>
    portsText(options, '--sport', context) + portsText(options, '--dport', context) + chunksText(options),
);

function portsText(options: Options, name: string, context: DecodeContext): string {
  const ports = orderedPorts(options, name, context, 'sctp');
  return ports === undefined ? '' : `${not(options.negated(name))} ${name} ${rangeText(ports)}`;
}

function chunksText(options: Options): string {
  const option = options.get('--chunk-types');
  if (option === undefined) return '';
  const mode = option.args[0]!.text.toLowerCase();
  if (!['any', 'all', 'only'].includes(mode)) options.badValue('--chunk-types', 'expected any, all or only');
  return `${not(option.negated)} --chunk-types ${mode} ${chunkList(options, option.args[1]!.text)}`;
}

function chunkList(options: Options, text: string): string {
  if (text.toUpperCase() === 'ALL') return 'ALL';
  if (text.toUpperCase() === 'NONE') return 'NONE';
  const flags = new Map<number, { mask: number; value: number }>();
  const given = new Set<number>();
  for (const item of text.split(',').filter(Boolean)) {
    const [name, letters] = item.split(':') as [string, string?];
    const chunk = CHUNKS.findIndex(([known]) => known === name.toUpperCase());
    if (chunk < 0 || !readFlags(letters ?? '', chunk, flags)) {
      options.badValue(
        '--chunk-types',
        `expected chunk types with commas: ${CHUNKS.map(([known]) => known).join(', ')}`,
        1,
      );
      return '';
    }
    given.add(chunk);
  }
  if (flags.size > MAX_FLAGGED)
    options.badValue('--chunk-types', `at most ${MAX_FLAGGED} types have flags`, 1);
  if (given.size === 0) return 'NONE';
  return [...given]
    .sort((a, b) => CHUNKS[a]![1] - CHUNKS[b]![1])
    .map((chunk) => {
      const [name, type] = CHUNKS[chunk]!;
      // Flags are kept by place in the table and printed by chunk type: beyond type 14 they are lost.
      const known = type === chunk ? flags.get(chunk) : undefined;
      return known === undefined ? name : `${name}:${flagLetters(chunk, known)}`;
    })
    .join(',');
}

/** Upper case: set; lower case: clear. */
function readFlags(
  letters: string,
  chunk: number,
  flags: Map<number, { mask: number; value: number }>,
): boolean {
  const known = CHUNKS[chunk]![2] ?? '--------';
  for (const letter of letters) {
    const index = known.indexOf(letter.toUpperCase());
    if (index < 0) return false;
    const entry = flags.get(chunk) ?? { mask: 0, value: 0 };
    flags.set(chunk, entry);
    entry.mask |= 1 << (7 - index);
    if (letter >= 'A' && letter <= 'Z') entry.value |= 1 << (7 - index);
  }
  return true;
}

function flagLetters(chunk: number, flags: { readonly mask: number; readonly value: number }): string {
  const letters = CHUNKS[chunk]![2] ?? '--------';
  let text = '';
  for (let bit = 7; bit >= 0; bit--) {
    if ((flags.mask & (1 << bit)) === 0) continue;
    const letter = letters[7 - bit]!;
    text += (flags.value & (1 << bit)) !== 0 ? letter : letter.toLowerCase();
  }
  return text;
}
