// SPDX-License-Identifier: Apache-2.0
// Helpers on internet checksums (RFC 1071, RFC 1624; net/core/filter.c). Sums here are over 16-bit
// little-endian words, as the kernel's are on this kind of machine; one's complement sums don't care.
import { EACCES, EFAULT, EINVAL, ENOTSUPP } from '../errno.js';
import { HELPER } from './ids.js';
import type { Helper, HelperHost } from './host.js';

/** `BPF_F_HDR_FIELD_MASK`: bytes of the replaced field. */
const FIELD_SIZE_MASK = 0xf;
const FLAG_PSEUDO_HEADER = 1 << 4;
const FLAG_MARK_MANGLED_ZERO = 1 << 5;
const FLAG_MARK_ENFORCE = 1 << 6;
const FLAG_IPV6 = 1 << 7;
const CSUM_LEVEL_QUERY = 0;
const CSUM_LEVEL_RESET = 3;
/** `sizeof(struct bpf_scratchpad)`: the most that csum_diff takes. */
const DIFF_LIMIT = 512;

/** Adds the carries back until 16 bits are left. */
function fold(sum: number): number {
  let rest = sum;
  while (rest > 0xffff) rest = Math.floor(rest / 0x10000) + (rest & 0xffff);
  return rest;
}

/** A 32-bit word as the sum of its halves. */
function halves(word: number): number {
  return (word & 0xffff) + (word >>> 16);
}

/** Replaces `from` by `to` under a checksum field. */
function replaced(checksum: number, from: number, to: number): number {
  return ~fold((~checksum & 0xffff) + halves(~from) + halves(to)) & 0xffff;
}

function replaceChecksum(
  host: HelperHost,
  allowedFlags: number,
  change: (old: number, size: number) => number,
): number {
  host.context(1);
  const offset = host.unsigned(2);
  const flags = host.unsigned(5);
  if ((flags & ~allowedFlags) !== 0) return -EINVAL;
  if (offset > 0xffff || (offset & 1) !== 0 || offset + 2 > host.packet.length) return -EFAULT;
  const size = flags & FIELD_SIZE_MASK;
  if (size !== 0 && size !== 2 && size !== 4) return -EINVAL;
  if (size === 0 && (host.low(3) !== 0 || host.high(3) !== 0)) return -EINVAL;
  const at = host.packet.address + offset;
  const old = host.memory.view.getUint16(at, true);
  host.memory.view.setUint16(at, change(old, size), true);
  return 0;
}

function newChecksum(host: HelperHost, old: number, size: number): number {
  const mask = size === 2 ? 0xffff : 0xffffffff;
  if (size === 0) return ~fold((~old & 0xffff) + halves(host.low(4))) & 0xffff;
  // Two-byte fields have no upper half: complementing it would add 0xffff, which is zero in these sums.
  return replaced(old, host.low(3) & mask, host.low(4) & mask);
}

function l3Replace(host: HelperHost): number {
  return replaceChecksum(host, FIELD_SIZE_MASK, (old, size) => newChecksum(host, old, size));
}

function l4Replace(host: HelperHost): number {
  const flags = host.unsigned(5);
  const mayBeAbsent = (flags & FLAG_MARK_MANGLED_ZERO) !== 0;
  const allowed =
    FIELD_SIZE_MASK | FLAG_PSEUDO_HEADER | FLAG_MARK_MANGLED_ZERO | FLAG_MARK_ENFORCE | FLAG_IPV6;
  return replaceChecksum(host, allowed, (old, size) => {
    if (mayBeAbsent && (flags & FLAG_MARK_ENFORCE) === 0 && old === 0) return 0;
    const next = newChecksum(host, old, size);
    return mayBeAbsent && next === 0 ? 0xffff : next;
  });
}

/** The sum is folded to 16 bits, as all kernels from 6.13 on do; programs fold it anyway. */
function diff(host: HelperHost): number {
  const fromSize = host.unsigned(2);
  const toSize = host.unsigned(4);
  if (((fromSize | toSize) & 3) !== 0 || fromSize + toSize > DIFF_LIMIT) return -EINVAL;
  const { view } = host.memory;
  let sum = halves(host.low(5));
  const from = host.buffer(1, fromSize, false);
  for (let at = 0; at < fromSize; at += 4) sum += halves(~view.getUint32(from + at, true));
  const to = host.buffer(3, toSize, false);
  for (let at = 0; at < toSize; at += 4) sum += halves(view.getUint32(to + at, true));
  return fold(sum);
}

/** Nothing in hardware has verified a packet here: a query is refused, changes change nothing. */
function level(host: HelperHost): number {
  const wanted = host.unsigned(2);
  if (wanted > CSUM_LEVEL_RESET) return -EINVAL;
  return wanted === CSUM_LEVEL_QUERY ? -EACCES : 0;
}

export const CHECKSUM_HELPERS: readonly (readonly [number, Helper])[] = [
  [HELPER.l3_csum_replace, l3Replace],
  [HELPER.l4_csum_replace, l4Replace],
  [HELPER.csum_diff, diff],
  // No packet here carries a hardware sum (CHECKSUM_COMPLETE).
  [HELPER.csum_update, () => -ENOTSUPP],
  [HELPER.csum_level, level],
];
