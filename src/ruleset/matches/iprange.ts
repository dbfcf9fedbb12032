// SPDX-License-Identifier: Apache-2.0
// iprange match. iptables-extensions(8) iprange; net/netfilter/xt_iprange.c.
import type { AddressRange } from '../../net/address.js';
import type { Negatable } from '../ruleset.js';

export interface IprangeMatch {
  readonly kind: 'iprange';
  readonly source?: Negatable<AddressRange>;
  readonly destination?: Negatable<AddressRange>;
}
