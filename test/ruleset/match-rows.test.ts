// SPDX-License-Identifier: Apache-2.0
// Every match: what iptables-legacy 1.8.9 (kernel 6.18) saved of a rule that was loaded into an empty
// namespace, or that it refused the rule. Recorded from it, not from this project.
import { describe, expect, it } from 'vitest';
import { MATCH_SHAPES } from '../../grammar/extensions/matches.js';
import type { Family } from '../../src/net/family.js';
import { readRow } from '../corpus/extension-rows.js';

/** Family, table, rule, saved form (undefined: refused). */
const ROWS: readonly (readonly [Family, string, string, string | undefined])[] = [
  [
    'ipv4',
    'filter',
    '-A INPUT -m addrtype --dst-type LOCAL,BROADCAST ! --src-type uni --limit-iface-in',
    '-A INPUT -m addrtype ! --src-type UNICAST --dst-type LOCAL,BROADCAST --limit-iface-in',
  ],
  ['ipv4', 'filter', '-A INPUT -m addrtype --dst-type moon', undefined],
  ['ipv6', 'filter', '-A INPUT -m addrtype --dst-type BROADCAST', undefined],
  ['ipv4', 'filter', '-A INPUT -p ah -m ah ! --ahspi 500:600', '-A INPUT -p ah -m ah ! --ahspi 500:600'],
  [
    'ipv6',
    'filter',
    '-A INPUT -m ah --ahspi 500 ! --ahlen 16 --ahres',
    '-A INPUT -m ah --ahspi 500 ! --ahlen 16 --ahres',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -m bpf --bytecode "2,48 0 0 9,6 0 0 65535"',
    '-A INPUT -m bpf --bytecode "2,48 0 0 9,6 0 0 65535"',
  ],
  ['ipv4', 'filter', '-A INPUT -m bpf --bytecode "3,48 0 0 9,6 0 0 65535"', undefined],
  [
    'ipv4',
    'filter',
    '-A INPUT -m cluster --cluster-total-nodes 4 --cluster-local-node 3 --cluster-hash-seed 0xbeef',
    '-A INPUT -m cluster --cluster-local-nodemask 0x00000004 --cluster-total-nodes 4 --cluster-hash-seed 0x0000beef',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -m cluster --cluster-total-nodes 2 --cluster-local-node 3 --cluster-hash-seed 1',
    undefined,
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -m comment --comment "it\'s \\"quoted\\", really"',
    '-A INPUT -m comment --comment "it\\\'s \\"quoted\\", really"',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -m comment --comment plain-word_1',
    '-A INPUT -m comment --comment plain-word_1',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -m connbytes ! --connbytes 1000:2000 --connbytes-mode bytes --connbytes-dir both',
    '-A INPUT -m connbytes ! --connbytes 1000:2000 --connbytes-mode bytes --connbytes-dir both',
  ],
  ['ipv4', 'filter', '-A INPUT -m connbytes --connbytes 9 --connbytes-mode packets', undefined],
  [
    'ipv4',
    'filter',
    '-A INPUT -m connlabel ! --label 40 --set',
    '-A INPUT -m connlabel ! --label "40" --set',
  ],
  ['ipv4', 'filter', '-A INPUT -m connlabel --label 128', undefined],
  [
    'ipv6',
    'filter',
    '-A INPUT -m connlimit ! --connlimit-above 10 --connlimit-mask 64 --connlimit-daddr',
    '-A INPUT -m connlimit --connlimit-upto 10 --connlimit-mask 64 --connlimit-daddr',
  ],
  ['ipv4', 'filter', '-A INPUT -m connlimit --connlimit-mask 24', undefined],
  ['ipv4', 'mangle', '-A INPUT -m connmark ! --mark 16/0xff', '-A INPUT -m connmark ! --mark 0x10/0xff'],
  [
    'ipv4',
    'filter',
    '-A INPUT -m conntrack ! --ctstate new,inv,SNAT --ctproto 17 --ctstatus ASSURED,EXPECTED',
    '-A INPUT -m conntrack ! --ctstate INVALID,NEW,SNAT --ctproto 17 --ctstatus EXPECTED,ASSURED',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -m conntrack --ctorigsrc 10.1.2.3/8 ! --ctrepldstport 1024: --ctexpire 5:60 --ctdir reply',
    '-A INPUT -m conntrack --ctorigsrc 10.1.2.3/8 ! --ctrepldstport 1024:65535 --ctexpire 5:60 --ctdir REPLY',
  ],
  ['ipv4', 'filter', '-A INPUT -m conntrack --ctstate ESTABLISHED,OPEN', undefined],
  ['ipv4', 'filter', '-A INPUT -m conntrack', undefined],
  ['ipv4', 'filter', '-A INPUT -m cpu ! --cpu 2', '-A INPUT -m cpu ! --cpu 2'],
  [
    'ipv4',
    'filter',
    '-A INPUT -p dccp -m dccp --sport 5: ! --dport 80 --dccp-types DATA,request',
    '-A INPUT -p dccp -m dccp --sport 5:65535 ! --dport 80 --dccp-types REQUEST,DATA',
  ],
  ['ipv4', 'filter', '-A INPUT -m devgroup --src-group 5/0xff ! --src-group 1', undefined],
  ['ipv4', 'filter', '-A INPUT -m devgroup --src-group default', '-A INPUT -m devgroup --src-group default'],
  ['ipv4', 'filter', '-A INPUT -m dscp ! --dscp-class AF32', '-A INPUT -m dscp ! --dscp 0x1c'],
  ['ipv4', 'filter', '-A INPUT -m dscp --dscp 64', undefined],
  [
    'ipv6',
    'filter',
    '-A INPUT -m dst --dst-len 10 --dst-opts 5:4,1,0',
    '-A INPUT -m dst --dst-len 10 --dst-opts 5:4,1,0',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -p tcp -m ecn ! --ecn-tcp-cwr --ecn-tcp-ece --ecn-ip-ect 2',
    '-A INPUT -p tcp -m ecn --ecn-tcp-ece ! --ecn-tcp-cwr --ecn-ip-ect 2',
  ],
  ['ipv4', 'filter', '-A INPUT -m ecn --ecn-tcp-cwr', undefined],
  [
    'ipv4',
    'filter',
    '-A INPUT -p esp -m esp --espspi 0x10:',
    '-A INPUT -p esp -m esp --espspi 16:4294967295',
  ],
  ['ipv6', 'filter', '-A INPUT -m eui64', '-A INPUT -m eui64'],
  [
    'ipv6',
    'filter',
    '-A INPUT -m frag --fragid 1:100 ! --fraglen 8 --fragmore --fragfirst',
    '-A INPUT -m frag --fragid 1:100 ! --fraglen 8 --fragfirst --fragmore',
  ],
  ['ipv6', 'filter', '-A INPUT -m frag --fragmore --fraglast', undefined],
  [
    'ipv4',
    'filter',
    '-A INPUT -m hashlimit --hashlimit-above 100/min --hashlimit-burst 7 --hashlimit-mode dstport,srcip --hashlimit-name web --hashlimit-srcmask 24',
    '-A INPUT -m hashlimit --hashlimit-above 100/min --hashlimit-burst 7 --hashlimit-mode srcip,dstport --hashlimit-name web --hashlimit-srcmask 24',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -m hashlimit --hashlimit-upto 2mb/s --hashlimit-burst 5mb --hashlimit-name bytes --hashlimit-htable-expire 9000',
    '-A INPUT -m hashlimit --hashlimit-upto 2mb/s --hashlimit-burst 6mb --hashlimit-name bytes --hashlimit-htable-expire 9000',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -m hashlimit --hashlimit 1/day --hashlimit-burst 9 --hashlimit-name slow',
    '-A INPUT -m hashlimit --hashlimit-upto 1/day --hashlimit-burst 9 --hashlimit-name slow',
  ],
  ['ipv4', 'filter', '-A INPUT -m hashlimit --hashlimit-upto 5/s', undefined],
  [
    'ipv6',
    'filter',
    '-A INPUT -m hbh ! --hbh-len 8 --hbh-opts 1:2',
    '-A INPUT -m hbh ! --hbh-len 8 --hbh-opts 1:2',
  ],
  ['ipv4', 'filter', '-A INPUT -m helper ! --helper ftp-2121', '-A INPUT -m helper ! --helper ftp-2121'],
  ['ipv6', 'filter', '-A INPUT -m hl ! --hl-eq 64', '-A INPUT -m hl ! --hl-eq 64'],
  ['ipv6', 'filter', '-A INPUT -m hl --hl 255', '-A INPUT -m hl --hl-eq 255'],
  ['ipv6', 'filter', '-A INPUT -m hl --hl-lt 300', undefined],
  ['ipv4', 'filter', '-A INPUT -p icmp --icmp-type ping', '-A INPUT -p icmp -m icmp --icmp-type 8'],
  ['ipv4', 'filter', '-A INPUT -p icmp ! --icmp-type port-unr', '-A INPUT -p icmp -m icmp ! --icmp-type 3/3'],
  ['ipv4', 'filter', '-A INPUT -p icmp --icmp-type 3:4', undefined],
  ['ipv6', 'filter', '-A INPUT -p 58 --icmpv6-type 1/3', '-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 1/3'],
  [
    'ipv4',
    'filter',
    '-A INPUT -p ipcomp -m ipcomp ! --ipcompspi 5:9 --compres',
    '-A INPUT -p ipcomp -m ipcomp ! --ipcompspi 5:9 --compres',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -m iprange --src-range 10.0.0.5-10.0.0.9 ! --dst-range 10.1.1.1',
    '-A INPUT -m iprange --src-range 10.0.0.5-10.0.0.9 ! --dst-range 10.1.1.1-10.1.1.1',
  ],
  ['ipv6', 'filter', '-A INPUT -m iprange --src-range ::5-::2', '-A INPUT -m iprange --src-range ::5-::2'],
  ['ipv4', 'filter', '-A INPUT -m iprange --src-range 10.0.0.5-', undefined],
  [
    'ipv6',
    'filter',
    '-A INPUT -m ipv6header ! --header frag,hop,60 --soft',
    '-A INPUT -m ipv6header ! --header hop-by-hop,ipv6-opts,ipv6-frag --soft',
  ],
  ['ipv4', 'filter', '-A INPUT -m length ! --length 40:', '-A INPUT -m length ! --length 40:65535'],
  ['ipv4', 'filter', '-A INPUT -m length --length 1:2:3', undefined],
  [
    'ipv4',
    'filter',
    '-A INPUT -m limit --limit 90/minute --limit-burst 3',
    '-A INPUT -m limit --limit 90/min --limit-burst 3',
  ],
  ['ipv4', 'filter', '-A INPUT -m limit --limit 1/day --limit-burst 2', undefined],
  ['ipv4', 'filter', '-A INPUT -m limit ! --limit 1/s', undefined],
  [
    'ipv4',
    'filter',
    '-A INPUT -m mac ! --mac-source 2:0:5E:a:B:1',
    '-A INPUT -m mac ! --mac-source 02:00:5e:0a:0b:01',
  ],
  ['ipv4', 'filter', '-A OUTPUT -m mac --mac-source 02:00:00:00:00:01', undefined],
  ['ipv4', 'filter', '-A INPUT -m mark --mark 010/0xF0', '-A INPUT -m mark --mark 0x8/0xf0'],
  ['ipv4', 'filter', '-A INPUT -m mark --mark 0x1ffffffff', undefined],
  [
    'ipv6',
    'filter',
    '-A INPUT -p mh -m mh ! --mh-type bu:ba',
    '-A INPUT -p mobility-header -m mh ! --mh-type 5:6',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -p udp -m multiport ! --ports domain,1000:2000,5',
    '-A INPUT -p udp -m multiport ! --ports 53,1000:2000,5',
  ],
  ['ipv4', 'filter', '-A INPUT -p tcp -m multiport --dports 5:5', undefined],
  ['ipv4', 'filter', '-A INPUT -m multiport --dports 5', undefined],
  [
    'ipv4',
    'filter',
    '-A OUTPUT -m owner ! --uid-owner nobody --gid-owner 5-9 --socket-exists',
    '-A OUTPUT -m owner --socket-exists ! --uid-owner 65534 --gid-owner 5-9',
  ],
  ['ipv4', 'filter', '-A OUTPUT -m owner --uid-owner no-such-user', undefined],
  ['ipv4', 'filter', '-A INPUT -m owner --uid-owner 0', undefined],
  [
    'ipv4',
    'filter',
    '-A FORWARD -m physdev --physdev-in br+ ! --physdev-is-bridged --physdev-out eth1',
    '-A FORWARD -m physdev --physdev-in br+ --physdev-out eth1 ! --physdev-is-bridged',
  ],
  ['ipv4', 'filter', '-A INPUT -m pkttype ! --pkt-type mcast', '-A INPUT -m pkttype ! --pkt-type multicast'],
  [
    'ipv4',
    'filter',
    '-A INPUT -m policy --dir in --pol ipsec --strict --reqid 5 --next ! --proto esp --mode tunnel --tunnel-src 10.1.2.3/24',
    '-A INPUT -m policy --dir in --pol ipsec --strict --reqid 5 --next ! --proto esp --mode tunnel --tunnel-src 10.1.2.3/24',
  ],
  ['ipv4', 'filter', '-A INPUT -m policy --pol ipsec', undefined],
  [
    'ipv4',
    'filter',
    '-A INPUT -m quota ! --quota 18446744073709551615',
    '-A INPUT -m quota ! --quota 18446744073709551615',
  ],
  ['ipv4', 'filter', '-A INPUT -m realm --realm 0x10/0x1f', '-A INPUT -m realm --realm 0x10/0x1f'],
  [
    'ipv4',
    'filter',
    '-A INPUT -m recent --update --seconds 60 --hitcount 4 --rttl --name ssh --rdest --mask 255.255.0.0',
    '-A INPUT -m recent --update --seconds 60 --hitcount 4 --rttl --name ssh --mask 255.255.0.0 --rdest',
  ],
  ['ipv4', 'filter', '-A INPUT -m recent --set --seconds 5', undefined],
  ['ipv4', 'filter', '-A INPUT -m recent --rcheck --reap', undefined],
  ['ipv4', 'raw', '-A PREROUTING -m rpfilter --invert --loose', '-A PREROUTING -m rpfilter --loose --invert'],
  ['ipv4', 'raw', '-A PREROUTING -m rpfilter --validmark', '-A PREROUTING -m rpfilter --validmark'],
  ['ipv4', 'filter', '-A INPUT -m limit --limit 7/hour', '-A INPUT -m limit --limit 7/hour'],
  ['ipv4', 'filter', '-A INPUT -m limit --limit 5/day', '-A INPUT -m limit --limit 5/day'],
  ['ipv4', 'filter', '-A INPUT -m limit --limit 90/minute', '-A INPUT -m limit --limit 90/min'],
  [
    'ipv4',
    'filter',
    '-A INPUT -m time --weekdays Mon,Tue,',
    '-A INPUT -m time --weekdays Mon,Tue --datestop 2038-01-19T03:14:07',
  ],
  ['ipv4', 'filter', '-A INPUT -m time --weekdays Mon,,Tue', undefined],
  ['ipv4', 'filter', '-A INPUT -m rpfilter', undefined],
  [
    'ipv6',
    'filter',
    '-A INPUT -m rt --rt-type 0 --rt-segsleft 1:3 --rt-0-addrs ::1,fe80::5 --rt-0-not-strict',
    '-A INPUT -m rt --rt-type 0 --rt-segsleft 1:3 --rt-0-addrs ::1,fe80::5 --rt-0-not-strict',
  ],
  ['ipv6', 'filter', '-A INPUT -m rt --rt-0-res --rt-type 0', undefined],
  [
    'ipv4',
    'filter',
    '-A INPUT -p sctp -m sctp --dport 80:90 ! --chunk-types any DATA:Ub,SHUTDOWN',
    '-A INPUT -p sctp -m sctp --dport 80:90 ! --chunk-types any DATA:Ub,SHUTDOWN',
  ],
  ['ipv4', 'filter', '-A INPUT -p sctp -m sctp --chunk-types some DATA', undefined],
  [
    'ipv4',
    'mangle',
    '-A PREROUTING -m socket --nowildcard --transparent',
    '-A PREROUTING -m socket --transparent --nowildcard',
  ],
  [
    'ipv6',
    'filter',
    '-A INPUT -m srh --srh-segs-left-gt 2 ! --srh-tag 5 --srh-psid fe80::/10',
    '-A INPUT -m srh --srh-segs-left-gt 2 ! --srh-tag 5 --srh-psid fe80::/10',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -m state ! --state UNTRACKED,RELATED',
    '-A INPUT -m state ! --state RELATED,UNTRACKED',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -m statistic --mode random ! --probability 0.3333333333',
    '-A INPUT -m statistic --mode random ! --probability 0.33333333349',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -m statistic --mode nth --every 3 --packet 2',
    '-A INPUT -m statistic --mode nth --every 3 --packet 2',
  ],
  ['ipv4', 'filter', '-A INPUT -m statistic --mode nth --every 3 --packet 3', undefined],
  [
    'ipv4',
    'filter',
    '-A INPUT -m string --algo bm ! --hex-string "a|00 ff|b" --to 100',
    '-A INPUT -m string ! --hex-string "|6100ff62|" --algo bm --to 100',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -m string --algo kmp --string "say \\"hi\\"" --icase --from 5',
    '-A INPUT -m string --string "say \\"hi\\"" --algo kmp --from 5 --icase',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -p tcp -m tcp --sport 1024: ! --dport http ! --tcp-option 5',
    '-A INPUT -p tcp -m tcp --sport 1024:65535 ! --dport 80 ! --tcp-option 5',
  ],
  ['ipv4', 'filter', '-A INPUT -p tcp ! --syn', '-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN'],
  [
    'ipv4',
    'filter',
    '-A INPUT -p tcp --tcp-flags all psh,urg',
    '-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG PSH,URG',
  ],
  ['ipv4', 'filter', '-A INPUT -p tcp ! --sport :', '-A INPUT -p tcp -m tcp'],
  ['ipv4', 'filter', '-A INPUT -p tcp --sport 9:5', undefined],
  [
    'ipv4',
    'filter',
    '-A INPUT -p tcp -m tcpmss ! --mss 500:1000',
    '-A INPUT -p tcp -m tcpmss ! --mss 500:1000',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -m time --timestart 8:30 --timestop 17:00:30 ! --weekdays Sa,7 --monthdays 1,15 --datestart 2024-02-30T5',
    '-A INPUT -m time --timestart 08:30:00 --timestop 17:00:30 --monthdays 1,15 --weekdays Mon,Tue,Wed,Thu,Fri --datestart 2024-03-01T05:00:00 --datestop 2038-01-19T03:14:07',
  ],
  [
    'ipv4',
    'filter',
    '-A INPUT -m time --kerneltz --contiguous --timestart 23:00 --timestop 1:00',
    '-A INPUT -m time --timestart 23:00:00 --timestop 01:00:00 --datestop 2038-01-19T03:14:07 --kerneltz --contiguous',
  ],
  ['ipv4', 'filter', '-A INPUT -m time --utc --kerneltz', undefined],
  ['ipv4', 'filter', '-A INPUT -m tos ! --tos Minimize-Delay', '-A INPUT -m tos ! --tos 0x10/0x3f'],
  ['ipv4', 'filter', '-A INPUT -m tos --tos 16/0x1e', '-A INPUT -m tos --tos 0x10/0x1e'],
  ['ipv4', 'filter', '-A INPUT -m ttl --ttl-gt 5', '-A INPUT -m ttl --ttl-gt 5'],
  ['ipv4', 'filter', '-A INPUT -m ttl ! --ttl-lt 5', undefined],
  [
    'ipv4',
    'filter',
    '-A INPUT -m u32 ! --u32 "0>>22&0x3C@ 12>>26&0x3C@0>>24=0x16:020,7 && 4&0xFFFF=1"',
    '-A INPUT -m u32 ! --u32 "0x0>>0x16&0x3c@0xc>>0x1a&0x3c@0x0>>0x18=0x16:0x10,0x7&&0x4&0xffff=0x1"',
  ],
  ['ipv4', 'filter', '-A INPUT -m u32 --u32 "5&=1"', undefined],
  [
    'ipv4',
    'filter',
    '-A INPUT -p udp ! --sport 5:1 --dport 70000',
    '-A INPUT -p udp -m udp ! --sport 5:1 --dport 4464',
  ],
  ['ipv4', 'filter', '-A INPUT -p udp --dport 0x50', undefined],
];

/** Matches that need something of the host or a module that kernel has not. */
const NOT_RECORDED = ['cgroup', 'ipvs', 'nfacct', 'osf', 'rateest', 'set'];

describe('matches as iptables saves them', () => {
  it.each(ROWS)('%s %s %s', (family, table, rule, saved) => {
    const answer = readRow({ name: rule, family, table, rule, saved });
    if (saved === undefined) expect(answer).toHaveProperty('refused');
    else expect(answer).toEqual({ saved });
  });

  it('leave no match out', () => {
    const shown = new Set(
      ROWS.flatMap(([, , , saved]) => [...(saved ?? '').matchAll(/-m (\S+)/g)].map((m) => m[1])),
    );
    const left = MATCH_SHAPES.map(({ name }) => name).filter((name) => !shown.has(name));
    expect([...new Set(left)].sort()).toEqual(NOT_RECORDED);
  });
});
