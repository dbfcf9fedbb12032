// SPDX-License-Identifier: Apache-2.0
// hashlimit match, revision 3. iptables-extensions(8) hashlimit; net/netfilter/xt_hashlimit.c.
import { UINT32_MAX, type Options } from '../options.js';
import { prefixLength } from '../values.js';
import { exclusive, needsOneOf, opaqueMatch } from './codec.js';
import {
  BYTE_BURST_EXPIRE,
  burstOf,
  byteCost,
  byteRateText,
  packetCost,
  packetRateText,
  type HashlimitRate,
} from './hashlimit-rate.js';

const LIMITS = ['--hashlimit-upto', '--hashlimit-above'] as const;
/** In printing order. */
const MODES = ['srcip', 'srcport', 'dstip', 'dstport'];
const DEFAULT_GC_INTERVAL = 1000;
/** Bytes of a table's name, less its end. */
const MAX_NAME = 254;
/** The kernel cuts larger ones. */
const MAX_TABLE = 1_048_576;

export const hashlimitCodec = opaqueMatch(
  'hashlimit',
  { '--hashlimit-name': { mandatory: true }, ...exclusive(...LIMITS) },
  (options, { family }) => {
    needsOneOf(options, ...LIMITS);
    if (options.failed) return '';
    const rate = readRate(options);
    if (rate === undefined) return '';
    const above = options.has(LIMITS[1]) !== (options.negated(LIMITS[0]) || options.negated(LIMITS[1]));
    const limit = rate.bytes ? byteRateText(rate) : packetRateText(rate);
    const allBits = family === 'ipv4' ? 32 : 128;
    return (
      ` --hashlimit-${above ? 'above' : 'upto'}${limit.text}` +
      modeText(options) +
      ` --hashlimit-name ${options.text('--hashlimit-name')!.slice(0, MAX_NAME)}` +
      tableText(options, rate, limit.expire) +
      maskText(
        options,
        '--hashlimit-srcmask',
        prefixLength(options, '--hashlimit-srcmask', family, 'error'),
        allBits,
      ) +
      maskText(
        options,
        '--hashlimit-dstmask',
        prefixLength(options, '--hashlimit-dstmask', family, 'error'),
        allBits,
      ) +
      rateMatchText(options, rate)
    );
  },
);

function readRate(options: Options): HashlimitRate | undefined {
  const name = options.has(LIMITS[0]) ? LIMITS[0] : LIMITS[1];
  const text = options.text(name)!;
  const read = byteCost(text) ?? packetCost(text);
  if (read === undefined)
    return options.badValue(name, 'expected `number/second`, or minute, hour, day, or bytes as `512kb/s`');
  const burst = burstOf(options.text('--hashlimit-burst'), read);
  if (typeof burst === 'string') return options.badValue('--hashlimit-burst', burst);
  const expire = read.bytes && burst !== 0n ? BYTE_BURST_EXPIRE * 1000 : read.expire;
  const rate = { ...read, burst, expire };
  if (!options.has('--hashlimit-rate-match')) {
    if (!rate.bytes && overflows(rate))
      return options.fail(
        options.node,
        'IPT0220',
        "rate and burst of `hashlimit` overflow the kernel's credits",
      );
    return rate;
  }
  const average = rate.bytes ? rate.average : rate.average / BigInt(rate.unit);
  if (average === 0n || average > BigInt(UINT32_MAX)) return options.badValue(name, 'expected a lower rate');
  return { ...rate, average };
}

/** Credits for one unit of cost: jiffies times credits per jiffy over the scale (xt_hashlimit.c), for any HZ. */
const CREDITS = 137_438_953n;
const UINT64 = 1n << 64n;

function overflows(rate: HashlimitRate): boolean {
  const credits = (cost: bigint): bigint => (cost * CREDITS) % UINT64;
  return rate.burst === 0n || credits((rate.average * rate.burst) % UINT64) < credits(rate.average);
}

function modeText(options: Options): string {
  const text = options.text('--hashlimit-mode');
  if (text === undefined) return '';
  const given = text.split(/[,|]/).filter(Boolean);
  if (given.some((mode) => !MODES.includes(mode)))
    options.badValue('--hashlimit-mode', `expected some of ${MODES.join(', ')}, with commas`);
  const modes = MODES.filter((mode) => given.includes(mode));
  return modes.length === 0 ? '' : ` --hashlimit-mode ${modes.join(',')}`;
}

function tableText(options: Options, rate: HashlimitRate, printedExpire: number): string {
  const integer = (name: string): number | undefined =>
    options.integer(`--hashlimit-htable-${name}`, 0, UINT32_MAX);
  const size = Math.min(integer('size') ?? 0, MAX_TABLE);
  const max = Math.min(integer('max') ?? 0, MAX_TABLE);
  const interval = integer('gcinterval') ?? DEFAULT_GC_INTERVAL;
  const expire = integer('expire') ?? rate.expire;
  if (interval === 0) options.badValue('--hashlimit-htable-gcinterval', 'expected a number above 0');
  if (expire === 0) options.badValue('--hashlimit-htable-expire', 'expected a number above 0');
  return (
    (size === 0 ? '' : ` --hashlimit-htable-size ${size}`) +
    (max === 0 ? '' : ` --hashlimit-htable-max ${max}`) +
    (interval === DEFAULT_GC_INTERVAL ? '' : ` --hashlimit-htable-gcinterval ${interval}`) +
    (expire === printedExpire ? '' : ` --hashlimit-htable-expire ${expire}`)
  );
}

function maskText(options: Options, name: string, length: number | undefined, allBits: number): string {
  return options.has(name) && length !== allBits ? ` ${name} ${length}` : '';
}

function rateMatchText(options: Options, rate: HashlimitRate): string {
  const text = options.text('--hashlimit-rate-interval');
  const given = text === undefined ? 0 : parseInt(text, 10);
  if (text !== undefined && !(given > 0))
    options.badValue('--hashlimit-rate-interval', 'expected a number above 0');
  if (!options.has('--hashlimit-rate-match')) return '';
  const interval = given > 0 ? given : rate.bytes ? 1 : rate.unit;
  return ' --hashlimit-rate-match' + (interval === 1 ? '' : ` --hashlimit-rate-interval ${interval}`);
}
