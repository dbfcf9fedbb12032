// SPDX-License-Identifier: Apache-2.0
// SNPT and DNPT: stateless IPv6 prefix translation. iptables-extensions(8) SNPT, DNPT; net/ipv6/netfilter/ip6t_NPT.c.
import { formatAddress } from '../../net/address.js';
import type { TargetExtension } from '../extension.js';
import type { Options } from '../options.js';
import { opaqueTarget, type OpaqueTarget } from './opaque.js';
import { parsePrefix, withoutHostBits } from './prefix.js';

/** The kernel takes prefixes up to 64 bits without host bits. */
const MAX_LENGTH = 64;

function prefixText(options: Options, name: string): string {
  const prefix = parsePrefix(options.text(name)!, 'ipv6');
  if (prefix === undefined) return options.badValue(name, 'expected an IPv6 prefix') ?? '';
  const address = withoutHostBits(prefix, 'ipv6');
  if (prefix.length > MAX_LENGTH || !address.every((word, i) => word === prefix.address[i]))
    options.badValue(name, `expected at most ${MAX_LENGTH} bits and nothing behind them`);
  const empty = prefix.length === 0 && address.every((word) => word === 0);
  return empty ? '' : ` ${name} ${formatAddress(prefix.address)}/${prefix.length}`;
}

function prefixTranslation(name: string): TargetExtension<OpaqueTarget> {
  const rules = { '--src-pfx': { mandatory: true }, '--dst-pfx': { mandatory: true } } as const;
  return opaqueTarget(
    name,
    ['ipv6'],
    rules,
    (options) => prefixText(options, '--src-pfx') + prefixText(options, '--dst-pfx'),
  );
}

export const snptCodec = prefixTranslation('SNPT');
export const dnptCodec = prefixTranslation('DNPT');
