// SPDX-License-Identifier: Apache-2.0
// rt match (IPv6 routing header). iptables-extensions(8) rt; net/ipv6/netfilter/ip6t_rt.c.
import { formatAddress, parseAddress } from '../../net/address.js';
import { UINT32_MAX, type Options } from '../options.js';
import { opaqueMatch } from './codec.js';
import { flagText, idRangeText, integerText } from './spi.js';

const MAX_ADDRESSES = 16;

export const rtCodec = opaqueMatch('rt', {}, (options) => {
  checkOrder(options);
  return (
    integerText(options, '--rt-type', UINT32_MAX) +
    idRangeText(options, '--rt-segsleft') +
    integerText(options, '--rt-len', UINT32_MAX) +
    flagText(options, '--rt-0-res') +
    addressesText(options) +
    flagText(options, '--rt-0-not-strict')
  );
});

/** Options about type 0 stand behind `--rt-type 0`, `--rt-0-not-strict` behind the addresses. */
function checkOrder(options: Options): void {
  const seen = new Set<string>();
  const type0 = options.integer('--rt-type', 0, UINT32_MAX) === 0 && !options.negated('--rt-type');
  for (const option of options.node.options) {
    const about0 = option.name === '--rt-0-res' || option.name === '--rt-0-addrs';
    if (about0 && !(type0 && seen.has('--rt-type')))
      options.fail(option, 'IPT0226', `\`${option.name}\` of \`rt\` needs \`--rt-type 0\` before it`);
    if (option.name === '--rt-0-not-strict' && !seen.has('--rt-0-addrs'))
      options.fail(option, 'IPT0226', '`--rt-0-not-strict` of `rt` needs `--rt-0-addrs` before it');
    seen.add(option.name);
  }
}

function addressesText(options: Options): string {
  const text = options.text('--rt-0-addrs');
  if (text === undefined) return '';
  const addresses = text.split(',').map((one) => parseAddress(one, 'ipv6'));
  if (addresses.length > MAX_ADDRESSES || addresses.includes(undefined)) {
    options.badValue('--rt-0-addrs', `expected at most ${MAX_ADDRESSES} IPv6 addresses with commas`);
    return '';
  }
  return ` --rt-0-addrs ${addresses.map((one) => formatAddress(one!)).join(',')}`;
}
