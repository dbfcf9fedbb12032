// SPDX-License-Identifier: Apache-2.0
// mac match. iptables-extensions(8) mac; net/netfilter/xt_mac.c.
import type { Skb } from '../evaluate/skb.js';
import { not } from '../values.js';
import { matchCodec } from './codec.js';
import { and, negateIf, range } from '../../model/box.js';
import type { Test } from '../../model/model.js';

export interface MacMatch {
  readonly kind: 'mac';
  /** Six bytes. */
  readonly source: readonly number[];
  readonly negated: boolean;
}

export const macCodec = matchCodec<MacMatch>({
  name: 'mac',
  checks: { '--mac-source': { mandatory: true } },
  read(options) {
    const source = macAddress(options.text('--mac-source')!);
    if (source === undefined)
      return options.badValue('--mac-source', 'expected six bytes in hexadecimal with colons between');
    return { kind: 'mac', source, negated: options.negated('--mac-source') };
  },
  print: (match) => `${not(match.negated)} --mac-source ${macText(match.source)}`,
});

/** Six bytes of one or two digits each. */
export function macAddress(text: string): readonly number[] | undefined {
  if (!/^[0-9a-f]{0,2}(?::[0-9a-f]{0,2}){5}$/i.test(text)) return undefined;
  return text.split(':').map((byte) => (byte === '' ? 0 : parseInt(byte, 16)));
}

export function macText(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** Never matches a packet that the host sent itself, negated or not: it has no Ethernet header. */
export function evaluateMac(match: MacMatch, { packet, inInterface, packetType }: Skb): boolean {
  if (inInterface === '' || inInterface === 'lo' || packetType === 'loopback') return false;
  const same = match.source.every((octet, i) => packet.frame[6 + i] === octet);
  return same !== match.negated;
}

/** Without an Ethernet source nothing matches, negated or not. */
export function lowerMac(match: MacMatch): Test {
  const [a, b, c, d, e, f] = match.source as [number, number, number, number, number, number];
  const same = and(range('MAC0', ((a << 24) | (b << 16) | (c << 8) | d) >>> 0), range('MAC1', (e << 8) | f));
  return {
    kind: 'fields',
    match: and(range('MAC1', 0, 0xffff), negateIf(match.negated, same)),
    hotdrop: [],
  };
}
