// SPDX-License-Identifier: Apache-2.0
/** Both ends inclusive. Ports are host order. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

export function inRange(value: number, range: NumberRange): boolean {
  return value >= range.first && value <= range.last;
}
