// SPDX-License-Identifier: Apache-2.0
// A packet that meets what can't be evaluated is undecided, and so is whatever hangs on it; nothing else is.
import { describe, expect, it } from 'vitest';
import { parseSaveFile } from '../../../grammar/index.js';
import { DEFAULT_HOST } from '../../../src/host/default-host.js';
import { DEBIAN_NAMES } from '../../../src/net/name-services.js';
import type { VerdictRecord } from '../../../src/replay/verdict.js';
import { parsePacketText } from '../../../src/replay/packet-text.js';
import { openRulesRunner } from '../../../src/ruleset/evaluate/index.js';
import { resolve } from '../../../src/ruleset/resolve/resolve.js';

async function decide(rules: string, packets: readonly string[], waived?: number): Promise<VerdictRecord[]> {
  const { file } = parseSaveFile({ name: 'rules.v4', text: rules }, { family: 'ipv4' });
  const { ruleset } = resolve({ files: [file], sets: new Map(), names: DEBIAN_NAMES });
  const runner = openRulesRunner(ruleset, DEFAULT_HOST, {
    checksums: 'verify',
    ...(waived === undefined ? {} : { waived: new Set([waived]) }),
  });
  return runner.run(
    packets.map((text, index) => {
      const { frame, interface: from = 'eth1' } = parsePacketText(text);
      return { index, interface: from, frame, timestampNs: 0n, wireLength: frame.length };
    }),
  );
}

const filter = (rules: string): string =>
  `*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n${rules.trim()}\nCOMMIT\n`;

const verdicts = (records: readonly VerdictRecord[]): string[] => records.map(({ verdict }) => verdict);

describe('undecided packets', () => {
  it('are those that fit the header and the earlier matches of an unsupported rule', async () => {
    const records = await decide(
      filter('-A INPUT -p udp -m udp --dport 5 -m dscp --dscp 8 -j ACCEPT\n-A INPUT -p udp -j ACCEPT'),
      ['udp 10.0.0.5:1 > 10.0.0.1:5', 'udp 10.0.0.5:1 > 10.0.0.1:6', 'tcp 10.0.0.5:1 > 10.0.0.1:5 syn'],
    );
    expect(verdicts(records)).toEqual(['undecided', 'accept', 'drop']);
    expect(records[0]).toMatchObject({ reason: 'unsupported', rule: { chain: 'INPUT', number: 1, line: 5 } });
  });

  it('leave their connection, and it alone, without a state', async () => {
    const records = await decide(
      filter(
        '-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n-A INPUT -p udp --dport 5 -m dscp --dscp 8 -j ACCEPT\n-A INPUT -p udp --dport 6 -j ACCEPT',
      ),
      [
        'udp 10.0.0.5:1 > 10.0.0.1:5',
        'udp 10.0.0.1:5 > 10.0.0.5:1 local',
        'udp 10.0.0.5:1 > 10.0.0.1:5',
        'udp 10.0.0.5:1 > 10.0.0.1:6',
        'udp 10.0.0.1:6 > 10.0.0.5:1 local',
        'udp 10.0.0.5:1 > 10.0.0.1:6',
      ],
    );
    expect(verdicts(records)).toEqual(['undecided', 'accept', 'undecided', 'accept', 'accept', 'accept']);
    expect(records[1]!.state).toBeUndefined();
    expect(records[5]!.state).toBe('ESTABLISHED');
  });

  it('leave a limit uncertain only where one packet more or less decides', async () => {
    const limited = (burst: number): string =>
      filter(
        `-A INPUT -p udp --dport 5 -m dscp --dscp 8 -j DROP\n-A INPUT -m limit --limit 1/hour --limit-burst ${burst} -j ACCEPT`,
      );
    const packets = ['udp 10.0.0.5:1 > 10.0.0.1:5', ...Array<string>(3).fill('udp 10.0.0.5:1 > 10.0.0.1:6')];
    expect(verdicts(await decide(limited(2), packets))).toEqual(['undecided', 'accept', 'undecided', 'drop']);
    expect(verdicts(await decide(limited(5), packets))).toEqual(['undecided', 'accept', 'accept', 'accept']);
  });

  it('do not come from rules that change nothing', async () => {
    const records = await decide(
      filter('-A INPUT -m dscp --dscp 8\n-A INPUT -j NFLOG --nflog-group 1\n-A INPUT -p udp -j ACCEPT'),
      ['udp 10.0.0.5:1 > 10.0.0.1:5'],
    );
    expect(verdicts(records)).toEqual(['accept']);
  });

  it('come from waived rules too', async () => {
    const records = await decide(
      filter('-A INPUT -p tcp -j ACCEPT\n-A INPUT -p udp -j ACCEPT'),
      ['udp 10.0.0.5:1 > 10.0.0.1:5', 'tcp 10.0.0.5:1 > 10.0.0.1:5 syn'],
      1,
    );
    expect(verdicts(records)).toEqual(['undecided', 'accept']);
  });

  it('and translations nobody can follow make strangers of later packets', async () => {
    const records = await decide(
      `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
${filter('-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n-A FORWARD -i eth1 -j ACCEPT\n-A INPUT -p icmp -j ACCEPT')}`,
      [
        'icmp 10.0.0.5 > 10.0.0.1 echo-request',
        'udp 10.0.0.5:1 > 192.0.2.1:53',
        'udp 192.0.2.1:53 > 203.0.113.2:1 in eth0',
        'icmp 10.0.0.5 > 10.0.0.1 echo-request',
      ],
    );
    expect(verdicts(records)).toEqual(['accept', 'undecided', 'undecided', 'accept']);
  });
});
