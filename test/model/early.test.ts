// SPDX-License-Identifier: Apache-2.0
// What XDP may drop: rules on what it sees, and nothing behind a rule that might do what it does not know. What GRO
// does to TCP flags: net/ipv4/tcp_offload.c tcp_gro_receive.
import { describe, expect, test } from 'vitest';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { earlyFamily } from '../../src/model/early.js';
import { lower } from '../../src/model/lower.js';
import { loadText } from './load-text.js';

/** Numbers of the rules in raw/PREROUTING that drop at XDP, and of those that pass packets on. */
function early(rules: readonly string[], policy = 'ACCEPT'): { drops: string[]; deferred: string[] } {
  const text = ['*raw', `:PREROUTING ${policy} [0:0]`, ':OUTPUT ACCEPT [0:0]', ':user - [0:0]'];
  const ruleset = loadText([...text, ...rules, 'COMMIT', ''].join('\n'));
  const { drops, deferred } = earlyFamily(lower(ruleset, DEFAULT_HOST, { waived: new Set() }).families[0]!);
  const name = (id: number): string => {
    const rule = ruleset.rules[id];
    return rule === undefined ? 'policy' : `${rule.chain}:${String(rule.number)}`;
  };
  return { drops: drops.map(name), deferred: deferred.map(name) };
}

describe('early drops', () => {
  test.each([
    '-s 192.0.2.0/24 -i eth0',
    '-p udp -m udp --dport 53',
    '-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN',
    '-p icmp -m icmp --icmp-type 8',
    '-m ttl --ttl-lt 5',
    '-p tcp -m tcp --tcp-option 3',
  ])('%s is decided', (match) => {
    expect(early([`-A PREROUTING ${match} -j DROP`])).toEqual({ drops: ['PREROUTING:1'], deferred: [] });
  });

  test.each([
    ['the length, which GRO changes', '-m length --length 100:200'],
    ['the mark, which something before may have set', '-m mark --mark 0x1'],
    ['a limit, whose bucket each packet takes from once', '-m limit --limit 5/sec'],
    ['flags that GRO collects', '-p tcp -m tcp --tcp-flags FIN,SYN FIN'],
  ])('%s is passed on', (_, match) => {
    expect(early([`-A PREROUTING ${match} -j DROP`])).toEqual({ drops: [], deferred: ['PREROUTING:1'] });
  });

  test.each(['LOG', 'MARK --set-xmark 0x1/0xffffffff', 'CT --notrack'])('%s is passed on', (target) => {
    expect(early([`-A PREROUTING -j ${target}`, '-A PREROUTING -j DROP'])).toEqual({
      drops: ['PREROUTING:2'],
      deferred: ['PREROUTING:1'],
    });
  });

  test('follows jumps, and ends with a policy', () => {
    expect(
      early(['-A PREROUTING -i eth0 -j user', '-A user -p udp -j DROP', '-A user -j RETURN'], 'DROP'),
    ).toEqual({
      drops: ['user:1', 'policy'],
      deferred: [],
    });
  });

  test('a rule on flags that GRO collects stands in the way of those segments alone', () => {
    const ruleset = loadText(
      `*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE -j DROP
-A PREROUTING -p tcp -j DROP\nCOMMIT\n`,
    );
    const { family } = earlyFamily(lower(ruleset, DEFAULT_HOST, { waived: new Set() }).families[0]!);
    const [test] = family!.chains['raw:PREROUTING']!.entries[0]!.tests.filter(
      (each) => each.kind === 'fields' && each.match.some((box) => box.some(({ key }) => key === 'TCPFLAGS')),
    );
    const flags = test?.kind === 'fields' ? test.match[0]!.find(({ key }) => key === 'TCPFLAGS')!.ranges : [];
    const has = (value: number): boolean => flags.some(({ first, last }) => first <= value && value <= last);
    // None, FIN, PSH, FIN and PSH; neither ACK nor SYN.
    expect([0, 1, 8, 9, 16, 2, 18, 24].map(has)).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
