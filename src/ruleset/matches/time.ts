// SPDX-License-Identifier: Apache-2.0
// time match. iptables-extensions(8) time; net/netfilter/xt_time.c.
import type { Options } from '../options.js';
import { opaqueMatch } from './codec.js';

const DAY = 86_400;
const LAST_SECOND = DAY - 1;
/** 2038-01-19T03:14:07, the end of time for the kernel's match. */
const END_OF_TIME = 0x7fffffff;
/** Monday is 1. */
const WEEK_DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

export const timeCodec = opaqueMatch(
  'time',
  {
    '--utc': { excludes: ['--localtz', '--kerneltz'] },
    '--localtz': { excludes: ['--utc'] },
    '--kerneltz': { excludes: ['--utc'] },
  },
  (options) => {
    const start = clock(options, '--timestart') ?? 0;
    const stop = clock(options, '--timestop') ?? LAST_SECOND;
    const contiguous = options.has('--contiguous');
    if (contiguous && start < stop)
      options.fail(
        options.get('--contiguous')!,
        'IPT0226',
        '`--contiguous` needs a stop time before the start time',
      );
    const kernelZone = options.has('--kerneltz') || options.has('--localtz');
    return (
      (start === 0 && stop === LAST_SECOND
        ? ''
        : ` --timestart ${clockText(start)} --timestop ${clockText(stop)}`) +
      daysText(options, '--monthdays', monthDay, 31, String) +
      daysText(options, '--weekdays', weekDay, 7, (day) => WEEK_DAYS[day - 1]!) +
      dateText('--datestart', date(options, '--datestart') ?? 0) +
      dateText('--datestop', date(options, '--datestop') ?? END_OF_TIME) +
      (kernelZone ? ' --kerneltz' : '') +
      (contiguous ? ' --contiguous' : '')
    );
  },
);

/** `hh:mm[:ss]` as seconds. */
function clock(options: Options, name: string): number | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const match = /^(\d+):(\d+)(?::(\d+))?$/.exec(text);
  const [hour, minute, second] = (match?.slice(1) ?? ['99', '0', '0']).map((part) => Number(part ?? 0));
  if (hour! > 23 || minute! > 59 || second! > 59) return options.badValue(name, 'expected hh:mm[:ss]');
  return hour! * 3600 + minute! * 60 + second!;
}

function clockText(seconds: number): string {
  return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(twoDigits).join(':');
}

function twoDigits(value: number): string {
  return `${value}`.padStart(2, '0');
}

/** `YYYY[-MM[-DD[Thh[:mm[:ss]]]]]` as seconds since 1970 (UTC). */
function date(options: Options, name: string): number | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const match = /^(\d+)(?:-(\d+)(?:-(\d+)(?:T(\d+)(?::(\d+)(?::(\d+))?)?)?)?)?$/.exec(text);
  const [year, month, day, hour, minute, second] = [0, 1, 1, 0, 0, 0].map((value, i) =>
    Number(match?.[i + 1] ?? value),
  );
  if (year! < 1970 || year! > 2038 || month! > 12 || day! > 31 || hour! > 23 || minute! > 59 || second! > 59)
    return options.badValue(name, 'expected YYYY[-MM[-DD[Thh[:mm[:ss]]]]] from 1970 to 2038');
  const seconds = Date.UTC(year!, month! - 1, day, hour, minute, second) / 1000;
  return seconds < 0 ? options.badValue(name, 'expected a date after 1970') : seconds;
}

function dateText(name: string, seconds: number): string {
  return seconds === 0 ? '' : ` ${name} ${new Date(seconds * 1000).toISOString().slice(0, 19)}`;
}

/** A list of days; all days are not printed, and a negation is printed as the other days. */
function daysText(
  options: Options,
  name: string,
  read: (text: string) => number | undefined,
  last: number,
  show: (day: number) => string,
): string {
  const text = options.text(name);
  if (text === undefined) return '';
  const items = text.split(',').filter((item, i, all) => item !== '' || i < all.length - 1);
  const days = items.map(read);
  if (days.includes(undefined)) {
    options.badValue(
      name,
      name === '--weekdays' ? 'expected Mon to Sun or 1 to 7, with commas' : 'expected 1 to 31, with commas',
    );
    return '';
  }
  const all = Array.from({ length: last }, (_, i) => i + 1);
  const chosen = all.filter((day) => days.includes(day) !== options.negated(name));
  return chosen.length === last ? '' : ` ${name} ${chosen.map(show).join(',')}`;
}

/** The first two characters are looked at. */
function monthDay(text: string): number | undefined {
  const day = /^\+?\d*$/.test(text.slice(0, 2)) ? Number(text.slice(0, 2)) : 32;
  return day > 31 ? undefined : day;
}

/** A number, or a name of which two letters count. */
function weekDay(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) === 0 ? undefined : Number(text);
  const index = WEEK_DAYS.findIndex((name) => name.slice(0, 2) === text.slice(0, 2));
  return index < 0 ? undefined : index + 1;
}
