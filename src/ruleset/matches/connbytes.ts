// SPDX-License-Identifier: Apache-2.0
// connbytes match. iptables-extensions(8) connbytes; net/netfilter/xt_connbytes.c.
import { leadingInteger, type Options } from '../options.js';
import { not, UINT64_MAX } from '../values.js';
import { opaqueMatch } from './codec.js';

export const connbytesCodec = opaqueMatch(
  'connbytes',
  {
    '--connbytes': { mandatory: true },
    '--connbytes-dir': { mandatory: true },
    '--connbytes-mode': { mandatory: true },
  },
  (options) =>
    countText(options) +
    wordText(options, '--connbytes-mode', ['packets', 'bytes', 'avgpkt']) +
    wordText(options, '--connbytes-dir', ['original', 'reply', 'both']),
);

/** `from[:to]`. The kernel is told of a negation by the ends being swapped. */
function countText(options: Options): string {
  const parts = options.text('--connbytes')!.split(':');
  const values = parts.map((part, i) => (part === '' ? (i === 1 ? UINT64_MAX : 0n) : wholeNumber(part)));
  const [from, to = UINT64_MAX] = values;
  if (parts.length > 2 || values.includes(undefined) || from === undefined || to < from) {
    options.badValue('--connbytes', 'expected `from[:to]`, from not above to');
    return '';
  }
  const negated = options.negated('--connbytes') && from !== to;
  return `${not(negated)} --connbytes ${from}` + (to !== 0n && to < UINT64_MAX ? `:${to}` : '');
}

function wholeNumber(text: string): bigint | undefined {
  const parsed = leadingInteger(text);
  return parsed?.rest === '' && parsed.value <= UINT64_MAX ? parsed.value : undefined;
}

function wordText(options: Options, name: string, words: readonly string[]): string {
  const word = options.text(name)!;
  if (!words.includes(word)) options.badValue(name, `expected one of ${words.join(', ')}`);
  return ` ${name} ${word}`;
}
