// SPDX-License-Identifier: Apache-2.0
// Rows of the support table: every match of iptables 1.8.9. Codes IPT0300 to IPT0399 are matches.
import { EXACT, noEffect, unsupported, type ExtensionSupport } from './support.js';

function later(code: string, what: string): ExtensionSupport {
  return { base: unsupported(code, what) };
}

/** Cut or odd headers make it drop the packet, matched or not. */
function drops(code: string, what: string): ExtensionSupport {
  return { base: unsupported(code, what), hotdrops: true };
}

function remembers(code: string, what: string): ExtensionSupport {
  return { base: unsupported(code, what), stateful: true };
}

const IPV6_EXTENSION_HEADER = 'the fields of IPv6 extension headers are not read by the program';

/** By the name that `-m` takes. */
export const MATCH_SUPPORT: Readonly<Record<string, ExtensionSupport>> = {
  addrtype: { base: EXACT },
  ah: drops('IPT0302', 'the SPI of an authentication header is not read by the program'),
  bpf: later('IPT0303', 'the classic BPF program of the match is not carried over'),
  cgroup: later('IPT0304', 'the control group of the sending socket is not known to a TC program'),
  cluster: later('IPT0305', 'the node hash of a cluster is not modelled'),
  comment: { base: EXACT },
  connbytes: later('IPT0306', 'bytes and packets per connection are not counted'),
  connlabel: later('IPT0307', 'connection labels are not tracked'),
  connlimit: remembers('IPT0308', 'connections per address are not counted'),
  connmark: later('IPT0309', 'connection marks are not tracked'),
  recent: remembers('IPT0310', 'lists of recently seen addresses are not kept'),
  conntrack: { base: EXACT },
  cpu: later('IPT0315', 'the processor that handles a packet is an accident of the machine'),
  dccp: drops('IPT0316', 'DCCP ports, types and options are not read by the program'),
  devgroup: later('IPT0317', 'interface groups are not in a snapshot'),
  dscp: later('IPT0318', 'the DSCP field is not compared'),
  dst: drops('IPT0319', IPV6_EXTENSION_HEADER),
  ecn: later('IPT0320', 'ECN bits are not compared'),
  esp: drops('IPT0321', 'the SPI of an ESP header is not read by the program'),
  eui64: drops('IPT0322', 'the EUI-64 part of an address is not compared with the MAC address'),
  frag: drops('IPT0323', IPV6_EXTENSION_HEADER),
  hashlimit: remembers('IPT0324', 'rates per address are not kept'),
  hbh: drops('IPT0325', IPV6_EXTENSION_HEADER),
  helper: later('IPT0326', 'connection tracking helpers are not carried over'),
  hl: { base: EXACT },
  icmp: { base: EXACT },
  icmp6: { base: EXACT },
  ipcomp: drops('IPT0327', 'the CPI of an IPComp header is not read by the program'),
  iprange: { base: EXACT },
  ipv6header: drops('IPT0328', IPV6_EXTENSION_HEADER),
  ipvs: later('IPT0329', 'IPVS connections are not visible to a TC program'),
  length: { base: EXACT },
  limit: { base: EXACT, stateful: true },
  mac: { base: EXACT },
  mark: { base: EXACT },
  mh: drops('IPT0330', 'mobility headers are not read by the program'),
  multiport: { base: EXACT },
  nfacct: remembers('IPT0331', 'accounting objects and their quotas are not in a snapshot'),
  osf: later('IPT0332', 'passive operating system fingerprints are not in a snapshot'),
  owner: later('IPT0333', 'the owner of the sending socket is not known to a TC program'),
  physdev: later('IPT0334', 'bridge ports are not visible to a program at an IP interface'),
  pkttype: later('IPT0335', 'the link-layer packet type is not compared'),
  policy: later('IPT0336', 'IPsec policies are not visible to a TC program'),
  quota: remembers('IPT0337', 'byte quotas are not kept'),
  rateest: later('IPT0338', 'rate estimators are not kept'),
  realm: later('IPT0339', 'routing realms are not in a snapshot'),
  rpfilter: later('IPT0340', 'the reverse path test is not modelled'),
  rt: drops('IPT0341', IPV6_EXTENSION_HEADER),
  sctp: drops('IPT0342', 'SCTP ports and chunks are not read by the program'),
  set: {
    base: EXACT,
    options: {
      '--update-counters': noEffect('IPT0343', 'counters of set members are not carried over'),
      '--update-subcounters': noEffect('IPT0343', 'counters of set members are not carried over'),
      '--packets-eq': unsupported('IPT0344', 'counters of set members are not compared'),
      '--packets-lt': unsupported('IPT0344', 'counters of set members are not compared'),
      '--packets-gt': unsupported('IPT0344', 'counters of set members are not compared'),
      '--bytes-eq': unsupported('IPT0344', 'counters of set members are not compared'),
      '--bytes-lt': unsupported('IPT0344', 'counters of set members are not compared'),
      '--bytes-gt': unsupported('IPT0344', 'counters of set members are not compared'),
    },
  },
  socket: later('IPT0346', 'the receiving socket is not looked up'),
  srh: later('IPT0347', IPV6_EXTENSION_HEADER),
  state: { base: EXACT },
  statistic: remembers('IPT0348', 'random and n-th packet draws are not modelled'),
  string: later('IPT0349', 'packet contents are not searched'),
  tcp: { base: EXACT },
  tcpmss: drops('IPT0350', 'the MSS option is not compared'),
  time: later('IPT0351', 'the time of day is not compared'),
  tos: later('IPT0352', 'the TOS field is not compared'),
  ttl: { base: EXACT },
  u32: drops('IPT0353', 'raw packet words are not compared'),
  udp: { base: EXACT },
};
