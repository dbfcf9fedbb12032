// SPDX-License-Identifier: Apache-2.0
// srh match (IPv6 segment routing header), revision 1. net/ipv6/netfilter/ip6t_srh.c; RFC 8754.
import { formatAddress, maskPrefixLength } from '../../net/address.js';
import { UINT16_MAX, UINT8_MAX, type Options } from '../options.js';
import { hostWithMask, not } from '../values.js';
import { opaqueMatch } from './codec.js';
import { integerText } from './spi.js';

const COMPARED = ['--srh-hdr-len', '--srh-segs-left', '--srh-last-entry'];
const SEGMENTS = ['--srh-psid', '--srh-nsid', '--srh-lsid'];

export const srhCodec = opaqueMatch('srh', {}, (options) => {
  const segments = SEGMENTS.map((name) => {
    const read = hostWithMask(options, name, 'ipv6');
    if (read === undefined) return '';
    return `${not(options.negated(name))} ${name} ${formatAddress(read.address)}/${maskPrefixLength(read.mask)}`;
  });
  return (
    integerText(options, '--srh-next-hdr', UINT8_MAX) +
    COMPARED.map((field) => comparedText(options, field)).join('') +
    integerText(options, '--srh-tag', UINT16_MAX) +
    segments.join('')
  );
});

/** The comparisons of a field share one value: the last one given. */
function comparedText(options: Options, field: string): string {
  const names = ['eq', 'gt', 'lt'].map((compare) => `${field}-${compare}`);
  const values = options.node.options
    .filter(({ name }) => names.includes(name))
    .map(({ name }) => options.integer(name, 0, UINT8_MAX));
  return names
    .filter((name) => options.has(name))
    .map((name) => `${not(options.negated(name))} ${name} ${values.at(-1) ?? ''}`)
    .join('');
}
