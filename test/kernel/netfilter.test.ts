// SPDX-License-Identifier: Apache-2.0
// The netfilter runner on cases whose answer follows from iptables(8) and the kernel's own documentation,
// one per trap that the method has to avoid.
import { expect, it } from 'vitest';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import type { Host } from '../../src/host/host.js';
import { NetfilterRunner } from '../../src/kernel/netfilter/runner.js';
import type { VerdictRecord } from '../../src/replay/verdict.js';
import { describeOn } from './needs.js';
import { ipv4Frame, udp, tcp, icmpEcho, type FrameOptions } from './frames.js';

type Sent = readonly [from: string, frame: Uint8Array];

async function judge(
  rules: string,
  sent: readonly Sent[],
  host: Host = DEFAULT_HOST,
): Promise<VerdictRecord[]> {
  const runner = await NetfilterRunner.create({ host, ipv4: rules });
  try {
    return await runner.run(
      sent.map(([from, frame], index) => ({
        index,
        interface: from,
        frame,
        timestampNs: 0n,
        wireLength: frame.length,
      })),
    );
  } finally {
    await runner.close();
  }
}

const filter = (...rules: string[]): string => ['*filter', ...rules, 'COMMIT', ''].join('\n');
const TO_HOST: FrameOptions = { source: '10.0.0.5', destination: '10.0.0.1' };
const THROUGH: FrameOptions = { source: '10.0.0.5', destination: '198.51.100.7' };
const FROM_HOST: FrameOptions = { source: '10.0.0.1', destination: '10.0.0.5' };

