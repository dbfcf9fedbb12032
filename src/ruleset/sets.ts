// SPDX-License-Identifier: Apache-2.0
// ipset(8): sets as the dump declares them, bound to the rules that name them. Semantics per type:
// net/netfilter/ipset/ip_set_*.c.
import type { AddressWords } from '../net/address.js';
import type { Family } from '../net/family.js';
import type { Span } from '../source/span.js';

/** One dimension of a member. */
export type SetElementPart =
  | { readonly kind: 'address'; readonly address: AddressWords }
  | { readonly kind: 'net'; readonly address: AddressWords; readonly prefix: number }
  | { readonly kind: 'port'; readonly protocol: number; readonly port: number }
  | { readonly kind: 'mac'; readonly mac: string }
  | { readonly kind: 'mark'; readonly mark: number }
  | {
      readonly kind: 'interface';
      readonly name: string;
      readonly physdev: boolean;
      readonly wildcard: boolean;
    };

/**
 * A member. For ICMP, `port` is type << 8 | code; in `bitmap:port`, `protocol` is 0, since any with ports will do.
 * `list:set` members are in `IpSet.members`.
 */
export interface SetElement {
  readonly parts: readonly SetElementPart[];
  readonly nomatch: boolean;
  /** Seconds; 0 = never; absent where the set has no timeouts. */
  readonly timeout?: number;
  readonly packets?: string;
  readonly bytes?: string;
  readonly comment?: string;
  readonly skbmark?: string;
  readonly skbprio?: string;
  readonly skbqueue?: number;
}

export interface IpSet {
  readonly name: string;
  /** e.g. `hash:net,port`, `bitmap:port`, `list:set`. */
  readonly type: string;
  /** Absent for bitmap:port and list:set, which serve both. */
  readonly family?: Family;
  /** All other create options by name (`hashsize`, `maxelem`, `range`, `netmask`...); flags are true. */
  readonly options: Readonly<Record<string, string | true>>;
  readonly elements: readonly SetElement[];
  /** `list:set`: names in order. */
  readonly members: readonly string[];
  /** `list:set`: the timeout, counters and comment of each member, parallel to `members`, without parts. */
  readonly memberElements?: readonly SetElement[];
  /** Lines of the set that could not be read: its members are not all known. */
  readonly unreadLines?: number;
  readonly span: Span;
}

/** Types with IPSET_TYPE_NOMATCH: those that hold networks. Others pass over `--return-nomatch`. */
export function knowsNomatch(type: string): boolean {
  return type.includes('net');
}
