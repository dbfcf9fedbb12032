// SPDX-License-Identifier: Apache-2.0
// The Internet checksum, RFC 1071: computed from bytes, and updated in place when words change (RFC 1624).
// Whether a received packet's checksum is right: transport-checksum.ts.

/** Ones' complement sum of 16-bit words, folded; an odd last byte counts as the high half of a word. */
export function onesComplementSum(bytes: Uint8Array, start: number, end: number, initial = 0): number {
  let sum = initial;
  let i = start;
  for (; i + 1 < end; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
  if (i < end) sum += bytes[i]! << 8;
  return fold(sum);
}

/** The checksum field's value for a sum. */
export function checksumOf(sum: number): number {
  return ~fold(sum) & 0xffff;
}

function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return folded;
}

/**
 * A checksum after some of the bytes it covers changed: `before` and `after` are folded sums of those bytes,
 * at the same parity. A right checksum stays right, a wrong one stays wrong by the same amount.
 * RFC 1624 equation 3.
 */
export function updatedChecksum(checksum: number, before: number, after: number): number {
  return checksumOf((~checksum & 0xffff) + (~before & 0xffff) + after);
}
