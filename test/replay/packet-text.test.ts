// SPDX-License-Identifier: Apache-2.0
// Text -> frame -> description: what was said comes back, and tshark-checked checksums are in build.test.ts.
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/diagnostics/input-error.js';
import { describeFrame } from '../../src/packet/describe.js';
import { parsePacketText } from '../../src/replay/packet-text.js';

describe('packets as text', () => {
  it.each([
    [
      'tcp 192.0.2.1:4000 > 203.0.113.2:22 syn',
      '192.0.2.1:4000 > 203.0.113.2:22 tcp syn seq 1 win 65535 ttl 64 len 40',
    ],
    [
      'tcp 192.0.2.1:4000 > 203.0.113.2:22 syn,ack ack 17 win 9',
      '192.0.2.1:4000 > 203.0.113.2:22 tcp syn,ack seq 1 ack 17 win 9 ttl 64 len 40',
    ],
    [
      'tcp 192.0.2.1:4000 > 203.0.113.2:22 ack psh ttl 3 tos 16',
      '192.0.2.1:4000 > 203.0.113.2:22 tcp psh,ack seq 1 ack 1 win 65535 ttl 3 tos 0x10 len 40',
    ],
    [
      'udp [2001:db8::1]:53 > [2001:db8::2]:5353 data 9',
      '[2001:db8::1]:53 > [2001:db8::2]:5353 udp ttl 64 len 57',
    ],
    [
      'icmp 192.0.2.1 > 203.0.113.2 port-unreachable',
      '192.0.2.1 > 203.0.113.2 icmp type 3 code 3 ttl 64 len 28',
    ],
    ['icmp6 2001:db8::1 > 2001:db8::2', '2001:db8::1 > 2001:db8::2 ipv6-icmp type 128 code 0 ttl 64 len 48'],
    ['gre 192.0.2.1 > 203.0.113.2 vlan 7', 'vlan 7 192.0.2.1 > 203.0.113.2 gre ttl 64 len 20'],
    [
      'udp 192.0.2.1 > 203.0.113.2 fragment 1480 id 5',
      '192.0.2.1 > 203.0.113.2 udp ttl 64 len 28 fragment 5@1480',
    ],
    [
      'udp 192.0.2.1:1 > 203.0.113.2:2 fragment 0+',
      '192.0.2.1:1 > 203.0.113.2:2 udp ttl 64 len 36 fragment 0@0+',
    ],
  ])('%s', (text, described) => {
    expect(describeFrame(parsePacketText(text))).toBe(described);
  });

  it('says where a packet comes from', () => {
    expect(parsePacketText('udp 192.0.2.1:1 > 203.0.113.2:2 in eth1').interface).toBe('eth1');
    expect(parsePacketText('udp 192.0.2.1:1 > 203.0.113.2:2 local').interface).toBe('local');
    expect(parsePacketText('udp 192.0.2.1:1 > 203.0.113.2:2').interface).toBeUndefined();
  });

  it.each([
    ['', 1, /ends where a protocol is expected/],
    ['tcp 192.0.2.1:4000', 19, /ends where `>` is expected/],
    ['tcp 192.0.2.1:4000 203.0.113.2:22', 20, /where `>` stands/],
    ['foo 192.0.2.1 > 203.0.113.2', 1, /`foo` is no protocol/],
    ['tcp 192.0.2.999:1 > 203.0.113.2:2', 5, /is no address/],
    ['tcp 192.0.2.1:1 > [2001:db8::1]:2', 19, /one address is ipv4, the other ipv6/],
    ['tcp 192.0.2.1:1 > 203.0.113.2:2 snake', 33, /`snake` means nothing in a tcp packet/],
    ['udp 192.0.2.1:1 > 203.0.113.2:2 ttl 999', 37, /no number from 0 to 255/],
    ['icmp 192.0.2.1 > 203.0.113.2 echo', 30, /it may be `echo-reply` or `echo-request`/],
  ])('%s: located', (text, column, message) => {
    let caught: unknown;
    try {
      parsePacketText(text);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(InputError);
    const diagnostic = (caught as InputError).diagnostics[0]!;
    expect(diagnostic.message).toMatch(message);
    expect(diagnostic.span).toMatchObject({ file: '--packet', line: 1, column });
  });
});
