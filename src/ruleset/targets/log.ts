// SPDX-License-Identifier: Apache-2.0
// LOG: terminal for nothing; the walk goes on. iptables-extensions(8) LOG; net/netfilter/xt_LOG.c.
import type { TargetExtension } from '../extension.js';
import { Options, quoteSaved, unsignedInteger } from '../options.js';
import { EXACT } from '../support/support.js';
import { BOTH_FAMILIES } from './opaque.js';

export interface LogTarget {
  readonly kind: 'LOG';
  /** syslog level 0-7; 4 (warning) is the default. */
  readonly level: number;
  readonly prefix: string;
  /** Bits of enum nf_log flags: TCP sequence 1, TCP options 2, IP options 4, uid 8, MAC decode 32. */
  readonly flags: number;
}

const FLAGS: readonly (readonly [string, number])[] = [
  ['--log-tcp-sequence', 1],
  ['--log-tcp-options', 2],
  ['--log-ip-options', 4],
  ['--log-uid', 8],
  ['--log-macdecode', 32],
];

/** syslog(3) levels, with the deprecated names that libxtables still takes. */
const LEVELS: Readonly<Record<string, number>> = {
  emerg: 0,
  panic: 0,
  alert: 1,
  crit: 2,
  error: 3,
  warning: 4,
  notice: 5,
  info: 6,
  debug: 7,
};

const DEFAULT_LEVEL = 4;
/** Bytes of `struct xt_log_info`'s prefix, less its end. */
const PREFIX_LENGTH = 29;

export const logCodec: TargetExtension<LogTarget> = {
  name: 'LOG',
  families: BOTH_FAMILIES,
  decode(node, context) {
    const rules = Object.fromEntries(
      ['--log-level', '--log-prefix', ...FLAGS.map(([name]) => name)].map((name) => [name, {}]),
    );
    const options = new Options(node, rules, context);
    const prefix = options.text('--log-prefix') ?? '';
    if (prefix.includes('\n')) options.badValue('--log-prefix', 'a prefix has no line ends');
    let level = DEFAULT_LEVEL;
    const levelText = options.text('--log-level');
    if (levelText !== undefined) {
      const read = unsignedInteger(levelText, 0, 7) ?? LEVELS[levelText];
      if (read === undefined)
        options.badValue('--log-level', `expected 0 to 7 or one of ${Object.keys(LEVELS).join(', ')}`);
      else level = read;
    }
    if (prefix.length > PREFIX_LENGTH)
      context.warn(
        options.get('--log-prefix')!,
        'IPT0229',
        `the kernel keeps ${PREFIX_LENGTH} bytes of a log prefix: \`${prefix.slice(0, PREFIX_LENGTH)}\``,
      );
    if (options.failed) return undefined;
    const bits = FLAGS.reduce((sum, [name, bit]) => (options.has(name) ? sum | bit : sum), 0);
    return { kind: 'LOG', level, prefix: prefix.slice(0, PREFIX_LENGTH), flags: bits };
  },
  print(payload) {
    let text = payload.prefix === '' ? '' : ` --log-prefix ${quoteSaved(payload.prefix)}`;
    if (payload.level !== DEFAULT_LEVEL) text += ` --log-level ${payload.level}`;
    for (const [name, bit] of FLAGS) if ((payload.flags & bit) !== 0) text += ` ${name}`;
    return text;
  },
  fidelity: () => EXACT,
};
