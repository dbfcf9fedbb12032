// SPDX-License-Identifier: Apache-2.0
// ipv6header match. iptables-extensions(8) ipv6header; net/ipv6/netfilter/ip6t_ipv6header.c.
import type { DecodeContext } from '../extension.js';
import { not } from '../values.js';
import { opaqueMatch } from './codec.js';
import { flagText } from './spi.js';

/** Protocol number, the name that is printed, names of ip6tables' own. In printing order. */
const HEADERS: readonly (readonly [number, string, ...string[]])[] = [
  [0, 'hop-by-hop', 'hop', '0'],
  [60, 'ipv6-opts', 'dst', '60'],
  [43, 'ipv6-route', 'route', '43'],
  [44, 'ipv6-frag', 'frag', '44'],
  [51, 'ah', 'auth', '51'],
  [50, 'esp', '50'],
  [59, 'ipv6-nonxt', 'none', '59'],
  [255, 'protocol', 'prot', '255'],
];

export const ipv6headerCodec = opaqueMatch(
  'ipv6header',
  { '--header': { mandatory: true } },
  (options, context) => {
    const given = options.text('--header')!.split(',').filter(Boolean);
    const numbers = given.map((name) => headerNumber(name, context));
    if (given.length === 0 || numbers.includes(undefined))
      options.badValue(
        '--header',
        'expected hop, dst, route, frag, auth, esp, none, prot or their numbers, with commas',
      );
    const names = HEADERS.filter(([number]) => numbers.includes(number)).map(([, name]) => name);
    return `${not(options.negated('--header'))} --header ${names.join(',')}${flagText(options, '--soft')}`;
  },
);

function headerNumber(name: string, context: DecodeContext): number | undefined {
  // `all` is a name of iptables' own, not of /etc/protocols.
  const number = name === 'all' ? undefined : context.names.protocol(name);
  const known = HEADERS.find(([one, ...names]) =>
    number === undefined ? names.includes(name) : one === number,
  );
  return known?.[0];
}
