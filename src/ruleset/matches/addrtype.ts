// SPDX-License-Identifier: Apache-2.0
// addrtype match, revision 1. iptables-extensions(8) addrtype; net/netfilter/xt_addrtype.c.
import type { Negatable } from '../ruleset.js';

export type AddressTypeName =
  | 'UNSPEC'
  | 'UNICAST'
  | 'LOCAL'
  | 'BROADCAST'
  | 'ANYCAST'
  | 'MULTICAST'
  | 'BLACKHOLE'
  | 'UNREACHABLE'
  | 'PROHIBIT'
  | 'THROW'
  | 'NAT'
  | 'XRESOLVE';

export interface AddrtypeMatch {
  readonly kind: 'addrtype';
  readonly source?: Negatable<readonly AddressTypeName[]>;
  readonly destination?: Negatable<readonly AddressTypeName[]>;
  readonly limitInterface?: 'in' | 'out';
}
