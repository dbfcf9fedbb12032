// SPDX-License-Identifier: Apache-2.0
// Rates of the hashlimit match, by packets or by bytes, in the units the kernel is given (xt_hashlimit.c):
// time between packets in 1/1,000,000 s, or the cost of 16 bytes.
import { leadingInteger, UINT32_MAX } from '../options.js';
import { RATE_UNITS } from './limit.js';

export interface HashlimitRate {
  readonly bytes: boolean;
  readonly average: bigint;
  /** Packets, or whole rates' worth of bytes. */
  readonly burst: bigint;
  /** Seconds in the unit the rate was given in; for bytes 15. */
  readonly unit: number;
  /** Milliseconds an entry lives unless the rule says so. */
  readonly expire: number;
}

type Cost = Omit<HashlimitRate, 'burst'>;

const SCALE = 1_000_000n;
/** Bytes are counted by 16. */
const BYTE_SHIFT = 4n;
const BYTE_EXPIRE = 15;
/** Seconds, where a burst of bytes is given. */
export const BYTE_BURST_EXPIRE = 60;
const DEFAULT_BURST = 5n;
const MAX_BURST = 1_000_000n;
const UINT32 = BigInt(UINT32_MAX);
const UINT64 = 1n << 64n;

/** `512kb/s`; undefined when the text is no rate in bytes. */
export function byteCost(text: string): Cost | undefined {
  const mode = text.indexOf('b/s');
  const rate = atoll(text);
  if (mode <= 0 || rate === 0n) return undefined;
  const factor = unitFactor(text[mode - 1]!);
  const cost = bytesToCost(BigInt.asUintN(64, rate) * factor);
  return cost === 0n
    ? undefined
    : { bytes: true, average: cost, unit: BYTE_EXPIRE, expire: BYTE_EXPIRE * 1000 };
}

/** `3/min`; the unit may be cut short, and without one it is seconds. */
export function packetCost(text: string): Cost | undefined {
  const slash = text.indexOf('/');
  const unitText = slash < 0 ? 'second' : text.slice(slash + 1).toLowerCase();
  const unit = unitText === '' ? undefined : RATE_UNITS.find(([name]) => name.startsWith(unitText));
  const rate = BigInt.asUintN(64, atoll(text));
  if (unit === undefined || rate === 0n) return undefined;
  const average = (SCALE * BigInt(unit[2])) / rate;
  return average === 0n ? undefined : { bytes: false, average, unit: unit[2], expire: unit[2] * 1000 };
}

/** The burst in the rate's own measure, with the life time it brings; a text says what is wrong. */
export function burstOf(text: string | undefined, cost: Cost): bigint | string {
  if (text === undefined) return cost.bytes ? 0n : DEFAULT_BURST;
  const read = leadingInteger(text);
  if (read === undefined || read.value < 1n || (read.rest === '' && read.value > MAX_BURST))
    return `expected a number from 1 to ${MAX_BURST}, or bytes as \`512kb\``;
  const burst = read.value * unitFactor(read.rest[0] ?? '');
  if (burst >= UINT64) return 'the number is too large';
  if (!cost.bytes) return burst > MAX_BURST ? `expected a number from 1 to ${MAX_BURST}` : burst;
  const quantum = costToBytes(cost.average);
  if (burst < quantum) return `expected ${quantum}b or more`;
  return BigInt.asUintN(32, quantum === 0n ? 0n : (burst + quantum - 1n) / quantum);
}

/** What is printed of a rate, and the expire time that goes without saying beside it. */
export interface PrintedRate {
  readonly text: string;
  readonly expire: number;
}

export function packetRateText(rate: HashlimitRate): PrintedRate {
  let best: (typeof RATE_UNITS)[number] = RATE_UNITS[3];
  for (const unit of [RATE_UNITS[2], RATE_UNITS[1], RATE_UNITS[0]]) {
    const period = SCALE * BigInt(unit[2]);
    if (rate.average > period || period / rate.average < period % rate.average) break;
    best = unit;
  }
  const text = ` ${(SCALE * BigInt(best[2])) / rate.average}/${best[1]} --hashlimit-burst ${rate.burst}`;
  return { text, expire: best[2] * 1000 };
}

const BYTE_UNITS = [
  ['m', 1n << 20n],
  ['k', 1n << 10n],
  ['', 1n],
] as const;

export function byteRateText(rate: HashlimitRate): PrintedRate {
  const bytes = costToBytes(rate.average);
  const unit =
    BYTE_UNITS.find(([, size]) => bytes >= size && bytesToCost(bytes - (bytes % size)) === rate.average) ??
    BYTE_UNITS[2];
  const text = ` ${bytes / unit[1]}${unit[0]}b/s`;
  if (rate.burst === 0n) return { text, expire: BYTE_EXPIRE * 1000 };
  const burst = bytes * rate.burst;
  const burstUnit = BYTE_UNITS.find(([, size]) => burst >= size) ?? BYTE_UNITS[2];
  return {
    text: `${text} --hashlimit-burst ${burst / burstUnit[1]}${burstUnit[0]}b`,
    expire: BYTE_BURST_EXPIRE * 1000,
  };
}

function costToBytes(cost: bigint): bigint {
  return BigInt.asUintN(64, ((cost === 0n ? UINT32 : UINT32 / cost) - 1n) << BYTE_SHIFT);
}

function bytesToCost(bytes: bigint): bigint {
  return UINT32 / (BigInt.asUintN(32, bytes >> BYTE_SHIFT) + 1n);
}

function unitFactor(letter: string): bigint {
  return letter === 'm' ? 1n << 20n : letter === 'k' ? 1n << 10n : 1n;
}

/** The decimal number a text begins with, else 0. */
function atoll(text: string): bigint {
  const match = /^\s*([+-]?)([0-9]+)/.exec(text);
  if (match === null) return 0n;
  const value = BigInt(match[2]!);
  return match[1] === '-' ? -value : value;
}
