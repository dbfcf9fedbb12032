// SPDX-License-Identifier: Apache-2.0
// TTL (IPv4) and HL (IPv6). iptables-extensions(8) TTL, HL; net/netfilter/xt_HL.c.
import type { Family } from '../../net/family.js';
import type { TargetExtension } from '../extension.js';
import { UINT8_MAX } from '../options.js';
import { oneOf, opaqueTarget, requireOneOf, type OpaqueTarget } from './opaque.js';

function hopCount(name: string, family: Family, stem: string): TargetExtension<OpaqueTarget> {
  const operations = [`--${stem}-set`, `--${stem}-dec`, `--${stem}-inc`];
  return opaqueTarget(name, [family], oneOf(...operations), (options) => {
    if (!requireOneOf(options, operations)) return '';
    const given = operations.find((operation) => options.has(operation))!;
    const value = options.integer(given, given.endsWith('-set') ? 0 : 1, UINT8_MAX);
    return ` ${given} ${value}`;
  });
}

export const ttlCodec = hopCount('TTL', 'ipv4', 'ttl');
export const hlCodec = hopCount('HL', 'ipv6', 'hl');
