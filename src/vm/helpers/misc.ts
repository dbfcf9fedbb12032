// SPDX-License-Identifier: Apache-2.0
// Helpers on time, chance, routing and talk.
import { CLOCK } from '../memory.js';
import { EINVAL } from '../errno.js';
import { HELPER } from './ids.js';
import type { Helper, HelperHost } from './host.js';

/** `sizeof(struct bpf_fib_lookup)`. */
const FIB_PARAMETERS = 64;

/**
 * Jiffies of a kernel that counted from the epoch: floor(ns * hz / 10^9), by long division in digits of 16
 * bits, which stays exact in doubles and spares the big integers.
 */
function jiffies(host: HelperHost): undefined {
  const { words } = host.memory;
  const { hz } = host.environment;
  let quotient = 0;
  let rest = 0;
  for (let digit = 3; digit >= 0; digit--) {
    const value = (words[(CLOCK >> 2) + (digit >> 1)]! >>> ((digit & 1) << 4)) & 0xffff;
    const current = rest * 65_536 + value * hz;
    const part = Math.floor(current / 1e9);
    quotient = quotient * 65_536 + part;
    rest = current - part * 1e9;
  }
  return host.answer((quotient % 2 ** 32) | 0, Math.floor(quotient / 2 ** 32));
}

/** The packet's own length stands in for `tot_len` 0, which here means: no MTU check. */
function fibLookup(host: HelperHost): number {
  const size = host.unsigned(3);
  if (size < FIB_PARAMETERS) return -EINVAL;
  const address = host.buffer(2, FIB_PARAMETERS, true);
  return host.environment.fibLookup(host.memory.view, address, host.unsigned(4));
}

const CONVERSION = /%(?:%|[-#0+ ]*\d*(ll|l|hh|h|z)?([duxXicsp]))/g;

/** `bpf_trace_printk`: format string, then up to three numbers. Returns the bytes written. */
function tracePrintk(host: HelperHost): number {
  const size = host.unsigned(2);
  const at = host.buffer(1, size, false);
  const raw = host.memory.bytes.subarray(at, at + size);
  const end = raw.indexOf(0);
  const format = new TextDecoder().decode(end < 0 ? raw : raw.subarray(0, end));
  let next = 3;
  const text = format.replace(CONVERSION, (whole, length: string | undefined, kind: string | undefined) => {
    if (kind === undefined || next > 5) return whole === '%%' ? '%' : whole;
    const value = (BigInt(host.high(next)) << 32n) | BigInt(host.unsigned(next));
    next++;
    const bits = length === 'll' || length === 'l' || kind === 'p' ? 64 : 32;
    if (kind === 'd' || kind === 'i') return BigInt.asIntN(bits, value).toString();
    if (kind === 'c') return String.fromCharCode(Number(value & 0xffn));
    const unsigned = BigInt.asUintN(bits, value);
    return kind === 'u' ? unsigned.toString() : unsigned.toString(16);
  });
  host.effects.trace.push(text);
  return text.length + 1;
}

export const MISC_HELPERS: readonly (readonly [number, Helper])[] = [
  // Translated in place where called directly; here for calls by register.
  [
    HELPER.ktime_get_ns,
    (host) => host.answer(host.memory.words[CLOCK >> 2]!, host.memory.words[(CLOCK >> 2) + 1]!),
  ],
  [HELPER.get_prandom_u32, (host) => host.answer(host.environment.random(), 0)],
  [HELPER.jiffies64, jiffies],
  [HELPER.fib_lookup, fibLookup],
  [HELPER.trace_printk, tracePrintk],
];
