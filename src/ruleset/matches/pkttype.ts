// SPDX-License-Identifier: Apache-2.0
// pkttype match. iptables-extensions(8) pkttype; net/netfilter/xt_pkttype.c.
import { not } from '../values.js';
import { opaqueMatch } from './codec.js';

const SYNONYMS: Readonly<Record<string, string>> = {
  bcast: 'broadcast',
  mcast: 'multicast',
  host: 'unicast',
};
const TYPES = ['unicast', 'broadcast', 'multicast', 'otherhost'];

export const pkttypeCodec = opaqueMatch('pkttype', { '--pkt-type': { mandatory: true } }, (options) => {
  const text = options.text('--pkt-type')!.toLowerCase();
  const type = SYNONYMS[text] ?? text;
  if (!TYPES.includes(type)) options.badValue('--pkt-type', `expected one of ${TYPES.join(', ')}`);
  return `${not(options.negated('--pkt-type'))} --pkt-type ${type}`;
});