describeOn('netfilter', 'netfilter runner', () => {
  it('tells rule, policy and path of input, forward and output', async () => {
    const records = await judge(
      filter(
        ':INPUT DROP [0:0]',
        ':FORWARD ACCEPT [0:0]',
        ':OUTPUT ACCEPT [0:0]',
        '-A INPUT -p udp --dport 53 -j ACCEPT',
        '-A FORWARD -p udp --dport 53 -j DROP',
        '-A OUTPUT -p udp --dport 53 -j REJECT --reject-with icmp-host-prohibited',
      ),
      [
        ['eth1', ipv4Frame(TO_HOST, udp(1000, 53))],
        ['eth1', ipv4Frame(TO_HOST, udp(1000, 54))],
        ['eth1', ipv4Frame(THROUGH, udp(1000, 53))],
        ['eth1', ipv4Frame(THROUGH, udp(1000, 54))],
        ['local', ipv4Frame(FROM_HOST, udp(1000, 53))],
        ['local', ipv4Frame(FROM_HOST, udp(1000, 54))],
      ],
    );
    const rule = (chain: string, line: number): object => ({
      family: 'ipv4',
      table: 'filter',
      chain,
      number: 1,
      line,
    });
    expect(records).toMatchObject([
      { verdict: 'accept', path: 'input', rule: rule('INPUT', 5) },
      { verdict: 'drop', path: 'input', reason: 'policy', rule: { chain: 'INPUT', policy: true } },
      { verdict: 'drop', path: 'forward', reason: 'rule', rule: rule('FORWARD', 6) },
      {
        verdict: 'accept',
        path: 'forward',
        output: 'eth0',
        ttl: 63,
        rule: { chain: 'FORWARD', policy: true },
      },
      { verdict: 'reject', path: 'output', rejectWith: 'icmp-host-prohibited', rule: rule('OUTPUT', 7) },
      { verdict: 'accept', path: 'output', output: 'eth1', rule: { chain: 'OUTPUT', policy: true } },
    ]);
    expect(records[4]!.replies).toHaveLength(1);
  });

  it('names an unconditional rule by its number, not as the policy the kernel calls it', async () => {
    const [record] = await judge(
      filter(':C - [0:0]', '-A INPUT -j C', '-A C -j RETURN', '-A INPUT -j DROP'),
      [['eth1', ipv4Frame(TO_HOST, udp(1, 2))]],
    );
    expect(record).toMatchObject({
      verdict: 'drop',
      reason: 'rule',
      rule: { chain: 'INPUT', number: 2, line: 5 },
      trace: ['filter:INPUT:rule:1', 'filter:C:rule:1', 'filter:INPUT:rule:2'],
    });
  });

  it('follows a connection both ways, without answers of the local stack getting in', async () => {
    const records = await judge(filter('-A INPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT'), [
      ['eth1', ipv4Frame(TO_HOST, tcp(4000, 22, 0x02, 1000, 0))],
      ['local', ipv4Frame(FROM_HOST, tcp(22, 4000, 0x12, 5000, 1001))],
      ['eth1', ipv4Frame(TO_HOST, tcp(4000, 22, 0x10, 1001, 5001))],
      ['eth1', ipv4Frame(TO_HOST, tcp(4001, 22, 0x12, 1, 1))],
    ]);
    expect(records.map(({ state, direction }) => [state, direction])).toEqual([
      ['NEW', undefined],
      ['ESTABLISHED', 'reply'],
      ['ESTABLISHED', undefined],
      ['INVALID', undefined],
    ]);
  });

  it('tells no state where no rule makes the kernel track', async () => {
    const [record] = await judge(filter('-A INPUT -p udp -j ACCEPT'), [
      ['eth1', ipv4Frame(TO_HOST, udp(1, 2))],
    ]);
    expect(record).not.toHaveProperty('state');
  });

  it('answers every REJECT of a burst: no rate limit of the kernel hides any', async () => {
    const records = await judge(
      filter('-A INPUT -p udp -j REJECT'),
      Array.from({ length: 500 }, (_, i): Sent => ['eth1', ipv4Frame(TO_HOST, udp(1000, i + 1))]),
    );
    expect(records.filter(({ verdict }) => verdict === 'reject')).toHaveLength(500);
  });

  it('calls a REJECT that sends nothing a drop', async () => {
    const [reset] = await judge(filter('-A INPUT -p tcp -j REJECT --reject-with tcp-reset'), [
      ['eth1', ipv4Frame(TO_HOST, tcp(4000, 22, 0x04, 1, 0))],
    ]);
    expect(reset).toMatchObject({ verdict: 'drop', reason: 'rule', rule: { chain: 'INPUT', number: 1 } });
    expect(reset).not.toHaveProperty('rejectWith');
  });

  it('keeps what the stack drops apart from what rules drop', async () => {
    const records = await judge(filter('-A FORWARD -j ACCEPT'), [
      ['eth1', ipv4Frame({ ...THROUGH, ttl: 1 }, udp(1, 2))],
      ['eth1', ipv4Frame({ ...THROUGH, source: '127.0.0.1' }, udp(1, 2))],
      ['eth1', ipv4Frame({ ...THROUGH, badChecksum: true }, udp(1, 2))],
    ]);
    for (const record of records) expect(record).toMatchObject({ verdict: 'drop', reason: 'stack' });
  });

  it('holds fragments until the last one', async () => {
    const payload = udp(1000, 53, 16);
    const records = await judge(filter('-A INPUT -m conntrack --ctstate NEW -p udp --dport 53 -j ACCEPT'), [
      ['eth1', ipv4Frame({ ...TO_HOST, moreFragments: true }, payload.subarray(0, 16))],
      ['eth1', ipv4Frame({ ...TO_HOST, fragmentOffset: 16 }, payload.subarray(16))],
    ]);
    expect(records).toMatchObject([{ verdict: 'held' }, { verdict: 'accept', path: 'input' }]);
  });

  it('shows marks, translation and log prefixes', async () => {
    const [record] = await judge(
      [
        '*mangle',
        '-A PREROUTING -j MARK --set-mark 0x10',
        '-A PREROUTING -j CONNMARK --save-mark',
        'COMMIT',
        '*nat',
        '-A PREROUTING -p udp --dport 53 -j DNAT --to-destination 10.0.0.77:5353',
        'COMMIT',
        '*filter',
        '-A FORWARD -j LOG --log-prefix "seen: -j DROP "',
        'COMMIT',
        '',
      ].join('\n'),
      [['eth0', ipv4Frame({ source: '198.51.100.7', destination: '203.0.113.2' }, udp(1000, 53))]],
    );
    expect(record).toMatchObject({
      verdict: 'accept',
      output: 'eth1',
      mark: 16,
      connectionMark: 16,
      state: 'NEW',
      translated: { destination: '10.0.0.77', destinationPort: 5353 },
      log: ['seen: -j DROP '],
    });
  });

  it('judges what the host sends to itself on both passes', async () => {
    const records = await judge(filter('-A INPUT -i lo -p icmp -j DROP'), [
      ['local', ipv4Frame({ source: '10.0.0.1', destination: '10.0.0.1' }, icmpEcho(), 1)],
      ['local', ipv4Frame({ source: '10.0.0.1', destination: '203.0.113.2' }, udp(1, 2))],
    ]);
    expect(records).toMatchObject([
      { verdict: 'drop', path: 'input', trace: ['filter:OUTPUT:policy:1', 'filter:INPUT:rule:1'] },
      { verdict: 'accept', path: 'input' },
    ]);
  });

  it('says what it does not take', async () => {
    const arp = Buffer.concat([Buffer.alloc(12, 0xff), Buffer.from('0806', 'hex'), Buffer.alloc(46)]);
    const records = await judge(filter(), [
      ['eth1', arp],
      ['eth1', Buffer.alloc(5)],
      ['eth9', ipv4Frame(TO_HOST, udp(1, 2))],
    ]);
    expect(records.map(({ verdict }) => verdict)).toEqual(['not-ip', 'not-ip', 'refused']);
  });
});
