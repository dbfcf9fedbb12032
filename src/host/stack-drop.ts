// SPDX-License-Identifier: Apache-2.0
// That the IP stack itself drops a packet, why, and which ICMP error it sends for it.
import type { ReceiveFault } from '../packet/receive.js';
import type { RouteError } from './routing.js';

export type StackFault =
  | ReceiveFault
  | RouteError
  | 'martian-source'
  | 'martian-destination'
  | 'multicast-not-joined'
  | 'bad-options'
  | 'source-route'
  | 'ttl-exceeded'
  | 'too-big'
  | 'not-unicast-frame'
  | 'forwarding-off'
  | 'link-local-source'
  | 'bad-packet';

/** An ICMP or ICMPv6 error that the stack sends to the packet's source. */
export interface StackError {
  readonly type: number;
  readonly code: number;
  /** Second word of the header: next-hop MTU. */
  readonly info: number;
}

export interface StackDrop {
  readonly kind: 'drop';
  readonly fault: StackFault;
  readonly error?: StackError;
}

export function drop(fault: StackFault, error?: StackError): StackDrop {
  return error === undefined ? { kind: 'drop', fault } : { kind: 'drop', fault, error };
}
