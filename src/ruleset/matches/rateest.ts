// SPDX-License-Identifier: Apache-2.0
// rateest match. iptables-extensions(8) rateest; net/netfilter/xt_rateest.c.
import { unsignedInteger, UINT32_MAX, type Options } from '../options.js';
import { not } from '../values.js';
import { needsOneOf, opaqueMatch } from './codec.js';

const COMPARISONS = ['--rateest-lt', '--rateest-gt', '--rateest-eq'];
/** Bytes of an estimator's name, less its end. */
const MAX_NAME = 15;

/** Bits per second. */
const BIT_UNITS: Readonly<Record<string, number>> = {
  bit: 1,
  kibit: 2 ** 10,
  kbit: 1e3,
  mibit: 2 ** 20,
  mbit: 1e6,
  gibit: 2 ** 30,
  gbit: 1e9,
  tibit: 2 ** 40,
  tbit: 1e12,
  bps: 8,
  kibps: 8 * 2 ** 10,
  kbps: 8e3,
  mibps: 8 * 2 ** 20,
  mbps: 8e6,
  gibps: 8 * 2 ** 30,
  gbps: 8e9,
  tibps: 8 * 2 ** 40,
  tbps: 8e12,
};

export const rateestCodec = opaqueMatch('rateest', {}, (options) => {
  needsOneOf(options, ...COMPARISONS);
  needsOneOf(options, '--rateest-bps1', '--rateest-bps2', '--rateest-pps1', '--rateest-pps2');
  const relative = options.has('--rateest2');
  const name = (option: string): string => (options.text(option) ?? '').slice(0, MAX_NAME);
  return (
    (options.has('--rateest-delta') ? ' --rateest-delta' : '') +
    ` ${relative ? '--rateest1' : '--rateest'} ${name('--rateest1')}` +
    ratesText(options, 'bps', relative) +
    ratesText(options, 'pps', relative) +
    (relative ? ` --rateest2 ${name('--rateest2')}` : '')
  );
});

function ratesText(options: Options, unit: 'bps' | 'pps', relative: boolean): string {
  const [first, second] = [`--rateest-${unit}1`, `--rateest-${unit}2`] as const;
  if (!options.has(first) && !options.has(second)) return '';
  const rate = (name: string): string =>
    unit === 'bps' ? bitText(bytes(options, name)) : ` ${packets(options, name)}`;
  const comparison =
    options.node.options.map(({ name }) => name).findLast((name) => COMPARISONS.includes(name)) ?? '';
  const compare = `${not(COMPARISONS.some((one) => options.negated(one)))} ${comparison}`;
  const delta = options.has('--rateest-delta');
  const last = !relative || delta ? rate(second) : '';
  return delta
    ? ` --rateest-${unit}1${rate(first)}${compare} --rateest-${unit}2${last}`
    : `${compare} --rateest-${unit}${last}`;
}

/** Bytes per second of a text like `10mbit`; without a unit, bits. */
function bytes(options: Options, name: string): number {
  const text = options.text(name);
  if (text === undefined) return 0;
  const match = /^\s*([0-9]*\.?[0-9]+(?:e[0-9]+)?)([a-z]*)$/i.exec(text);
  const unit = match?.[2] === '' ? 1 : BIT_UNITS[match?.[2]?.toLowerCase() ?? ''];
  if (match === null || unit === undefined) {
    options.badValue(name, 'expected a rate such as `10mbit` or `2KBps`');
    return 0;
  }
  return Math.trunc((Number(match[1]) * unit) / 8) >>> 0;
}

function packets(options: Options, name: string): number {
  const text = options.text(name);
  if (text === undefined) return 0;
  const value = unsignedInteger(text, 0, UINT32_MAX);
  if (value === undefined) options.badValue(name, 'expected packets per second');
  return value ?? 0;
}

function bitText(rate: number): string {
  const bits = rate * 8;
  if (bits >= 1e9) return ` ${(bits / 1e6).toFixed(0)}Mbit`;
  if (bits >= 1e6) return ` ${(bits / 1e3).toFixed(0)}Kbit`;
  return ` ${bits.toFixed(0)}bit`;
}
