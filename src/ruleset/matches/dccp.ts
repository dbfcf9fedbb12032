// SPDX-License-Identifier: Apache-2.0
// dccp match. iptables-extensions(8) dccp; net/netfilter/xt_dccp.c; RFC 4340.
import type { DecodeContext } from '../extension.js';
import type { Options } from '../options.js';
import { not, portRange, rangeText } from '../values.js';
import { opaqueMatch } from './codec.js';
import { integerText } from './spi.js';

/** By type number. */
const TYPES = [
  'REQUEST',
  'RESPONSE',
  'DATA',
  'ACK',
  'DATAACK',
  'CLOSEREQ',
  'CLOSE',
  'RESET',
  'SYNC',
  'SYNCACK',
  'INVALID',
];

export const dccpCodec = opaqueMatch(
  'dccp',
  {},
  (options, context) =>
    portsText(options, '--sport', context) +
    portsText(options, '--dport', context) +
    typesText(options) +
    integerText(options, '--dccp-option', 255, 1),
);

function portsText(options: Options, name: string, context: DecodeContext): string {
  const ports = portRange(options, name, context);
  return ports === undefined ? '' : `${not(options.negated(name))} ${name} ${rangeText(ports)}`;
}

function typesText(options: Options): string {
  const text = options.text('--dccp-types');
  if (text === undefined) return '';
  const given = text.toUpperCase().split(',').filter(Boolean);
  if (given.some((name) => !TYPES.includes(name)))
    options.badValue('--dccp-types', `expected packet types with commas: ${TYPES.join(', ')}`);
  const types = TYPES.filter((name) => given.includes(name));
  return `${not(options.negated('--dccp-types'))} --dccp-types ${types.join(',')}`;
}
