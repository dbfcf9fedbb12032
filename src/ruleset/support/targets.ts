// SPDX-License-Identifier: Apache-2.0
// Rows of the support table: every target of iptables 1.8.9. Codes IPT0400 to IPT0449 are targets.
import { EXACT, noEffect, unsupported, type ExtensionSupport } from './support.js';

function later(code: string, what: string): ExtensionSupport {
  return { base: unsupported(code, what) };
}

/** Takes note of the packet and lets the walk go on: no rule can tell whether it ran. */
function observes(code: string, what: string): ExtensionSupport {
  return { base: noEffect(code, what) };
}

const NAT = 'addresses and ports are not translated';
const REWRITE = 'packets are not rewritten';

/** By the name that `-j` takes. Jumps, gotos and rules without a target have no row: they are exact. */
export const TARGET_SUPPORT: Readonly<Record<string, ExtensionSupport>> = {
  ACCEPT: { base: EXACT },
  AUDIT: observes('IPT0401', 'audit records are not written'),
  CHECKSUM: later('IPT0402', 'checksums left open by offloading are not filled in'),
  CLASSIFY: later('IPT0403', 'the traffic control class of a packet is not set'),
  CLUSTERIP: later('IPT0404', 'a shared cluster address is not answered'),
  CONNMARK: later('IPT0405', 'connection marks are not tracked'),
  CONNSECMARK: later('IPT0406', 'security marks are not kept'),
  CT: {
    base: EXACT,
    options: {
      '--helper': unsupported('IPT0407', 'connection tracking helpers are not carried over'),
      '--timeout': unsupported('IPT0408', 'timeout policies are not carried over'),
      '--ctevents': noEffect('IPT0409', 'conntrack events are not reported'),
      '--expevents': noEffect('IPT0409', 'conntrack events are not reported'),
      '--zone': unsupported('IPT0410', 'conntrack zones are not modelled'),
      '--zone-orig': unsupported('IPT0410', 'conntrack zones are not modelled'),
      '--zone-reply': unsupported('IPT0410', 'conntrack zones are not modelled'),
    },
  },
  DNAT: later('IPT0411', NAT),
  DNPT: later('IPT0412', NAT),
  DROP: { base: EXACT },
  DSCP: later('IPT0413', REWRITE),
  ECN: later('IPT0414', REWRITE),
  HL: later('IPT0415', REWRITE),
  HMARK: later('IPT0416', 'hash marks are not computed'),
  IDLETIMER: observes('IPT0417', 'idle timers are not kept'),
  LED: observes('IPT0418', 'LED triggers are not fired'),
  LOG: { base: EXACT },
  MARK: { base: EXACT },
  MASQUERADE: later('IPT0419', NAT),
  NETMAP: later('IPT0420', NAT),
  NFLOG: observes('IPT0421', 'packets are not copied to a netlink log group'),
  NFQUEUE: later('IPT0422', 'the verdict of a userspace program is not known'),
  NOTRACK: { base: EXACT },
  QUEUE: later('IPT0438', 'the verdict of a userspace program is not known'),
  RATEEST: observes('IPT0423', 'rate estimators are not kept'),
  REDIRECT: later('IPT0424', NAT),
  REJECT: { base: EXACT },
  RETURN: { base: EXACT },
  SECMARK: later('IPT0425', 'security marks are not kept'),
  SET: later('IPT0426', 'members are not added to or deleted from sets by packets'),
  SNAT: later('IPT0427', NAT),
  SNPT: later('IPT0428', NAT),
  SYNPROXY: later('IPT0429', 'handshakes are not proxied'),
  TCPMSS: later('IPT0430', REWRITE),
  TCPOPTSTRIP: later('IPT0431', REWRITE),
  TEE: later('IPT0432', 'packets are not duplicated'),
  TOS: later('IPT0433', REWRITE),
  TPROXY: later('IPT0434', 'packets are not handed to a transparent proxy'),
  TRACE: observes('IPT0435', 'packets are not traced'),
  TTL: later('IPT0436', REWRITE),
  ULOG: observes('IPT0437', 'packets are not copied to a userspace log group'),
};

/** Rows that differ where netfilter programs carry the rules over (`--attach netfilter`). */
export const NETFILTER_TARGET_SUPPORT: Readonly<Record<string, ExtensionSupport>> = {
  REJECT: {
    base: {
      state: 'approximate',
      code: 'IPT0439',
      reason: 'a netfilter program can only DROP where REJECT was, so nobody is told',
    },
  },
};
