// SPDX-License-Identifier: Apache-2.0
// Security parameter indexes and fragment ids: a range of 32-bit numbers, printed unless it is all of them.
import { UINT32_MAX, type Options } from '../options.js';
import { integerRange, not, rangeText } from '../values.js';

export function idRangeText(options: Options, name: string): string {
  const range = integerRange(options, name, UINT32_MAX);
  if (range === undefined || (range.first === 0 && range.last === UINT32_MAX)) return '';
  return `${not(options.negated(name))} ${name} ${rangeText(range)}`;
}

/** An unsigned integer option as it is printed again. */
export function integerText(options: Options, name: string, max: number, min = 0): string {
  const value = options.integer(name, min, max);
  return value === undefined ? '' : `${not(options.negated(name))} ${name} ${value}`;
}

/** A flag as it is printed again. */
export function flagText(options: Options, name: string): string {
  return options.has(name) ? `${not(options.negated(name))} ${name}` : '';
}
