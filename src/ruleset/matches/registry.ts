// SPDX-License-Identifier: Apache-2.0
// Every match of iptables 1.8.9 by the name that `-m` takes. A new match adds one line here and its type,
// where it has one of its own, to index.ts.
import type { MatchExtension, PrintContext } from '../extension.js';
import type { Match } from './index.js';
import { addrtypeCodec } from './addrtype.js';
import { ahCodec } from './ah.js';
import { bpfCodec } from './bpf.js';
import { cgroupCodec } from './cgroup.js';
import { clusterCodec } from './cluster.js';
import { commentCodec } from './comment.js';
import { connbytesCodec } from './connbytes.js';
import { connlabelCodec } from './connlabel.js';
import { connlimitCodec } from './connlimit.js';
import { connmarkMatchCodec } from './connmark.js';
import { conntrackCodec } from './conntrack.js';
import { cpuCodec } from './cpu.js';
import { dccpCodec } from './dccp.js';
import { devgroupCodec } from './devgroup.js';
import { dscpMatchCodec } from './dscp.js';
import { dstCodec } from './dst.js';
import { ecnCodec } from './ecn.js';
import { espCodec } from './esp.js';
import { eui64Codec } from './eui64.js';
import { fragCodec } from './frag.js';
import { hashlimitCodec } from './hashlimit.js';
import { hbhCodec } from './hbh.js';
import { helperCodec } from './helper.js';
import { hlCodec } from './hl.js';
import { icmpCodec } from './icmp.js';
import { icmp6Codec } from './icmp6.js';
import { ipcompCodec } from './ipcomp.js';
import { iprangeCodec } from './iprange.js';
import { ipv6headerCodec } from './ipv6header.js';
import { ipvsCodec } from './ipvs.js';
import { lengthCodec } from './length.js';
import { limitCodec } from './limit.js';
import { macCodec } from './mac.js';
import { markMatchCodec } from './mark.js';
import { mhCodec } from './mh.js';
import { multiportCodec } from './multiport.js';
import { nfacctCodec } from './nfacct.js';
import { osfCodec } from './osf.js';
import { ownerCodec } from './owner.js';
import { physdevCodec } from './physdev.js';
import { pkttypeCodec } from './pkttype.js';
import { policyCodec } from './policy.js';
import { quotaCodec } from './quota.js';
import { rateestCodec } from './rateest.js';
import { realmCodec } from './realm.js';
import { recentCodec } from './recent.js';
import { rpfilterCodec } from './rpfilter.js';
import { rtCodec } from './rt.js';
import { sctpCodec } from './sctp.js';
import { setCodec } from './set.js';
import { socketCodec } from './socket.js';
import { srhCodec } from './srh.js';
import { stateCodec } from './state.js';
import { statisticCodec } from './statistic.js';
import { stringCodec } from './string.js';
import { tcpCodec } from './tcp.js';
import { tcpmssMatchCodec } from './tcpmss.js';
import { timeCodec } from './time.js';
import { tosMatchCodec } from './tos.js';
import { ttlCodec } from './ttl.js';
import { u32Codec } from './u32.js';
import { udpCodec } from './udp.js';

/** A codec of whichever payload; a payload goes only to the codec that made it. */
type AnyMatch = MatchExtension<Match>;

const ALL = [
  addrtypeCodec,
  ahCodec,
  bpfCodec,
  cgroupCodec,
  clusterCodec,
  commentCodec,
  connbytesCodec,
  connlabelCodec,
  connlimitCodec,
  connmarkMatchCodec,
  conntrackCodec,
  cpuCodec,
  dccpCodec,
  devgroupCodec,
  dscpMatchCodec,
  dstCodec,
  ecnCodec,
  espCodec,
  eui64Codec,
  fragCodec,
  hashlimitCodec,
  hbhCodec,
  helperCodec,
  hlCodec,
  icmpCodec,
  icmp6Codec,
  ipcompCodec,
  iprangeCodec,
  ipv6headerCodec,
  ipvsCodec,
  lengthCodec,
  limitCodec,
  macCodec,
  markMatchCodec,
  mhCodec,
  multiportCodec,
  nfacctCodec,
  osfCodec,
  ownerCodec,
  physdevCodec,
  pkttypeCodec,
  policyCodec,
  quotaCodec,
  rateestCodec,
  realmCodec,
  recentCodec,
  rpfilterCodec,
  rtCodec,
  sctpCodec,
  setCodec,
  socketCodec,
  srhCodec,
  stateCodec,
  statisticCodec,
  stringCodec,
  tcpCodec,
  tcpmssMatchCodec,
  timeCodec,
  tosMatchCodec,
  ttlCodec,
  u32Codec,
  udpCodec,
];

export const MATCHES: ReadonlyMap<string, AnyMatch> = new Map(
  ALL.map((codec) => [codec.name, codec as AnyMatch]),
);

/** ` -m name` and its options, as iptables-save prints them. */
export function matchText(match: Match, context: PrintContext): string {
  const name = match.kind === 'opaque' ? match.name : match.kind;
  return ` -m ${name}${MATCHES.get(name)!.print(match, context)}`;
}
