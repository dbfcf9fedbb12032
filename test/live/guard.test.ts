// SPDX-License-Identifier: Apache-2.0
// Guards: what is said to be proven the reference evaluator accepts, packet by packet, for rules and conversations at
// random; what is refused comes with a packet that it drops, or with a reason. Each kind of loss has its row, with
// the twin that holds.
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/diagnostics/input-error.js';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { parseGuard } from '../../src/live/guard/guard-text.js';
import { guardDiagnostic, proveGuard, type GuardedMigration } from '../../src/live/guard/prove.js';
import { lower } from '../../src/model/lower.js';
import { buildPacket } from '../../src/packet/build.js';
import type { TcpFlag } from '../../src/packet/layers.js';
import type { ReplayPacket } from '../../src/packet/packet.js';
import { openRulesRunner } from '../../src/ruleset/evaluate/index.js';
import { loadText } from '../model/load-text.js';

const OWN = '203.0.113.2';
const SSH = 'tcp from 192.0.2.0/24 to port 22';

function migrationOf(rules: string, policies = 'DROP'): GuardedMigration {
  const text = rules.startsWith('*')
    ? rules
    : `*filter\n:INPUT ${policies} [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ${policies} [0:0]\n${rules}\nCOMMIT\n`;
  const ruleset = loadText(text);
  const model = lower(ruleset, DEFAULT_HOST, { waived: new Set() });
  return { ruleset, host: DEFAULT_HOST, model, leftTables: new Set() };
}

const STATEFUL = `-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
`;
const ACCEPT_SSH = '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n';

