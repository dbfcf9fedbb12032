// SPDX-License-Identifier: Apache-2.0
// Destination and hop-by-hop options: a header length and a list of `type[:length]`.
import { leadingInteger, UINT32_MAX, type Options } from '../options.js';
import { integerText } from './spi.js';

const MAX_OPTIONS = 16;

/** `--PREFIX-len` and `--PREFIX-opts` printed again. */
export function ipv6OptionsText(options: Options, prefix: 'dst' | 'hbh'): string {
  return integerText(options, `--${prefix}-len`, UINT32_MAX) + listText(options, `--${prefix}-opts`);
}

function listText(options: Options, name: string): string {
  const text = options.text(name);
  if (text === undefined) return '';
  let slots = 0;
  const items = text.split(',').map((item) => {
    const [typeText, lengthText, more] = item.split(':');
    slots++;
    const type = byte(typeText!);
    const length = lengthText === undefined ? 255 : byte(lengthText);
    if (
      type === undefined ||
      length === undefined ||
      more !== undefined ||
      (type === 0 && lengthText !== undefined)
    )
      return undefined;
    return length === 255 ? `${type}` : `${type}:${length}`;
  });
  if (slots > MAX_OPTIONS || items.includes(undefined)) {
    options.badValue(
      name,
      `expected at most ${MAX_OPTIONS} \`type[:length]\` with commas; type 0 has no length`,
    );
    return '';
  }
  return ` ${name} ${items.join(',')}`;
}

/** The lowest eight bits of a number. */
function byte(text: string): number | undefined {
  const negative = text.startsWith('-');
  const parsed = leadingInteger(negative ? text.slice(1) : text);
  return parsed?.rest === '' ? Number(BigInt.asUintN(8, negative ? -parsed.value : parsed.value)) : undefined;
}
