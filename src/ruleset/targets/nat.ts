// SPDX-License-Identifier: Apache-2.0
// SNAT, DNAT, MASQUERADE, REDIRECT. iptables-extensions(8); net/netfilter/xt_nat.c, xt_MASQUERADE.c,
// xt_REDIRECT.c.
import type { TargetExtension } from '../extension.js';
import { formatPorts, formatRange, readPorts, readRange } from './nat-range.js';
import { BOTH_FAMILIES, flags, opaqueTarget, type OpaqueTarget } from './opaque.js';

/** Flags in the order iptables-save prints them. */
const FLAGS = ['--random', '--random-fully', '--persistent'];

function toAddress(
  name: string,
  option: string,
  extra: readonly string[],
  baseAllowed: boolean,
): TargetExtension<OpaqueTarget> {
  const rules = Object.fromEntries(extra.map((flag) => [flag, {}]));
  return opaqueTarget(
    name,
    BOTH_FAMILIES,
    { ...rules, [option]: { mandatory: true } },
    (options, context) => {
      const range = readRange(options, option, context, baseAllowed);
      return range === undefined ? '' : ` ${option} ${formatRange(range)}` + flags(options, FLAGS);
    },
  );
}

function toPorts(name: string, extra: readonly string[]): TargetExtension<OpaqueTarget> {
  const rules = Object.fromEntries(['--to-ports', ...extra].map((option) => [option, {}]));
  return opaqueTarget(name, BOTH_FAMILIES, rules, (options, context) => {
    const ports = readPorts(options, '--to-ports', context)?.ports;
    return (ports === undefined ? '' : ` --to-ports ${formatPorts(ports)}`) + flags(options, FLAGS);
  });
}

export const snatCodec = toAddress('SNAT', '--to-source', FLAGS, false);
export const dnatCodec = toAddress('DNAT', '--to-destination', ['--random', '--persistent'], true);
export const masqueradeCodec = toPorts('MASQUERADE', ['--random', '--random-fully']);
export const redirectCodec = toPorts('REDIRECT', ['--random']);
