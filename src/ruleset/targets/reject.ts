// SPDX-License-Identifier: Apache-2.0
// REJECT. iptables-extensions(8) REJECT; net/ipv4/netfilter/ipt_REJECT.c, net/ipv6/netfilter/ip6t_REJECT.c,
// nf_reject_ipv4.c, nf_reject_ipv6.c.
import type { Family } from '../../net/family.js';
import type { TargetExtension } from '../extension.js';
import { Options } from '../options.js';
import { EXACT } from '../support/support.js';
import { BOTH_FAMILIES } from './opaque.js';
import { onlyProtocol } from './protocol.js';

export type RejectWith =
  | 'icmp-net-unreachable'
  | 'icmp-host-unreachable'
  | 'icmp-proto-unreachable'
  | 'icmp-port-unreachable'
  | 'icmp-net-prohibited'
  | 'icmp-host-prohibited'
  | 'icmp-admin-prohibited'
  | 'icmp6-no-route'
  | 'icmp6-adm-prohibited'
  | 'icmp6-addr-unreachable'
  | 'icmp6-port-unreachable'
  | 'icmp6-policy-fail'
  | 'icmp6-reject-route'
  | 'tcp-reset';

export interface RejectTarget {
  readonly kind: 'REJECT';
  readonly with: RejectWith;
}

/** Names and short names in the order that a cut-short name is tried against. */
const NAMES: Readonly<Record<Family, readonly (readonly [RejectWith, string])[]>> = {
  ipv4: [
    ['icmp-net-unreachable', 'net-unreach'],
    ['icmp-host-unreachable', 'host-unreach'],
    ['icmp-proto-unreachable', 'proto-unreach'],
    ['icmp-port-unreachable', 'port-unreach'],
    ['icmp-net-prohibited', 'net-prohib'],
    ['icmp-host-prohibited', 'host-prohib'],
    ['tcp-reset', 'tcp-rst'],
    ['icmp-admin-prohibited', 'admin-prohib'],
  ],
  ipv6: [
    ['icmp6-no-route', 'no-route'],
    ['icmp6-adm-prohibited', 'adm-prohibited'],
    ['icmp6-addr-unreachable', 'addr-unreach'],
    ['icmp6-port-unreachable', 'port-unreach'],
    ['tcp-reset', 'tcp-reset'],
    ['icmp6-policy-fail', 'policy-fail'],
    ['icmp6-reject-route', 'reject-route'],
  ],
};

const DEFAULT: Readonly<Record<Family, RejectWith>> = {
  ipv4: 'icmp-port-unreachable',
  ipv6: 'icmp6-port-unreachable',
};

const TCP = 6;

export const rejectCodec: TargetExtension<RejectTarget> = {
  name: 'REJECT',
  families: BOTH_FAMILIES,
  decode(node, context) {
    const options = new Options(node, { '--reject-with': {} }, context);
    const text = options.text('--reject-with')?.toLowerCase();
    let kind: RejectWith | undefined = DEFAULT[context.family];
    if (text !== undefined) {
      const names = NAMES[context.family];
      kind = names.find(([name, short]) => name.startsWith(text) || short.startsWith(text))?.[0];
      if (kind === undefined)
        options.badValue('--reject-with', `expected one of ${names.map(([name]) => name).join(', ')}`);
    }
    if (kind === 'tcp-reset' && onlyProtocol(context) !== TCP) {
      options.fail(
        options.get('--reject-with') ?? node,
        'IPT0228',
        '`--reject-with tcp-reset` answers TCP only, and the rule is not limited to it',
        'add `-p tcp`',
      );
    }
    return options.failed || kind === undefined ? undefined : { kind: 'REJECT', with: kind };
  },
  print: (payload) => ` --reject-with ${payload.with}`,
  fidelity: () => EXACT,
};
