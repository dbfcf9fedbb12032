// SPDX-License-Identifier: Apache-2.0
// Options whose meaning is easily lost, negated and at their edges: every rule logs its name where it matches, so
// each packet's log says which of all rules matched. netfilter, evaluator and program must tell the same.
import { expect, it } from 'vitest';
import { parsePacketText } from '../../src/replay/packet-text.js';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { NetfilterRunner } from '../../src/kernel/netfilter/runner.js';
import { FUZZ_HOST, replayOf } from '../fuzz/case.js';
import { judge } from '../fuzz/compare.js';
import { describeOn } from './needs.js';

type Rules = readonly string[];

/** The program's record of a packet holds 16 log events, so that a ruleset logs with 15 rules at most. */
const RULES_AT_ONCE = 15;

function chunks(rules: Rules): Rules[] {
  return Array.from({ length: Math.ceil(rules.length / RULES_AT_ONCE) }, (_, i) =>
    rules.slice(i * RULES_AT_ONCE, (i + 1) * RULES_AT_ONCE),
  );
}

/** Every rule as a LOG rule with its number as prefix, in `chain` of the filter table. */
function logging(chain: 'INPUT' | 'FORWARD' | 'OUTPUT', rules: Rules): string {
  const lines = rules.map((rule, i) => `-A ${chain} ${rule} -j LOG --log-prefix "r${i} "`);
  return table(lines);
}

function table(lines: Rules): string {
  return `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${lines.join('\n')}\nCOMMIT\n`;
}

async function expectAgreement(
  input: { readonly ipv4?: string; readonly ipv6?: string; readonly ipset?: string },
  packets: readonly string[],
): Promise<void> {
  const judged = await judge(
    {
      ipset: '',
      host: FUZZ_HOST,
      ...input,
      packets: packets.map((text) => {
        const { frame, interface: from = 'eth1' } = parsePacketText(text);
        return { frame, interface: from };
      }),
    },
    new Set(['netfilter', 'rules', 'vm']),
  );
  expect(judged.noProgram).toBeUndefined();
  expect(judged.difference).toBeUndefined();
  expect([...judged.setAside]).toEqual([]);
}

