// SPDX-License-Identifier: Apache-2.0
// RATEEST. iptables-extensions(8) RATEEST; net/netfilter/xt_RATEEST.c, net/core/gen_estimator.c.
import type { Options } from '../options.js';
import { BOTH_FAMILIES, opaqueTarget } from './opaque.js';

const MICROSECONDS = 1_000_000;
/** Bytes of the estimator's name, less its end. */
const NAME_LENGTH = 15;
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  s: MICROSECONDS,
  sec: MICROSECONDS,
  secs: MICROSECONDS,
  ms: 1000,
  msec: 1000,
  msecs: 1000,
  us: 1,
  usec: 1,
  usecs: 1,
};

/** Microseconds; a number without unit is microseconds. */
function time(options: Options, name: string): number {
  const match = /^\s*(\d+(?:\.\d*)?|\.\d+)([a-z]*)$/i.exec(options.text(name)!);
  const unit = match === null ? undefined : UNITS[match[2]!.toLowerCase()];
  if (match === null || unit === undefined) {
    options.badValue(name, 'expected a time such as `250ms` or `1s`');
    return 0;
  }
  return Math.floor(Number(match[1]) * unit);
}

function formatTime(microseconds: number): string {
  if (microseconds >= MICROSECONDS) return `${(microseconds / MICROSECONDS).toFixed(1)}s`;
  return microseconds >= 1000 ? `${(microseconds / 1000).toFixed(1)}ms` : `${microseconds}us`;
}

export const rateestCodec = opaqueTarget(
  'RATEEST',
  BOTH_FAMILIES,
  {
    '--rateest-name': { mandatory: true },
    '--rateest-interval': { mandatory: true },
    '--rateest-ewmalog': { mandatory: true },
  },
  (options) => {
    const asked = time(options, '--rateest-interval');
    const average = time(options, '--rateest-ewmalog');
    // The kernel estimates every 2^n quarter seconds and averages with a weight of 2^-m.
    let interval = 0;
    while (interval <= 5 && asked > 2 ** interval * (MICROSECONDS / 4)) interval++;
    if (interval > 5) options.badValue('--rateest-interval', 'expected at most 8 seconds');
    let weight = 1;
    while (weight < 32 && asked / -Math.log(1 - 2 ** -weight) <= average) weight++;
    weight--;
    if (weight === 0 || weight >= 31) options.badValue('--rateest-ewmalog', 'out of range for that interval');
    const period = (MICROSECONDS * 2 ** interval) / 4;
    const name = options.text('--rateest-name')!.slice(0, NAME_LENGTH);
    return (
      ` --rateest-name ${name} --rateest-interval ${formatTime(period)}` +
      ` --rateest-ewmalog ${formatTime((period * 2 ** weight) % 2 ** 32)}`
    );
  },
);
