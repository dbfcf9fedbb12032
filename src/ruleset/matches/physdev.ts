// SPDX-License-Identifier: Apache-2.0
// physdev match. iptables-extensions(8) physdev; net/netfilter/xt_physdev.c.
import type { Options } from '../options.js';
import { not } from '../values.js';
import { needsOneOf, opaqueMatch } from './codec.js';
import { flagText } from './spi.js';

/** Bytes of an interface name, less its end. */
const MAX_NAME = 15;

export const physdevCodec = opaqueMatch('physdev', {}, (options) => {
  needsOneOf(
    options,
    '--physdev-in',
    '--physdev-out',
    '--physdev-is-in',
    '--physdev-is-out',
    '--physdev-is-bridged',
  );
  return (
    flagText(options, '--physdev-is-in') +
    portText(options, '--physdev-in') +
    flagText(options, '--physdev-is-out') +
    portText(options, '--physdev-out') +
    flagText(options, '--physdev-is-bridged')
  );
});

function portText(options: Options, name: string): string {
  const text = options.text(name);
  if (text === undefined) return '';
  if (text.length > MAX_NAME) options.badValue(name, `an interface name has at most ${MAX_NAME} bytes`);
  return `${not(options.negated(name))} ${name} ${text}`;
}
