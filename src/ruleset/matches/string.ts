// SPDX-License-Identifier: Apache-2.0
// string match, revision 1. iptables-extensions(8) string; net/netfilter/xt_string.c.
import { UINT16_MAX, type Options } from '../options.js';
import { not } from '../values.js';
import { exclusive, needsOneOf, opaqueMatch } from './codec.js';

const ALGORITHMS = ['bm', 'kmp', 'fsm'];
const MAX_PATTERN = 128;

export const stringCodec = opaqueMatch(
  'string',
  { '--algo': { mandatory: true }, ...exclusive('--string', '--hex-string') },
  (options) => {
    needsOneOf(options, '--string', '--hex-string');
    const algorithm = options.text('--algo')!;
    if (!ALGORITHMS.includes(algorithm))
      options.badValue('--algo', `expected one of ${ALGORITHMS.join(', ')}`);
    const from = options.integer('--from', 0, UINT16_MAX) ?? 0;
    const to = options.integer('--to', 0, UINT16_MAX) ?? UINT16_MAX;
    if (from > to) options.badValue('--from', 'expected an offset not above that of `--to`');
    return (
      patternText(options) +
      ` --algo ${algorithm}` +
      (from === 0 ? '' : ` --from ${from}`) +
      (to === UINT16_MAX ? '' : ` --to ${to}`) +
      (options.has('--icase') ? ' --icase' : '')
    );
  },
);

function patternText(options: Options): string {
  const name = options.has('--hex-string') ? '--hex-string' : '--string';
  const pattern = name === '--string' ? options.text(name) : hexPattern(options.text(name)!);
  if (pattern === undefined || pattern.length > MAX_PATTERN) {
    if (!options.failed)
      options.badValue(
        name,
        `expected at most ${MAX_PATTERN} bytes; hexadecimal digits stand in pairs between bars`,
      );
    return '';
  }
  const sign = not(options.negated(name));
  if (/^[\x20-\x7e]*$/.test(pattern) && !pattern.endsWith('\\'))
    return `${sign} --string "${pattern.replace(/["\\]/g, '\\$&')}"`;
  const digits = [...pattern].map((char) => char.charCodeAt(0).toString(16).padStart(2, '0')).join('');
  return `${sign} --hex-string "|${digits}|"`;
}

/** Text with `|0a 0d|` for bytes and a backslash before a character that stands for itself. */
function hexPattern(text: string): string | undefined {
  let out = '';
  let i = 0;
  let inHex = false;
  while (i < text.length) {
    const char = text[i]!;
    if (char === '\\') {
      if (inHex || i + 1 >= text.length) return undefined;
      out += text[i + 1]!;
      i += 2;
      continue;
    }
    if (char === '|') {
      inHex = !inHex;
      if (inHex) while (text[i + 1] === ' ') i++;
      i++;
      if (i >= text.length) break;
      if (text[i] === '|' || text[i] === '\\') continue;
    }
    if (!inHex) {
      out += text[i]!;
      i++;
      continue;
    }
    const digits = text.slice(i, i + 2);
    // A pair may not end the text: its bar is still to come.
    if (!/^[0-9a-f]{2}$/i.test(digits) || i + 2 >= text.length) return undefined;
    out += String.fromCharCode(parseInt(digits, 16));
    i += text[i + 2] === ' ' ? 3 : 2;
  }
  return out;
}