describeOn('netfilter', 'options of matches, one LOG rule each', () => {
  it('conntrack: every option and its negation, with and without a state', async () => {
    const options = [
      '--ctproto tcp',
      '--ctorigsrc 10.0.0.5',
      '--ctorigsrc 10.0.0.0/255.0.0.255',
      '--ctorigdst 10.0.0.1',
      '--ctreplsrc 10.0.0.1',
      '--ctrepldst 10.0.0.0/24',
      '--ctorigsrcport 1000:1002',
      '--ctorigdstport 53',
      '--ctreplsrcport 53',
      '--ctrepldstport 1001',
      '--ctstatus NONE',
      '--ctstatus EXPECTED',
      '--ctstatus SEEN_REPLY',
      '--ctstatus ASSURED,CONFIRMED',
      '--ctexpire 0',
      '--ctexpire 25:40',
    ];
    const states = ['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED', 'SNAT', 'DNAT', 'NEW,SNAT'];
    const rules = [
      ...options.flatMap((option) => [
        `-m conntrack ${option}`,
        `-m conntrack ! ${option}`,
        `-m conntrack --ctstate INVALID,NEW ! ${option}`,
      ]),
      ...states.flatMap((state) => [`-m conntrack --ctstate ${state}`, `-m conntrack ! --ctstate ${state}`]),
      '-m conntrack --ctdir ORIGINAL',
      '-m conntrack --ctdir REPLY',
      '-m conntrack --ctstate INVALID --ctdir REPLY',
      '-m state --state NEW,INVALID',
      '-m state ! --state NEW,INVALID',
    ];
    const raw =
      '*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -p udp -m udp --dport 99 -j CT --notrack\nCOMMIT\n';
    for (const some of chunks(rules)) {
      await expectAgreement({ ipv4: raw + logging('INPUT', some) }, [
        'udp 10.0.0.5:1001 > 10.0.0.1:53',
        'udp 10.0.0.1:53 > 10.0.0.5:1001 local',
        'udp 10.0.0.5:1001 > 10.0.0.1:53',
        'udp 10.0.0.6:1001 > 10.0.0.1:99',
        'tcp 10.0.0.5:1001 > 10.0.0.1:53 syn seq 1',
        'tcp 10.0.0.1:53 > 10.0.0.5:1001 syn,ack seq 1 ack 2 local',
        'tcp 10.0.0.5:1001 > 10.0.0.1:53 ack seq 2 ack 2',
        'tcp 10.0.0.5:1001 > 10.0.0.1:54 syn,rst',
        'icmp 10.0.0.5 > 10.0.0.1 ping',
        'gre 10.0.0.5 > 10.0.0.1 data 8',
      ]);
    }
  });

  it('addresses, masks, interfaces, protocols and fragments, negated too', async () => {
    const rules = [
      '-s 10.0.0.5/255.0.0.255',
      '! -s 10.0.0.5/255.0.0.255',
      '! -d 10.0.0.1',
      '-i eth+',
      '! -i eth+',
      '-i +',
      '-i lo',
      '! -i lo',
      '-i eth',
      '-i none',
      '! -i none',
      '! -p udp',
      '-p 0',
      '-p 255',
      '-m mark --mark 0',
      '-m mark ! --mark 0/0',
      '-m mark --mark 5/3',
      '-m mark ! --mark 5/3',
      '-m iprange ! --src-range 10.0.0.5-10.0.0.6',
      '-m iprange --src-range 10.0.0.6-10.0.0.5',
      '-m iprange ! --src-range 10.0.0.6-10.0.0.5 ! --dst-range 10.0.0.9-10.0.0.10',
      '-m length ! --length 28',
      '-m length --length 0:28',
      '-m ttl ! --ttl-eq 64',
      '-m ttl --ttl-lt 64',
      '-m mac ! --mac-source 02:00:00:00:00:01',
      '-m addrtype --src-type UNICAST',
      '-m addrtype ! --src-type LOCAL --dst-type LOCAL',
      '-m addrtype --dst-type LOCAL --limit-iface-in',
      '-m addrtype ! --dst-type LOCAL --limit-iface-in',
      '-m addrtype ! --dst-type BROADCAST,MULTICAST',
      '-m addrtype --dst-type BROADCAST,MULTICAST --limit-iface-in',
    ];
    const packets = [
      'udp 10.0.0.5:1 > 10.0.0.1:2',
      'udp 10.9.9.5:1 > 10.0.0.1:2',
      'udp 10.0.0.6:1 > 203.0.113.2:2 ttl 63',
      'udp 10.0.0.6:1 > 10.0.0.255:2',
      'udp 10.0.0.6:1 > 255.255.255.255:2',
      'udp 10.0.0.6:1 > 224.0.0.1:2',
      'udp 10.0.0.1:1 > 10.0.0.1:2 local',
      '255 10.0.0.5 > 10.0.0.1 data 8',
      'udp 192.0.2.9:1 > 203.0.113.2:2 in eth0',
    ];
    for (const some of chunks(rules)) await expectAgreement({ ipv4: logging('INPUT', some) }, packets);
  });

  it('what FORWARD and OUTPUT know of the way out', async () => {
    const rules = [
      '-o eth+',
      '! -o eth0',
      '-o lo',
      '-m addrtype --src-type LOCAL --limit-iface-out',
      '-m addrtype ! --src-type LOCAL --limit-iface-out',
      '-m addrtype --dst-type UNICAST --limit-iface-out',
      '-m ttl --ttl-eq 63',
      '-m addrtype --dst-type LOCAL',
    ];
    const lines = [...logging('FORWARD', rules).split('\n'), ...logging('OUTPUT', rules).split('\n')];
    await expectAgreement({ ipv4: table(lines.filter((line) => line.startsWith('-A'))) }, [
      'udp 10.0.0.5:1 > 198.51.100.7:2 ttl 64',
      'udp 198.51.100.7:1 > 10.0.0.5:2 in eth0',
      'udp 10.0.0.1:1 > 10.0.0.5:2 local',
      'udp 10.0.0.1:1 > 203.0.113.2:2 local',
      'udp 203.0.113.2:1 > 198.51.100.7:2 local',
    ]);
  });

  it('ports, flags and ICMP types, negated', async () => {
    const rules = [
      '-p tcp -m tcp ! --sport :1000 ! --dport 80:90',
      '-p tcp -m tcp ! --sport 0:65535',
      '-p tcp -m tcp --dport 80:',
      '-p tcp -m tcp --syn',
      '-p tcp -m tcp ! --syn',
      '-p tcp -m tcp --tcp-flags ALL NONE',
      '-p tcp -m tcp ! --tcp-flags SYN,ACK SYN',
      '-p tcp -m tcp --tcp-flags SYN FIN',
      '-p tcp -m tcp --tcp-option 2',
      '-p tcp -m tcp ! --tcp-option 8',
      '-p tcp -m multiport ! --ports 80:90,443',
      '-p tcp -m multiport ! --sports 1000:1001,5',
      '-p tcp -m multiport --dports 79,80:81',
      '-p udp -m udp ! --dport 53',
      '-p udp -m multiport ! --dports 53,80:90',
      '-p icmp -m icmp --icmp-type any',
      '-p icmp -m icmp ! --icmp-type any',
      '-p icmp -m icmp --icmp-type 255/3',
      '-p icmp -m icmp --icmp-type 3',
      '-p icmp -m icmp ! --icmp-type 3/1',
      '-p icmp -m icmp ! --icmp-type 8',
    ];
    await expectAgreement({ ipv4: logging('INPUT', rules) }, [
      ...[
        ['1000', '80', 'syn'],
        ['1001', '91', 'syn,ack'],
        ['1001', '443', 'none'],
        ['5', '80', 'fin,syn'],
        ['65535', '79', 'ack'],
      ].map(([from, to, flags]) => `tcp 10.0.0.5:${from} > 10.0.0.1:${to} ${flags}`),
      'udp 10.0.0.5:1 > 10.0.0.1:53',
      'udp 10.0.0.5:1 > 10.0.0.1:91',
      'icmp 10.0.0.5 > 10.0.0.1 ping',
      'icmp 10.0.0.5 > 10.0.0.1 host-unreachable',
      'icmp 10.0.0.5 > 10.0.0.1 network-unreachable',
    ]);
  });

  it('sets: nomatch and its return, families, dimensions, lists, negated', async () => {
    const ipset = `create ip hash:ip family inet timeout 0 forceadd comment
add ip 10.0.0.5 comment "five"
add ip 10.0.0.6
create masked hash:ip family inet netmask 24
add masked 10.0.0.0
create net hash:net family inet counters
add net 10.0.0.0/24
add net 10.0.0.4/30 nomatch
add net 10.0.0.6/32
create all hash:net family inet
add all 0.0.0.0/1
add all 128.0.0.0/1
add all 10.0.0.6/32 nomatch
create port hash:ip,port family inet
add port 10.0.0.5,udp:53
add port 10.0.0.1,tcp:80
create netport hash:net,port family inet
add netport 10.0.0.0/24,udp:53
add netport 10.0.0.6/32,udp:53 nomatch
create bits bitmap:ip range 10.0.0.0/24
add bits 10.0.0.5
create ports bitmap:port range 50-60
add ports 53
create six hash:net family inet6
add six 2001:db8:2::/64
create list list:set size 8
add list net
add list six
add list ip
create empty hash:ip family inet
`;
    const names: readonly (readonly [string, string])[] = [
      ['ip', 'src'],
      ['ip', 'src,dst'],
      ['masked', 'dst'],
      ['net', 'src'],
      ['all', 'src'],
      ['port', 'src,dst'],
      ['port', 'src'],
      ['netport', 'src,dst'],
      ['bits', 'src'],
      ['ports', 'dst'],
      ['list', 'src'],
      ['empty', 'src'],
    ];
    const rules = names.flatMap(([set, directions]) => [
      `-m set --match-set ${set} ${directions}`,
      `-m set ! --match-set ${set} ${directions}`,
      `-m set --match-set ${set} ${directions} --return-nomatch`,
      `-m set ! --match-set ${set} ${directions} --return-nomatch`,
    ]);
    const packets = ['10.0.0.5', '10.0.0.6', '10.0.0.9', '10.0.1.5'].flatMap((source) => [
      `udp ${source}:1 > 10.0.0.1:53`,
      `tcp ${source}:1 > 10.0.0.1:80 syn`,
    ]);
    for (const some of chunks(rules)) {
      await expectAgreement({ ipv4: logging('INPUT', some), ipset }, packets);
    }
    const six = ['list src', 'six src'].flatMap((rest) => [
      `-m set --match-set ${rest}`,
      `-m set ! --match-set ${rest}`,
      `-m set --match-set ${rest} --return-nomatch`,
    ]);
    await expectAgreement({ ipv6: logging('INPUT', six), ipset }, [
      'udp [2001:db8:2::5]:1 > [2001:db8:2::1]:2',
      'udp [2001:db8:3::5]:1 > [2001:db8:2::1]:2',
    ]);
  });

  it('IPv6: hop limits, types of addresses, masks, ICMPv6 types', async () => {
    const rules = [
      '-s 2001:db8:2::5/ffff:ffff:ffff::ffff',
      '! -s 2001:db8:2::5/ffff:ffff:ffff::ffff',
      '-m hl ! --hl-eq 64',
      '-m hl --hl-gt 63',
      '-p ipv6-icmp -m icmp6 ! --icmpv6-type 128',
      '-p ipv6-icmp -m icmp6 --icmpv6-type 128/0',
      '-p ipv6-icmp -m icmp6 --icmpv6-type port-unreachable',
      '-m addrtype --dst-type LOCAL',
      '-m addrtype --dst-type LOCAL --limit-iface-in',
      '-m addrtype ! --dst-type MULTICAST',
      '-m addrtype --src-type UNICAST,LOCAL',
      '-m iprange ! --src-range 2001:db8:2::4-2001:db8:2::6',
      '! -p tcp',
    ];
    await expectAgreement({ ipv6: logging('INPUT', rules) }, [
      'udp [2001:db8:2::5]:1 > [2001:db8:2::1]:2',
      'udp [2001:db8:2:9::5]:1 > [2001:db8:1::2]:2 ttl 1',
      'icmp 2001:db8:2::5 > 2001:db8:2::1 ping',
      'icmp 2001:db8:2::5 > 2001:db8:2::1 port-unreachable',
      'udp [2001:db8:2::7]:1 > [ff02::1]:2',
      'tcp [2001:db8:2::7]:1 > [2001:db8:2::1]:2 syn',
    ]);
  });

  it('every kind of REJECT, for what may be answered and what may not', async () => {
    const kinds4 = ['net', 'host', 'proto', 'port'].map((kind) => `icmp-${kind}-unreachable`);
    const all4 = [...kinds4, 'icmp-net-prohibited', 'icmp-host-prohibited', 'icmp-admin-prohibited'];
    const all6 = [
      'icmp6-no-route',
      'icmp6-adm-prohibited',
      'icmp6-addr-unreachable',
      'icmp6-port-unreachable',
      'icmp6-policy-fail',
      'icmp6-reject-route',
    ];
    const lines = (kinds: Rules): string =>
      table([
        ...kinds.map((kind, i) => `-A INPUT -p udp -m udp --dport ${i + 1} -j REJECT --reject-with ${kind}`),
        '-A INPUT -p tcp -j REJECT --reject-with tcp-reset',
        '-A INPUT -j REJECT',
      ]);
    const packets = (kinds: Rules, from: string, to: string, bare: readonly [string, string]): string[] => [
      ...kinds.map((_, i) => `udp ${from}:1 > ${to}:${i + 1}`),
      `tcp ${from}:1 > ${to}:1 syn`,
      `tcp ${from}:1 > ${to}:1 rst`,
      `tcp ${from}:1 > ${to}:1 ack ack 7`,
      `udp ${from}:1 > ${to}:99`,
      `udp ${from}:1 > ${to}:99 bad-checksum`,
      `icmp ${bare[0]} > ${bare[1]} ping`,
      `icmp ${bare[0]} > ${bare[1]} port-unreachable`,
    ];
    await expectAgreement({ ipv4: lines(all4), ipv6: lines(all6) }, [
      ...packets(all4, '10.0.0.5', '10.0.0.1', ['10.0.0.5', '10.0.0.1']),
      ...packets(all6, '[2001:db8:2::5]', '[2001:db8:2::1]', ['2001:db8:2::5', '2001:db8:2::1']),
      'udp 10.0.0.5:1 > 10.0.0.255:99',
      'udp [2001:db8:2::5]:1 > [ff02::1]:99',
    ]);
  });

  it('goto, jump and return through chains, back to policies', async () => {
    const rules = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:outer - [0:0]
:inner - [0:0]
:last - [0:0]
-A INPUT -p udp -m udp --dport 9 -j RETURN
-A INPUT -j outer
-A INPUT -p udp -m udp --dport 1 -j ACCEPT
-A INPUT -p udp -m udp --dport 2 -g last
-A INPUT -p udp -j ACCEPT
-A outer -p udp -m udp --dport 3 -g inner
-A outer -p udp -m udp --dport 4 -j inner
-A outer -j LOG --log-prefix "outer "
-A inner -p udp -m udp --dport 4 -g last
-A inner -j RETURN
-A last -j LOG --log-prefix "last "
COMMIT
`;
    await expectAgreement(
      { ipv4: rules },
      [1, 2, 3, 4, 5, 9].map((port) => `udp 10.0.0.5:1 > 10.0.0.1:${port}`),
    );
  });

  it('NOTRACK passes over what an earlier CT has given settings, which is why CT alone is not carried over', async () => {
    const ipv4 =
      '*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -p udp -j CT --ctevents new\n' +
      '-A PREROUTING -j CT --notrack\nCOMMIT\n' +
      table(['-A INPUT -m conntrack --ctstate UNTRACKED -j DROP']);
    const runner = await NetfilterRunner.create({ host: DEFAULT_HOST, ipv4 });
    try {
      const texts = ['udp 10.0.0.5:1 > 10.0.0.1:2', 'tcp 10.0.0.5:1 > 10.0.0.1:2 syn'];
      const records = await runner.run(
        replayOf(texts.map((text) => ({ interface: 'eth1', frame: parsePacketText(text).frame }))),
      );
      expect(records.map(({ verdict }) => verdict)).toEqual(['accept', 'drop']);
    } finally {
      await runner.close();
    }
  });
});
