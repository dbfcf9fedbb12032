// SPDX-License-Identifier: Apache-2.0
// A number or a name of iproute2's tables, with a mask or not: device groups and realms.
import { hex, leadingInteger, unsignedInteger, UINT32_MAX, type Options } from '../options.js';
import { not } from '../values.js';

/** The option printed again: a name for a number that has one, hexadecimal with a mask. */
export function valueMaskText(
  options: Options,
  name: string,
  names: Readonly<Record<string, number>>,
): string {
  const text = options.text(name);
  if (text === undefined) return '';
  const read = valueAndMask(text, names);
  if (read === undefined) {
    options.badValue(name, `expected \`value[/mask]\` or one of ${Object.keys(names).join(', ')}`);
    return '';
  }
  const { value, mask } = read;
  const known = Object.entries(names).find(([, number]) => number === value)?.[0];
  const shown = mask === UINT32_MAX ? (known ?? hex(value)) : `${hex(value)}/${hex(mask)}`;
  return `${not(options.negated(name))} ${name} ${shown}`;
}

function valueAndMask(
  text: string,
  names: Readonly<Record<string, number>>,
): { readonly value: number; readonly mask: number } | undefined {
  const leading = leadingInteger(text);
  if (leading === undefined || (leading.rest !== '' && !leading.rest.startsWith('/'))) {
    const value = Object.hasOwn(names, text) ? names[text] : undefined;
    return value === undefined ? undefined : { value, mask: UINT32_MAX };
  }
  const mask = leading.rest === '' ? UINT32_MAX : unsignedInteger(leading.rest.slice(1), 0, UINT32_MAX);
  if (mask === undefined || leading.value > BigInt(UINT32_MAX)) return undefined;
  return { value: Number(leading.value), mask };
}
