// SPDX-License-Identifier: Apache-2.0
// Small ipset saves: how members are written, what they stand for, what is refused. What the kernel made of
// them is recorded in cases.recorded.json by test/kernel/ipset-cases.test.ts (RECORD=1, needs root).

const TEXT = `
create s hash:ip; add s 10.0.0.1; add s 10.0.0.9-10.0.0.12
create s hash:ip; add s 10.0.0.0/29
create s hash:ip; add s 10.0.0.5/30
create s hash:ip netmask 24; add s 10.0.0.1; add s 10.0.2.0-10.0.4.255
create s hash:ip netmask 24; add s 10.0.0.1; add s 10.0.0.2
create s hash:ip bitmask 255.0.255.0; add s 10.1.2.3
create s hash:ip; add s 10.0.0.0/8
create s hash:ip maxelem 4; add s 10.0.0.0/29
create s hash:ip; add s 10.0.0.1; add s 10.0.0.1
create s hash:ip; add s 10.0.0.1; add s 10.0.0.1 -exist
create s hash:ip; add s 10.0.0.1 timeout 3
create s hash:ip timeout 0; add s 10.0.0.1; add s 10.0.0.2 timeout 0
create s hash:ip counters comment; add s 10.0.0.1 packets 5 bytes 6 comment "a b: 'c'"
create s hash:ip counters; add s 10.0.0.1
create s hash:ip skbinfo; add s 10.0.0.1 skbmark 0x10/0xff skbprio 1:10 skbqueue 5
create s hash:ip family inet6; add s 2001:db8::1; add s 2001:db8:0::2
create s hash:ip family inet6; add s 2001:db8::/64
create s hash:ip family inet6; add s 10.0.0.1
create s hash:ip; add s 2001:db8::1
create s hash:ip; add s 10.0.0.300
create s hash:net; add s 10.0.0.5/24; add s 10.0.1.1; add s 192.168.0.0/16 nomatch
create s hash:net; add s 10.0.0.0-10.0.0.6
create s hash:net; add s 10.0.0.3-10.0.1.17
create s hash:net; add s 0.0.0.0/0
create s hash:net; add s 0.0.0.0/1; add s 128.0.0.0/1
create s hash:net family inet6; add s 2001:db8::1/64; add s ::1
create s hash:net family inet6; add s ::/0
create s hash:ip,port; add s 10.0.0.1,80; add s 10.0.0.1,udp:53; add s 10.0.0.1,tcp:1-3
create s hash:ip,port; add s 10.0.0.1-10.0.0.3,sctp:7; add s 10.0.0.1,udplite:1
create s hash:ip,port; add s 10.0.0.1,icmp:ping; add s 10.0.0.1,icmp:3/1; add s 10.0.0.1,icmp:200/7
create s hash:ip,port; add s 10.0.0.1,vrrp:0; add s 10.0.0.1,47:0
create s hash:ip,port; add s 10.0.0.1,vrrp:1
create s hash:ip,port; add s 10.0.0.1,tcp:http; add s 10.0.0.1,udp:domain
create s hash:ip,port; add s 10.0.0.1,icmpv6:128/0
create s hash:ip,port family inet6; add s ::1,icmpv6:ping; add s ::1,ipv6-icmp:1/0; add s ::1,tcp:22
create s hash:ip,port; add s 10.0.0.1
create s hash:ip,port; add s 10.0.0.1,tcp:80,1
create s hash:ip,port; add s 10.0.0.1,tcp:70000
create s hash:ip,port; add s 10.0.0.1,tcp:5-3
create s hash:net,port; add s 10.0.0.1/24,tcp:80-82; add s 10.0.0.3,0
create s hash:net,port; add s 0.0.0.0/0,tcp:1
create s hash:ip,port,ip; add s 10.0.0.1,tcp:80,10.0.0.2; add s 10.0.0.1-10.0.0.2,udp:5-6,10.9.9.9
create s hash:ip,port,net; add s 10.0.0.1,tcp:80,10.0.0.2/24; add s 10.0.0.1,tcp:81,10.0.0.0-10.0.0.5
create s hash:net,iface; add s 10.0.0.0/24,eth0; add s 0.0.0.0/0,physdev:eth1; add s 10.0.0.0/24,eth wildcard
create s hash:net,iface; add s 10.0.0.0/24,averyveryverylongname
create s bitmap:ip range 10.0.0.0/24; add s 10.0.0.1; add s 10.0.0.9-10.0.0.12; add s 10.0.0.16/30
create s bitmap:ip range 10.0.0.0-10.0.0.255; add s 10.0.1.0
create s bitmap:ip range 10.0.0.0/16 netmask 24; add s 10.0.3.7
create s bitmap:ip; add s 10.0.0.1
create s bitmap:ip,mac range 10.0.0.0/24; add s 10.0.0.1,00:11:22:aa:bb:cc; add s 10.0.0.2
create s bitmap:port range 0-1023; add s 80; add s 100-103; add s tcp:443; add s telnet
create s bitmap:port range 10-20; add s 80
create a hash:ip; create b hash:net; create s list:set; add s a; add s b; del s a
create a hash:ip; create b hash:net; create s list:set size 8 timeout 0; add s a timeout 99999; add s b before a
create a hash:ip; create s list:set; add s nowhere
create s hash:ip; add t 10.0.0.1
create s hash:ip; create s hash:ip
create s hash:bogus
create s hash:ip bogus 1
create s hash:ip hashsize abc
create s hash:ip markmask 1
create s iphash; add s 10.0.0.1
-N s iphash --hashsize 128; -A s 10.0.0.1
-N s ipmap --from 10.0.0.0 --to 10.0.0.255; -A s 10.0.0.1
-N s ipmap --network 10.0.0.0/24; -A s 10.0.0.1
-N s portmap --from 1 --to 100; -A s 80
create s hash:ip; add s 10.0.0.1; add s 10.0.0.2; del s 10.0.0.1
create s hash:ip; add s 10.0.0.1; flush s; add s 10.0.0.5
create s hash:ip; create t hash:ip; destroy t; rename s u; add u 10.0.0.1
create s hash:ip; create t hash:ip; add s 10.0.0.1; swap s t; add s 10.0.0.2
create s hash:ip; del s 10.0.0.1
create s hash:ip forceadd hashsize 64 maxelem 100; add s 10.0.0.1
create s hash:ip; add s 10.0.0.1 nomatch
create s hash:ip timeout 1; add s 10.0.0.1 timeout 9999999
create s hash:ip; add s 10.0.0.1 packets 1
create s hash:ip; add s 10.0.0.1 comment x
create s hash:net,iface; add s 10.0.0.1,eth0 wildcard nomatch
create s bitmap:port range 0-1023; add s 80; add s http
create averyveryverylongnameofasetthatistoolong hash:ip
create create hash:ip; add create 10.0.0.1
`;

/** One restore file each. */
export const IPSET_CASES: readonly string[] = TEXT.trim()
  .split('\n')
  .map((line) => line.split('; ').join('\n') + '\n');

/** A save in a form that does not depend on hash seeds and clocks: options that vary left out, lines sorted. */
export function normalSave(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) =>
      line
        .replace(/ (?:initval|bucketsize) \S+/g, '')
        .replace(/ timeout ([1-9]\d*)/g, ' timeout N')
        .trimEnd(),
    )
    .sort();
}
