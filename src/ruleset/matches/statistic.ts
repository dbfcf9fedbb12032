// SPDX-License-Identifier: Apache-2.0
// statistic match. iptables-extensions(8) statistic; net/netfilter/xt_statistic.c.
import { UINT32_MAX, type Options } from '../options.js';
import { not } from '../values.js';
import { opaqueMatch } from './codec.js';

export const statisticCodec = opaqueMatch(
  'statistic',
  {
    '--mode': { mandatory: true },
    '--probability': { excludes: ['--every', '--packet'] },
    '--every': { excludes: ['--probability'], needs: ['--packet'] },
    '--packet': { excludes: ['--probability'], needs: ['--every'] },
  },
  (options) => {
    const mode = options.text('--mode');
    if (mode === 'random') return randomText(options);
    if (mode === 'nth') return nthText(options);
    options.badValue('--mode', 'expected random or nth');
    return '';
  },
);

function randomText(options: Options): string {
  const text = options.text('--probability');
  if (text === undefined) {
    options.fail(options.node, 'IPT0226', 'mode random of `statistic` needs `--probability`');
    return '';
  }
  const probability = /^\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?$/i.test(text)
    ? Number(text)
    : -1;
  if (!(probability >= 0 && probability <= 1)) {
    options.badValue('--probability', 'expected a number from 0 to 1');
    return '';
  }
  const share = BigInt(Math.round(probability * 2 ** 31));
  return ` --mode random${not(options.negated('--probability'))} --probability ${elevenDecimals(share)}`;
}

/** share / 2^31 to eleven decimals, halves to even as printf(3) rounds. */
function elevenDecimals(share: bigint): string {
  const scaled = share * 10n ** 11n;
  let units = scaled >> 31n;
  const rest = scaled & 0x7fffffffn;
  if (rest > 0x40000000n || (rest === 0x40000000n && (units & 1n) === 1n)) units++;
  const digits = units.toString().padStart(12, '0');
  return `${digits.slice(0, -11)}.${digits.slice(-11)}`;
}

function nthText(options: Options): string {
  const every = options.integer('--every', 1, UINT32_MAX);
  const packet = options.integer('--packet', 0, UINT32_MAX) ?? 0;
  if (every === undefined) {
    options.fail(options.node, 'IPT0226', 'mode nth of `statistic` needs `--every` and `--packet`');
    return '';
  }
  if (packet > every - 1) options.badValue('--packet', 'expected a number below that of `--every`');
  return ` --mode nth${not(options.negated('--every'))} --every ${every} --packet ${packet}`;
}
