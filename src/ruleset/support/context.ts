// SPDX-License-Identifier: Apache-2.0
// Rows of the support table that belong to no extension: header options, tables, set types, and what
// makes a whole rule unfaithful. Codes IPT0450 to IPT0499.
import { EXACT, approximate, noEffect, unsupported, type Support } from './support.js';

/** Header options of a rule (iptables(8) PARAMETERS). */
export const HEADER_SUPPORT: Readonly<Record<'-s' | '-d' | '-i' | '-o' | '-p' | '-f', Support>> = {
  '-s': EXACT,
  '-d': EXACT,
  '-i': EXACT,
  '-o': EXACT,
  '-p': EXACT,
  '-f': approximate(
    'IPT0450',
    'both',
    'a TC program sees fragments where netfilter, once connections are tracked, sees whole datagrams',
  ),
};

/** Tables. What a rule says counts besides: a translating target in `nat` has its own row. */
export const TABLE_SUPPORT: Readonly<Record<string, Support>> = {
  raw: EXACT,
  mangle: EXACT,
  nat: EXACT,
  filter: EXACT,
  security: unsupported('IPT0451', 'the security table is not carried over'),
};

/** In `nat`, where only the first packet of a connection is judged, these targets need a nat walk in the program. */
export const NAT_SIDE_EFFECT: Support = unsupported(
  'IPT0452',
  'side effects in the nat table happen for the first packet of a connection only, which is not modelled',
);

/** A nat chain whose policy is DROP drops connections at their first packet. */
export const NAT_POLICY_DROP: Support = unsupported(
  'IPT0453',
  'a DROP policy in the nat table is not carried over',
);

/** `CT` that tracks gives the packet a template, and a later `--notrack` passes over packets that have one. */
export const CT_TEMPLATE: Support = unsupported(
  'IPT0454',
  'the packet would carry settings for its connection, which a later NOTRACK does not take away',
);

/** `MARK` before routing, or in OUTPUT where a new mark routes again, on a host whose policy rules ask for marks. */
export const MARK_ROUTING: Support = approximate(
  'IPT0455',
  'both',
  'the host routes by marks, and a TC program predicts the way without them, and sets them behind OUTPUT',
);

/**
 * What the kernel's translation does to a connection is not asked by netfilter programs: `--ctstate SNAT,DNAT` and
 * the reply's addresses.
 */
export const TRANSLATED_CONNECTION: Support = unsupported(
  'IPT0456',
  'the nat table stays with the kernel, and a netfilter program does not ask how a connection is translated',
);

/** `--ctstatus EXPECTED`: at TC nothing expects connections, but a netfilter program meets those of the kernel. */
export const EXPECTED_CONNECTION: Support = unsupported(
  'IPT0457',
  'helpers stay with the kernel, and a netfilter program does not ask whether one expected a connection',
);

/** ipset types by name (ipset(8) SET TYPES). */
export const SET_TYPE_SUPPORT: Readonly<Record<string, Support>> = {
  'bitmap:ip': EXACT,
  'bitmap:ip,mac': EXACT,
  'bitmap:port': EXACT,
  'hash:ip': EXACT,
  'hash:mac': setType('hash:mac'),
  'hash:ip,mac': setType('hash:ip,mac'),
  'hash:net': EXACT,
  'hash:net,net': setType('hash:net,net'),
  'hash:ip,port': EXACT,
  'hash:net,port': EXACT,
  'hash:ip,port,ip': EXACT,
  'hash:ip,port,net': setType('hash:ip,port,net'),
  'hash:ip,mark': setType('hash:ip,mark'),
  'hash:net,port,net': setType('hash:net,port,net'),
  'hash:net,iface': setType('hash:net,iface'),
  'list:set': EXACT,
};

function setType(name: string): Support {
  return unsupported('IPT0460', `sets of type ${name} are not looked up by the program`);
}

/** The rule names a set that no input brings. */
export const ABSENT_SET: Support = unsupported(
  'IPT0461',
  'the set is in no input, so its members are not known',
);

/** A member of the set leaves it when its time is up. */
export const SET_TIMEOUT: Support = approximate(
  'IPT0462',
  'over',
  'members with a timeout stay in the program until its sets are written again',
);

/** A create option that changes which packets match and is not modelled. */
export const SET_OPTION: Support = unsupported('IPT0463', 'a create option of the set is not modelled');

/** `bitmap:ip,mac`: the first packet from the address gives the member its MAC address. */
export const SET_WITHOUT_MAC: Support = unsupported(
  'IPT0465',
  'members without a MAC address take that of the first packet, which is not modelled',
);

/** Lines of the set's save could not be read. */
export const SET_UNREAD: Support = unsupported('IPT0464', 'members of the set could not be read');

/** The line was not understood: nothing is known about what it does. */
export const UNREAD: Support = unsupported('IPT0470', 'the rule could not be read');

/** No packet comes here: no rule of the table leads to the chain, or an unconditional verdict stands before. */
export const UNREACHABLE: Support = noEffect('IPT0471', 'no packet reaches this rule');

/** The rule has no target, or one that only observes, and its matches remember nothing. */
export const IDLE: Support = noEffect('IPT0472', 'the rule decides nothing and changes nothing');
