// SPDX-License-Identifier: Apache-2.0
// srh match (IPv6 segment routing header), revision 1. net/ipv6/netfilter/ip6t_srh.c; RFC 8754.
import { formatAddress, maskPrefixLength } from '../../net/address.js';
import { UINT16_MAX, UINT8_MAX } from '../options.js';
import { hostWithMask, not } from '../values.js';
import { opaqueMatch } from './codec.js';
import { integerText } from './spi.js';

const BYTES = [
  '--srh-next-hdr',
  ...['hdr-len', 'segs-left', 'last-entry'].flatMap((field) =>
    ['eq', 'gt', 'lt'].map((compare) => `--srh-${field}-${compare}`),
  ),
];
const SEGMENTS = ['--srh-psid', '--srh-nsid', '--srh-lsid'];

export const srhCodec = opaqueMatch('srh', {}, (options) => {
  const segments = SEGMENTS.map((name) => {
    const read = hostWithMask(options, name, 'ipv6');
    if (read === undefined) return '';
    return `${not(options.negated(name))} ${name} ${formatAddress(read.address)}/${maskPrefixLength(read.mask)}`;
  });
  return (
    BYTES.map((name) => integerText(options, name, UINT8_MAX)).join('') +
    integerText(options, '--srh-tag', UINT16_MAX) +
    segments.join('')
  );
});
