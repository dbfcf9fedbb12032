// SPDX-License-Identifier: Apache-2.0
// Rules that try the options of every target: usual, odd and wrong ones, and places the kernel refuses.
// iptables 1.8.9's answers are recorded in target-rows.recorded.json by `recordTargetRows` (needs root).
import type { OracleRow } from '../corpus/iptables-oracle.js';

/** Sets that the SET rows name; made before the rows are tried. */
export const SETS_TEXT = `create foo hash:ip
create bar hash:ip,port
create six hash:ip family inet6
`;

/** `family table chain | rule`, family 4, 6 or 46. */
const TEXT = `
46 filter INPUT | -j ACCEPT
46 filter INPUT | -j RETURN
46 filter INPUT | -j QUEUE
46 filter INPUT | -g ACCEPT
46 filter INPUT | -j INPUT
46 filter INPUT | -j nowhere
46 nat PREROUTING | -j DROP
46 filter INPUT | -j AUDIT --type ACCEPT
46 filter INPUT | -j AUDIT --type deny
46 filter INPUT | -j AUDIT
46 mangle POSTROUTING | -j CHECKSUM --checksum-fill
46 mangle POSTROUTING | -j CHECKSUM
46 filter INPUT | -j CHECKSUM --checksum-fill
46 mangle POSTROUTING | -j CLASSIFY --set-class 1:ffff
46 mangle POSTROUTING | -j CLASSIFY --set-class 0x1:0xa
46 mangle POSTROUTING | -j CLASSIFY --set-class 12345:123456
46 mangle POSTROUTING | -j CLASSIFY --set-class 1
46 mangle PREROUTING | -j CLASSIFY --set-class 1:1
46 mangle PREROUTING | -j CONNMARK --set-mark 1
46 mangle PREROUTING | -j CONNMARK --set-mark 0x10/0xf0
46 mangle PREROUTING | -j CONNMARK --set-xmark 0x10/0xf0
46 mangle PREROUTING | -j CONNMARK --and-mark 0xf
46 mangle PREROUTING | -j CONNMARK --or-mark 0xf
46 mangle PREROUTING | -j CONNMARK --xor-mark 0xf
46 mangle PREROUTING | -j CONNMARK --save-mark
46 mangle PREROUTING | -j CONNMARK --save-mark --mask 0xff
46 mangle PREROUTING | -j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xf0
46 mangle PREROUTING | -j CONNMARK --restore-mark --mask 1 --ctmask 2
46 mangle PREROUTING | -j CONNMARK --set-mark 1 --left-shift-mark 3
46 mangle PREROUTING | -j CONNMARK --save-mark --right-shift-mark 32
46 mangle PREROUTING | -j CONNMARK --save-mark --right-shift-mark 33
46 mangle PREROUTING | -j CONNMARK --set-mark 1 --mask 2
46 mangle PREROUTING | -j CONNMARK --set-mark 1 --save-mark
46 mangle PREROUTING | -j CONNMARK
46 mangle PREROUTING | -j CONNMARK --mask 1
46 raw PREROUTING | -j CT --notrack
46 raw PREROUTING | -j CT
46 raw PREROUTING | -j CT --zone 5
46 raw PREROUTING | -j CT --zone 0
46 raw PREROUTING | -j CT --zone mark
46 raw PREROUTING | -j CT --zone-orig 0x10
46 raw PREROUTING | -j CT --zone-reply mark
46 raw PREROUTING | -j CT --zone-orig 1 --zone-reply 2
46 raw PREROUTING | -j CT --zone 65536
46 raw PREROUTING | -j CT --ctevents reply,new
46 raw PREROUTING | -j CT --expevents new --ctevents destroy
46 raw PREROUTING | -j CT --ctevents bogus
46 raw PREROUTING | -j CT --helper ftp
46 raw PREROUTING | -j CT --notrack --zone 1
46 mangle PREROUTING | -j CT --notrack
46 raw OUTPUT | -j NOTRACK
46 filter OUTPUT | -j NOTRACK
4 nat PREROUTING | -j DNAT --to-destination 1.2.3.4
4 nat PREROUTING | -j DNAT --to-destination 1.2.3.4-1.2.3.9
4 nat PREROUTING | -p tcp -j DNAT --to-destination 1.2.3.4:80
4 nat PREROUTING | -p udp -j DNAT --to-destination :80-90
4 nat PREROUTING | -p tcp -j DNAT --to-destination 1.2.3.4-1.2.3.9:80-90/8080 --random --persistent
4 nat PREROUTING | -p tcp -j DNAT --to-destination 1.2.3.4:http
4 nat PREROUTING | -p tcp -j DNAT --to-destination 1.2.3.4:90-80
4 nat PREROUTING | -p tcp -j DNAT --to-destination 1.2.3.4:80:90
4 nat PREROUTING | -j DNAT --to-destination 1.2.3.4:80
4 nat PREROUTING | ! -p tcp -j DNAT --to-destination 1.2.3.4:80
4 nat PREROUTING | -p icmp -j DNAT --to-destination 1.2.3.4:80
4 nat PREROUTING | -p tcp -j DNAT --to-destination [1.2.3.4]:80
4 nat PREROUTING | -j DNAT --to-destination 1.2.3
4 nat PREROUTING | -j DNAT
4 nat POSTROUTING | -j DNAT --to-destination 1.2.3.4
4 nat PREROUTING | -j DNAT --to-destination 1.2.3.4 --to-destination 1.2.3.5
6 nat PREROUTING | -j DNAT --to-destination 2001:db8::1
6 nat PREROUTING | -p tcp -j DNAT --to-destination [2001:db8::1]:80
6 nat PREROUTING | -p tcp -j DNAT --to-destination [2001:db8::1-2001:db8::9]:80-90
6 nat PREROUTING | -p tcp -j DNAT --to-destination []:80
6 nat PREROUTING | -p tcp -j DNAT --to-destination :80
6 nat PREROUTING | -j DNAT --to-destination [2001:db8::1]
4 nat POSTROUTING | -j SNAT --to-source 1.2.3.4
4 nat POSTROUTING | -p udp -j SNAT --to-source 1.2.3.4:1-1023 --random-fully
4 nat POSTROUTING | -j SNAT --to-source 1.2.3.4 --persistent --random
4 nat INPUT | -j SNAT --to-source 1.2.3.4
4 nat OUTPUT | -j SNAT --to-source 1.2.3.4
6 nat POSTROUTING | -j SNAT --to-source 2001:db8::1-2001:db8::3
46 nat POSTROUTING | -j MASQUERADE
46 nat POSTROUTING | -j MASQUERADE --random-fully --random
46 nat POSTROUTING | -p tcp -j MASQUERADE --to-ports 1024-2048
46 nat POSTROUTING | -j MASQUERADE --to-ports 1024
46 nat PREROUTING | -j MASQUERADE
46 nat PREROUTING | -p tcp -j REDIRECT --to-ports 8080
46 nat OUTPUT | -p udp -j REDIRECT --to-ports 53-54 --random
46 nat PREROUTING | -j REDIRECT
46 nat PREROUTING | -p tcp -j REDIRECT --to-ports domain
46 nat PREROUTING | -p tcp -j REDIRECT --to-ports 1-2-3
46 nat POSTROUTING | -p tcp -j MASQUERADE --to-ports 5-8x6
4 nat PREROUTING | -p tcp -j DNAT --to-destination 1.2.3.4:5-8x6
46 nat POSTROUTING | -p tcp -j REDIRECT --to-ports 1
4 nat PREROUTING | -j NETMAP --to 1.2.3.4/24
4 nat PREROUTING | -j NETMAP --to 1.2.3.4
4 nat PREROUTING | -j NETMAP --to 1.2.3.4/255.255.0.0
6 nat PREROUTING | -j NETMAP --to 2001:db8::1/64
4 nat PREROUTING | -j NETMAP
46 mangle FORWARD | -j DSCP --set-dscp 0x2e
46 mangle FORWARD | -j DSCP --set-dscp 63
46 mangle FORWARD | -j DSCP --set-dscp 64
46 mangle FORWARD | -j DSCP --set-dscp-class ef
46 mangle FORWARD | -j DSCP --set-dscp-class AF21x
46 mangle FORWARD | -j DSCP --set-dscp-class zz
46 mangle FORWARD | -j DSCP
46 filter FORWARD | -j DSCP --set-dscp 1
4 mangle FORWARD | -p tcp -j ECN --ecn-tcp-remove
4 mangle FORWARD | -j ECN --ecn-tcp-remove
4 mangle FORWARD | -p tcp -j ECN --ecn-tcp-cwr 1
4 mangle FORWARD | -p tcp -j ECN --ecn-tcp-cwr 0 --ecn-tcp-ece 0
4 mangle FORWARD | -j ECN --ecn-ip-ect 3
4 mangle FORWARD | -j ECN --ecn-ip-ect 4
4 mangle FORWARD | -j TTL --ttl-set 64
4 mangle FORWARD | -j TTL --ttl-dec 0
4 mangle FORWARD | -j TTL --ttl-inc 1
4 mangle FORWARD | -j TTL --ttl-set 64 --ttl-inc 1
6 mangle FORWARD | -j HL --hl-set 64
6 mangle FORWARD | -j HL --hl-dec 1
46 filter INPUT | -j LOG
46 filter INPUT | -j LOG --log-prefix x
46 filter INPUT | -j LOG --log-prefix "a 'b' \\"c\\" \\\\d: "
46 filter INPUT | -j LOG --log-prefix "123456789012345678901234567890 too long"
46 filter INPUT | -j LOG --log-level debug
46 filter INPUT | -j LOG --log-level warn
46 filter INPUT | -j LOG --log-level 4
46 filter INPUT | -j LOG --log-level 8
46 filter INPUT | -j LOG --log-macdecode --log-uid --log-ip-options --log-tcp-options --log-tcp-sequence
46 filter INPUT | -j LOG --log-prefix x --log-prefix y
46 filter INPUT | -j LOG ! --log-prefix x
46 mangle PREROUTING | -j MARK --set-mark 1
46 mangle PREROUTING | -j MARK --set-mark 0x10/0xf
46 mangle PREROUTING | -j MARK --set-xmark 0x10/0xf
46 mangle PREROUTING | -j MARK --set-xmark 010
46 mangle PREROUTING | -j MARK --and-mark 0xff
46 mangle PREROUTING | -j MARK --or-mark 0xff
46 mangle PREROUTING | -j MARK --xor-mark 0xff
46 mangle PREROUTING | -j MARK --set-mark 0x100000000
46 mangle PREROUTING | -j MARK --set-mark 1/
46 mangle PREROUTING | -j MARK --set-mark 1 --or-mark 2
46 mangle PREROUTING | -j MARK
46 filter INPUT | -j MARK --set-mark 1
46 filter INPUT | -j NFLOG
46 filter INPUT | -j NFLOG --nflog-group 5 --nflog-prefix "a b" --nflog-size 64 --nflog-threshold 3
46 filter INPUT | -j NFLOG --nflog-range 100
46 filter INPUT | -j NFLOG --nflog-range 100 --nflog-size 1
46 filter INPUT | -j NFLOG --nflog-group 65536
46 filter INPUT | -j NFQUEUE
46 filter INPUT | -j NFQUEUE --queue-num 7 --queue-bypass
46 filter INPUT | -j NFQUEUE --queue-balance 0:3 --queue-cpu-fanout
46 filter INPUT | -j NFQUEUE --queue-balance 3:3
46 filter INPUT | -j NFQUEUE --queue-balance :3
46 filter INPUT | -j NFQUEUE --queue-balance 3:
46 filter INPUT | -j NFQUEUE --queue-balance 3
46 filter INPUT | -j NFQUEUE --queue-cpu-fanout
46 filter INPUT | -j REJECT
46 filter INPUT | -p tcp -j REJECT --reject-with tcp-reset
46 filter INPUT | -j REJECT --reject-with tcp-reset
46 filter INPUT | ! -p tcp -j REJECT --reject-with tcp-reset
4 filter INPUT | -j REJECT --reject-with icmp-net
4 filter INPUT | -j REJECT --reject-with host-prohib
4 filter INPUT | -j REJECT --reject-with ADMIN-PROHIB
4 filter INPUT | -j REJECT --reject-with icmp
4 filter INPUT | -j REJECT --reject-with echo-reply
6 filter INPUT | -j REJECT --reject-with no-route
6 filter INPUT | -j REJECT --reject-with icmp6-adm
6 filter INPUT | -j REJECT --reject-with addr-unreach
6 filter INPUT | -j REJECT --reject-with policy-fail
6 filter INPUT | -j REJECT --reject-with reject-route
46 mangle INPUT | -j REJECT
46 filter INPUT | -j SET --add-set bar src,dst
4 filter INPUT | -j SET --add-set foo src --exist --timeout 5
4 filter INPUT | -j SET --del-set foo dst
4 filter INPUT | -j SET --add-set foo srcx --del-set bar dst,src
4 filter INPUT | -j SET --exist --del-set foo src
4 filter INPUT | -j SET --add-set absent src
4 filter INPUT | -j SET --add-set six src
6 filter INPUT | -j SET --add-set six src
4 mangle OUTPUT | -j SET --map-set foo src --map-mark --map-prio
4 mangle PREROUTING | -j SET --map-set foo src --map-prio
4 mangle PREROUTING | -j SET --map-set foo src
4 filter INPUT | -j SET --map-set foo src --map-mark
4 filter INPUT | -j SET
4 filter INPUT | -j SET --add-set foo bogus
46 filter INPUT | -p tcp -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460 --ecn
46 filter INPUT | -p tcp -j SYNPROXY
46 filter INPUT | -p tcp -j SYNPROXY --wscale 300 --mss 70000
46 filter INPUT | -j SYNPROXY
46 raw PREROUTING | -p tcp -j SYNPROXY
46 mangle FORWARD | -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1400
46 mangle FORWARD | -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
46 mangle FORWARD | -p tcp -m tcp --syn -j TCPMSS --set-mss 1400 --clamp-mss-to-pmtu
46 mangle FORWARD | -p tcp -m tcp --syn -j TCPMSS --set-mss 65535
46 mangle FORWARD | -p tcp -m tcp ! --syn -j TCPMSS --set-mss 1400
46 mangle FORWARD | -p tcp -j TCPMSS --set-mss 1400
46 mangle PREROUTING | -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu
46 mangle FORWARD | -p tcp --syn -j TCPMSS
46 mangle FORWARD | -p tcp -j TCPOPTSTRIP --strip-options 5,mss,2
46 mangle FORWARD | -p tcp -j TCPOPTSTRIP --strip-options timestamp,wscale,19
46 mangle FORWARD | -p tcp -j TCPOPTSTRIP --strip-options 1
46 mangle FORWARD | -p tcp -j TCPOPTSTRIP
46 mangle FORWARD | -j TCPOPTSTRIP --strip-options 5
4 mangle FORWARD | -j TEE --gateway 1.2.3.4
4 mangle FORWARD | -j TEE --gateway 1.2.3.4 --oif eth0
4 mangle FORWARD | -j TEE --gateway 0.0.0.0
6 mangle FORWARD | -j TEE --gateway 2001:db8::1
46 mangle FORWARD | -j TEE
46 mangle FORWARD | -j TOS --set-tos 0x10
46 mangle FORWARD | -j TOS --set-tos 0x10/0x3f
46 mangle FORWARD | -j TOS --set-tos Minimize-delay
46 mangle FORWARD | -j TOS --and-tos 0xf0
46 mangle FORWARD | -j TOS --or-tos 1
46 mangle FORWARD | -j TOS --xor-tos 255
46 mangle FORWARD | -j TOS --xor-tos 256
46 mangle FORWARD | -j TOS --set-tos bogus
46 filter FORWARD | -j TOS --set-tos 1
46 mangle PREROUTING | -p tcp -j TPROXY --on-port 80
46 mangle PREROUTING | -p udp -j TPROXY --on-port 0 --tproxy-mark 1/2
4 mangle PREROUTING | -p tcp -j TPROXY --on-port http --on-ip 1.2.3.4
6 mangle PREROUTING | -p tcp -j TPROXY --on-port 1 --on-ip 2001:db8::1
46 mangle PREROUTING | -j TPROXY --on-port 80
46 mangle PREROUTING | -p tcp -j TPROXY
46 mangle FORWARD | -p tcp -j TPROXY --on-port 80
46 raw PREROUTING | -j TRACE
46 filter INPUT | -j TRACE
46 mangle INPUT | -j CONNSECMARK --save
46 mangle INPUT | -j CONNSECMARK
46 mangle FORWARD | -j IDLETIMER --timeout 5 --label abc
46 mangle FORWARD | -j IDLETIMER --timeout 5
46 filter INPUT | -j RATEEST --rateest-name a --rateest-interval 250ms --rateest-ewmalog 500ms
46 filter INPUT | -j RATEEST --rateest-name a --rateest-interval 1s --rateest-ewmalog 8s
46 filter INPUT | -j RATEEST --rateest-name a --rateest-interval 60s --rateest-ewmalog 8s
46 filter INPUT | -j RATEEST --rateest-name a --rateest-interval 1 --rateest-ewmalog 100us
4 mangle PREROUTING | -j HMARK --hmark-tuple src,dst,sport,dport,proto --hmark-mod 100 --hmark-rnd 1
4 mangle PREROUTING | -j HMARK --hmark-src-prefix 24 --hmark-dst-prefix 255.255.0.0 --hmark-mod 10 --hmark-offset 5 --hmark-rnd 0xffff
4 mangle PREROUTING | -j HMARK --hmark-tuple ct,s,d --hmark-mod 10 --hmark-rnd 2
4 mangle PREROUTING | -j HMARK --hmark-tuple spi --hmark-sport-mask 1 --hmark-mod 10 --hmark-rnd 2
4 mangle PREROUTING | -j HMARK --hmark-tuple src --hmark-mod 0 --hmark-rnd 2
4 mangle PREROUTING | -j HMARK --hmark-mod 10 --hmark-rnd 2
6 mangle PREROUTING | -j HMARK --hmark-tuple src,dst --hmark-sport 5 --hmark-dport 7 --hmark-proto-mask 3 --hmark-mod 10 --hmark-rnd 2
6 mangle PREROUTING | -j SNPT --src-pfx 2001:db8::/64 --dst-pfx 2001:db9::/64
6 mangle POSTROUTING | -j SNPT --src-pfx 2001:db8::/64 --dst-pfx 2001:db9::/64
6 mangle PREROUTING | -j DNPT --src-pfx 2001:db8::/64 --dst-pfx 2001:db9::/60
6 mangle PREROUTING | -j DNPT --src-pfx 2001:db8::/96 --dst-pfx 2001:db9::/96
6 mangle PREROUTING | -j DNPT --src-pfx 2001:db8::1/64 --dst-pfx 2001:db9::/64
6 mangle PREROUTING | -j DNPT --src-pfx 2001:db8::/64
46 filter INPUT | -j LED --led-trigger-id foo
4 filter INPUT | -o eth0 -j ACCEPT
4 filter OUTPUT | -i eth0 -j ACCEPT
4 filter INPUT | -i averyveryverylongname -j ACCEPT
4 filter INPUT | -i + -j ACCEPT
4 filter INPUT | ! -i eth+ -j ACCEPT
4 filter INPUT | -s 10.0.0.1/255.0.255.0 -j ACCEPT
4 filter INPUT | -s 10/8 -j ACCEPT
4 filter INPUT | -s 10.1 -j ACCEPT
4 filter INPUT | -s 0x0a.010.1.1/16 -j ACCEPT
4 filter INPUT | -s any/0 -j ACCEPT
4 filter INPUT | ! -s 0.0.0.0/0 -j ACCEPT
4 filter INPUT | -s 10.0.0.1/33 -j ACCEPT
4 filter INPUT | -s 10.0.0.1/255.255 -j ACCEPT
6 filter INPUT | -s 2001:db8::1/ffff::ffff -j ACCEPT
6 filter INPUT | -s 2001:db8::1/64 -j ACCEPT
6 filter INPUT | -f -j ACCEPT
4 filter INPUT | ! -f -j ACCEPT
46 filter INPUT | -p 256 -j ACCEPT
46 filter INPUT | -p 0x6 -j ACCEPT
46 filter INPUT | ! -p all -j ACCEPT
46 filter INPUT | -p all -j ACCEPT
46 filter INPUT | -p gre
46 filter INPUT | -p TCP -j ACCEPT
46 filter INPUT | -p bogus -j ACCEPT
46 filter OUTPUT | -m mac --mac-source 00:11:22:33:44:55 -j ACCEPT
46 filter INPUT | -m owner --uid-owner 0 -j ACCEPT
46 filter INPUT | -m tcp --dport 80 -j ACCEPT
46 filter INPUT | ! -p tcp -m tcp --dport 80 -j ACCEPT
4 filter OUTPUT | -m addrtype --dst-type LOCAL --limit-iface-in -j ACCEPT
4 filter INPUT | -m addrtype --dst-type LOCAL --limit-iface-out -j ACCEPT
46 filter INPUT | -m policy --dir out --pol none -j ACCEPT
46 filter OUTPUT | -m policy --dir out --pol none -j ACCEPT
46 filter OUTPUT | -m physdev --physdev-out eth0 -j ACCEPT
46 filter INPUT | -m rpfilter -j ACCEPT
46 raw PREROUTING | -m rpfilter -j ACCEPT
46 filter OUTPUT | -m socket -j ACCEPT
`;

export interface TargetRow extends OracleRow {
  readonly name: string;
}

export const TARGET_ROWS: readonly TargetRow[] = TEXT.trim()
  .split('\n')
  .flatMap((line) => {
    const [place, rule] = line.split(' | ') as [string, string];
    const [families, table, chain] = place.split(' ') as [string, string, string];
    return [...families].map((digit) => ({
      name: `ipv${digit} ${table} ${chain} ${rule}`,
      family: digit === '4' ? ('ipv4' as const) : ('ipv6' as const),
      table,
      lines: [`-A ${chain} ${rule}`],
    }));
  });