/** Rules, guard, the rule that breaks it. */
const FAILING: readonly (readonly [string, string, string, RegExp])[] = [
  ['no rule at all', STATEFUL, SSH, /tcp syn .*NEW\) is dropped by the policy DROP of ipv4 filter\/INPUT/],
  ['another port', `${STATEFUL}-A INPUT -p tcp -m tcp --dport 2222 -j ACCEPT`, SSH, /policy DROP/],
  [
    'a smaller source',
    `${STATEFUL}-A INPUT -s 192.0.2.0/25 -p tcp -m tcp --dport 22 -j ACCEPT`,
    SSH,
    /192\.0\.2\.(12[89]|1[3-9]\d|2\d\d):/,
  ],
  [
    'one address of the source',
    `-A INPUT -s 192.0.2.77/32 -j DROP\n${STATEFUL}${ACCEPT_SSH}`,
    SSH,
    /192\.0\.2\.77:.* is dropped by `-A INPUT -s 192\.0\.2\.77\/32 -j DROP`/,
  ],
  [
    'answers that OUTPUT does not let out',
    `-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n${ACCEPT_SSH}`,
    SSH,
    /tcp syn,ack .*sent by the host, ESTABLISHED, after 1 packets.* policy DROP of ipv4 filter\/OUTPUT/,
  ],
  [
    'requests behind the first',
    `-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT`,
    SSH,
    /ESTABLISHED, after [23] packets/,
  ],
  [
    'the first packet, sent again',
    `-A INPUT -p tcp -m conntrack --ctstate NEW --ctstatus CONFIRMED -j DROP\n${STATEFUL}${ACCEPT_SSH}`,
    SSH,
    /tcp syn .*NEW, after 1 packets of the flow\) is dropped by `-A INPUT/,
  ],
  [
    'IPv6, one network of the source',
    `*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 2001:db8:9:8000::/49 -j DROP\nCOMMIT\n`,
    'tcp from 2001:db8:9::/48 to port 22',
    /\[2001:db8:9:8000::\]:40000 > .* is dropped by `-A INPUT/,
  ],
  [
    'a limit that is used up',
    `${STATEFUL}-A INPUT -p tcp -m tcp --dport 22 -m limit --limit 3/min --limit-burst 4 -j ACCEPT`,
    SSH,
    /after \d+ packets of the flow\) is dropped by the policy/,
  ],
  [
    'a REJECT in a user chain',
    `-N ssh\n-A INPUT -p tcp -m tcp --dport 22 -j ssh\n${STATEFUL}${ACCEPT_SSH}-A ssh -s 192.0.2.128/25 -p tcp -j REJECT --reject-with tcp-reset`,
    SSH,
    /is rejected by `-A ssh .*tcp-reset`/,
  ],
  [
    'packets of a length',
    `-A INPUT -p tcp -m tcp --dport 22 -m length --length 900:65535 -j DROP\n${STATEFUL}${ACCEPT_SSH}`,
    SSH,
    /is dropped by `-A INPUT .*--length 900:65535 -j DROP`/,
  ],
  ['a TTL', `-A INPUT -m ttl --ttl-lt 5 -j DROP\n${STATEFUL}${ACCEPT_SSH}`, SSH, /ttl [1-4] .* is dropped/],
  [
    'one interface',
    `-A INPUT -i eth1 -j DROP\n${STATEFUL}${ACCEPT_SSH}`,
    SSH,
    /received by eth1, NEW\) is dropped/,
  ],
  [
    'raw before tracking',
    `*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 22 ! --tcp-flags SYN SYN -j DROP\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n`,
    SSH,
    /is dropped by `-A PREROUTING/,
  ],
  [
    'a mark that mangle gives',
    `*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -s 192.0.2.8/29 -j MARK --set-xmark 0x10/0xf0\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m mark --mark 0x10/0x30 -j DROP\nCOMMIT\n`,
    SSH,
    /192\.0\.2\.(8|9|1[0-5]):.* is dropped by `-A INPUT -m mark/,
  ],
  [
    'the answer to a ping',
    `-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT\n-A OUTPUT -p icmp -m icmp --icmp-type 0 -m ttl --ttl-eq 9 -j DROP\n${STATEFUL}`,
    'ping from 192.0.2.0/24 to 203.0.113.2',
    /icmp .*sent by the host, ESTABLISHED, after 1 packets of the flow\) is dropped by `-A OUTPUT/,
  ],
];

const HOLDING: readonly (readonly [string, string, string])[] = [
  [
    'SYN and ESTABLISHED',
    STATEFUL + '-A INPUT -p tcp -m tcp --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT',
    SSH,
  ],
  ['wider rules', '-A INPUT -p tcp -m tcp --dport 1:1024 -j ACCEPT\n-A OUTPUT -j ACCEPT', SSH],
  ['a drop beside it', `-A INPUT -s 192.0.3.0/24 -j DROP\n${STATEFUL}${ACCEPT_SSH}`, SSH],
  [
    'a limit that only logs',
    `-A INPUT -p tcp -m tcp --dport 22 -m limit --limit 3/min -j LOG\n${STATEFUL}${ACCEPT_SSH}`,
    SSH,
  ],
  [
    'the interface that is named',
    `-A INPUT -i eth1 -j DROP\n-A OUTPUT -o eth1 -j DROP\n${STATEFUL}${ACCEPT_SSH}`,
    'tcp from 192.0.2.0/24 to 203.0.113.2 port ssh in eth0',
  ],
  [
    'two ports of a list, one by one',
    `-A INPUT -p udp -m udp --dport 53 -j ACCEPT\n-A INPUT -p udp -m udp --dport 123:124 -j ACCEPT\n${STATEFUL}`,
    'udp from 192.0.2.0/24 to port 53,123-124',
  ],
  [
    'what nobody tracks',
    '*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 22 -j NOTRACK\n-A OUTPUT -p tcp -m tcp --sport 22 -j NOTRACK\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n:OUTPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate UNTRACKED -j ACCEPT\n-A OUTPUT -m conntrack --ctstate UNTRACKED -j ACCEPT\nCOMMIT\n',
    SSH,
  ],
  [
    'scans that no TCP sends dropped',
    `-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN FIN,SYN -j DROP\n-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE -j DROP\n${STATEFUL}${ACCEPT_SSH}`,
    SSH,
  ],
  [
    'IPv6, the other network of the source',
    `*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 2001:db8:9:8000::/49 -j DROP\nCOMMIT\n`,
    'tcp from 2001:db8:9::/49 to port 22',
  ],
  ['a ping', `-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT\n${STATEFUL}`, 'ping from 192.0.2.0/24'],
];

describe('guards that fail', () => {
  it.each(FAILING)('%s', (_, rules, guard, message) => {
    const result = proveGuard(parseGuard(guard), migrationOf(rules));
    expect(result.outcome).toBe('fails');
    const { code, message: told } = guardDiagnostic(result)!;
    expect(code).toBe('IPT1111');
    expect(told).toMatch(message);
  });
});

describe('guards that hold', () => {
  it.each(HOLDING)('%s', (_, rules, guard) => {
    const migration = migrationOf(rules);
    const result = proveGuard(parseGuard(guard), migration);
    expect(guardDiagnostic(result)?.message).toBeUndefined();
    expect(result.outcome).toBe('proven');
    expect(result.states.length).toBeGreaterThan(0);
  });
});

/** xorshift: the same rules and packets in every run. */
class Random {
  constructor(private state: number) {}
  below(count: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % count;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}

const SOURCES = ['', '-s 192.0.2.0/24 ', '-s 192.0.2.64/26 ', '! -s 192.0.2.128/25 ', '-s 10.0.0.0/8 '];
const PORTS = ['', '-p tcp -m tcp --dport 22 ', '-p tcp -m tcp --sport 22 ', '-p tcp -m tcp --dport 20:40 '];
const MATCHES = [
  '',
  '',
  '-m conntrack --ctstate NEW ',
  '-m conntrack --ctstate ESTABLISHED ',
  '-m conntrack --ctstate INVALID,UNTRACKED ',
  '-m conntrack --ctdir REPLY ',
  '-m conntrack ! --ctstatus ASSURED ',
  '-m limit --limit 5/sec --limit-burst 3 ',
  '-m length --length 0:60 ',
  '-m ttl --ttl-gt 200 ',
  '-m mark --mark 0x1/0x3 ',
];
const TARGETS = ['ACCEPT', 'ACCEPT', 'ACCEPT', 'DROP', 'LOG', 'RETURN', 'one', 'two'];

function randomRules(random: Random): string {
  const rule = (chain: string, targets: readonly string[]): string => {
    const header = random.pick(SOURCES) + (chain === 'INPUT' && random.below(5) === 0 ? '-i eth1 ' : '');
    return `-A ${chain} ${header}${random.pick(PORTS)}${random.pick(MATCHES)}-j ${random.pick(targets)}`;
  };
  const several = (chain: string, most: number, targets = TARGETS): string[] =>
    Array.from({ length: random.below(most + 1) }, () => rule(chain, targets));
  const flat = TARGETS.slice(0, 6);
  const filter = [...several('one', 3, flat), ...several('two', 3, [...flat, 'one']), ...several('INPUT', 5)];
  const mangle = random.below(2) === 0 ? '-A PREROUTING -s 192.0.2.32/27 -j MARK --set-xmark 0x1/0x1\n' : '';
  const policy = random.pick(['ACCEPT', 'ACCEPT', 'DROP']);
  return `*mangle\n:PREROUTING ACCEPT [0:0]\n${mangle}COMMIT\n*filter\n:INPUT ${policy} [0:0]\n:OUTPUT ACCEPT [0:0]\n:one - [0:0]\n:two - [0:0]\n${[...filter, ...several('OUTPUT', 2)].join('\n')}\nCOMMIT\n`;
}

/** A conversation as the guard has it: opened, some packets each way, closed; at random where that is open. */
function conversation(random: Random): ReplayPacket[] {
  const client = `192.0.2.${String(1 + random.below(254))}`;
  const port = 1 + random.below(65_535);
  const by = random.pick([
    { name: 'eth0', mac: '02:00:00:00:00:10' },
    { name: 'eth1', mac: '02:00:00:00:00:11' },
  ]);
  let time = 1_700_000_000_000_000_000n + BigInt(random.below(1000)) * 1_000_000n;
  const packet = (fromClient: boolean, flags: readonly TcpFlag[], data = 0): ReplayPacket => {
    const [source, destination] = fromClient ? [client, OWN] : [OWN, client];
    const frame = buildPacket(
      { kind: 'ethernet', destination: by.mac },
      { kind: 'ipv4', source, destination, ttl: 1 + random.below(255) },
      {
        kind: 'tcp',
        sourcePort: fromClient ? port : 22,
        destinationPort: fromClient ? 22 : port,
        flags: random.below(4) === 0 ? [...flags, 'ece'] : flags,
        sequence: fromClient ? 1000 : 5000,
        acknowledgement: flags.includes('ack') ? (fromClient ? 5001 : 1001) : 0,
      },
      { kind: 'payload', data: new Uint8Array(data) },
    );
    time += BigInt(random.below(50)) * 1_000_000n;
    return {
      index: 0,
      interface: fromClient ? by.name : 'local',
      frame,
      timestampNs: time,
      wireLength: frame.length,
    };
  };
  const middle = Array.from({ length: random.below(6) }, () =>
    packet(random.below(2) === 0, random.below(2) === 0 ? ['psh', 'ack'] : ['ack'], random.below(1400)),
  );
  return [
    ...Array.from({ length: 1 + random.below(2) }, () => packet(true, ['syn'])),
    packet(false, ['syn', 'ack']),
    ...(random.below(4) === 0 ? [packet(true, ['syn']), packet(false, ['syn', 'ack'])] : []),
    packet(true, ['ack']),
    ...middle,
    ...(random.below(3) === 0
      ? [packet(random.below(2) === 0, ['rst', 'ack'])]
      : [packet(true, ['fin', 'ack']), packet(false, ['fin', 'ack']), packet(true, ['ack'])]),
  ];
}

describe('rules at random', () => {
  it('accept every packet of a proven guard, and drop one of every guard that fails', async () => {
    const random = new Random(0x5eed);
    const guard = parseGuard('tcp from 192.0.2.0/24 to 203.0.113.2 port 22');
    const outcomes = { proven: 0, fails: 0, unproven: 0 };
    for (let round = 0; round < 600; round++) {
      const rules = randomRules(random);
      const migration = migrationOf(rules);
      const { outcome } = proveGuard(guard, migration);
      outcomes[outcome]++;
      if (outcome !== 'proven') continue;
      const packets = Array.from({ length: 12 }, () => conversation(random)).flat();
      const runner = openRulesRunner(migration.ruleset, DEFAULT_HOST, { checksums: 'verify' });
      const ordered = packets.map((each, index) => ({ ...each, index }));
      const records = await runner.run(ordered);
      const lost = records.filter(({ verdict }) => verdict !== 'accept');
      expect(lost, rules).toEqual([]);
    }
    // Of each enough to mean something; what is not decided is the exception.
    expect(outcomes.proven).toBeGreaterThan(60);
    expect(outcomes.fails).toBeGreaterThan(200);
    expect(outcomes.unproven).toBeLessThan(40);
  });
});

describe('guards that cannot be proven', () => {
  const holds = `${STATEFUL}${ACCEPT_SSH}`;

  it.each<[string, string, string, RegExp]>([
    [
      'another host',
      holds,
      'tcp from 192.0.2.0/24 to 198.51.100.7 port 22',
      /no address of the migrated host/,
    ],
    ['an interface that is not there', holds, 'tcp to port 22 in eth7', /`eth7` is no interface/],
    ['the host as its own client', holds, 'tcp from 203.0.113.2 to port 22', /no other host/],
    ['a family without rules', holds, 'tcp from 2001:db8::/32 to port 22', /judge no ipv6 packets/],
    [
      'half of a flow tracked',
      `*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 22 -j NOTRACK\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n`,
      SSH,
      /out of connection tracking/,
    ],
    [
      'an interface born later',
      `-A INPUT -i tun+ -j DROP\n${holds}`,
      SSH,
      /`-A INPUT -i tun\+ -j DROP` \(rules:\d+\) may drop requests.*without `in`/,
    ],
  ])('%s', (_, rules, guard, why) => {
    const result = proveGuard(parseGuard(guard), migrationOf(rules));
    expect(result.outcome).toBe('unproven');
    expect(guardDiagnostic(result)).toMatchObject({ code: 'IPT1112' });
    expect(result.why).toMatch(why);
  });

  it('a rule that stands in no program', () => {
    const migration = migrationOf(holds);
    const left = [{ rule: 0, why: 'waived: an unknown match' }];
    const result = proveGuard(parseGuard(SSH), {
      ...migration,
      leftTables: new Set(['ipv4 filter']),
      model: { ...migration.model, left },
    });
    expect(result.why).toMatch(/stands in no program \(waived: an unknown match\)/);
  });
});

describe('words that are no guard', () => {
  it.each([
    ['', /begins with/],
    ['sctp to port 22', /begins with `sctp`/],
    ['tcp', /needs a port/],
    ['tcp from 192.0.2.0/24', /needs a port/],
    ['tcp from 192.0.2.0/33 to port 22', /`192\.0\.2\.0\/33` behind `from`/],
    ['tcp from to port 22', /nothing follows `from`/],
    ['tcp to port 22 from 192.0.2.1', /`from` comes twice or too late/],
    ['tcp to port 22-21', /`22-21` behind `port`/],
    ['tcp to port nosuchservice', /nosuchservice/],
    ['tcp with port 22', /`with` is not expected/],
    ['ping to port 7', /ping has no ports/],
  ])('%s', (text, why) => {
    expect(() => parseGuard(text)).toThrow(InputError);
    expect(() => parseGuard(text)).toThrow(why);
  });
});
