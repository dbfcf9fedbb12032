// SPDX-License-Identifier: Apache-2.0
// The header test of a rule, compiled to flat numbers: net/ipv4/netfilter/ip_tables.c ip_packet_match,
// net/ipv6/netfilter/ip6_tables.c ip6_packet_match.
import type { MaskedAddress } from '../../net/address.js';
import { type InterfacePattern, matchesInterface } from '../../net/interface-pattern.js';
import type { ParsedPacket } from '../../packet/parse.js';
import type { Negatable, RuleHeader } from '../ruleset.js';
import type { Skb } from './skb.js';

export type HeaderResult = boolean | 'hotdrop';

/** What of a header didn't fit, for explanations. */
export type HeaderPart = '-s' | '-d' | '-i' | '-o' | '-p' | '-f';

export class HeaderTest {
  private readonly source: Negatable<MaskedAddress> | undefined;
  private readonly destination: Negatable<MaskedAddress> | undefined;
  private readonly inInterface: Negatable<InterfacePattern> | undefined;
  private readonly outInterface: Negatable<InterfacePattern> | undefined;
  private readonly protocol: number;
  private readonly protocolNegated: boolean;
  private readonly fragment: Negatable<true> | undefined;

  constructor(header: RuleHeader) {
    this.source = header.source;
    this.destination = header.destination;
    this.inInterface = header.inInterface;
    this.outInterface = header.outInterface;
    this.protocol = header.protocol?.value ?? 0;
    this.protocolNegated = header.protocol?.negated ?? false;
    this.fragment = header.fragment;
  }

  test(skb: Skb): HeaderResult {
    const { packet } = skb;
    if (this.source !== undefined && !addressFits(packet, true, this.source)) return false;
    if (this.destination !== undefined && !addressFits(packet, false, this.destination)) return false;
    if (this.inInterface !== undefined && !interfaceFits(skb.inInterface, this.inInterface)) return false;
    if (this.outInterface !== undefined && !interfaceFits(skb.outInterface, this.outInterface)) return false;
    if (this.protocol !== 0) {
      if (packet.protocolUnreadable) return 'hotdrop';
      if ((packet.protocol === this.protocol) === this.protocolNegated) return false;
    }
    return this.fragment === undefined || (packet.fragmentOffset !== 0) !== this.fragment.negated;
  }

  /** The first part that doesn't fit, in the order in which the kernel looks. */
  misfit(skb: Skb): HeaderPart | undefined {
    const { packet } = skb;
    if (this.source !== undefined && !addressFits(packet, true, this.source)) return '-s';
    if (this.destination !== undefined && !addressFits(packet, false, this.destination)) return '-d';
    if (this.inInterface !== undefined && !interfaceFits(skb.inInterface, this.inInterface)) return '-i';
    if (this.outInterface !== undefined && !interfaceFits(skb.outInterface, this.outInterface)) return '-o';
    const fits = (packet.protocol === this.protocol) !== this.protocolNegated;
    if (this.protocol !== 0 && !fits) return '-p';
    return this.test(skb) === true ? undefined : '-f';
  }
}

function addressFits(packet: ParsedPacket, isSource: boolean, wanted: Negatable<MaskedAddress>): boolean {
  const address = isSource ? packet.source : packet.destination;
  const { address: value, mask } = wanted.value;
  for (let i = 0; i < address.length; i++) {
    if (((address[i]! ^ value[i]!) & mask[i]!) !== 0) return wanted.negated;
  }
  return !wanted.negated;
}

function interfaceFits(name: string, wanted: Negatable<InterfacePattern>): boolean {
  return matchesInterface(name, wanted.value) !== wanted.negated;
}
