// SPDX-License-Identifier: Apache-2.0
// A packet as policies see it, and what their judges share. Nothing here comes from the code that writes policies.

import type { Inventory } from '../../../src/policy/inventory.js';

export interface Seen {
  readonly family: 'ipv4' | 'ipv6';
  readonly path: 'input' | 'forward' | 'output';
  readonly inInterface: string;
  readonly outInterface: string;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  /** Of protocols that have ports. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Of ICMP. */
  readonly type: number;
  readonly code: number;
  /** As connection tracking has it. */
  readonly state: string;
}

export type Verdict = 'allow' | 'deny';
export type Judge = (packet: Seen) => Verdict;

export const PORTS: Readonly<Record<string, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

function bits(address: string): { value: bigint; width: number } {
  if (!address.includes(':'))
    return { value: address.split('.').reduce((all, part) => (all << 8n) | BigInt(part), 0n), width: 32 };
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const text =
    dotted === null
      ? address
      : `${dotted[1]!}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`;
  const [head = '', tail] = text.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const all = [...left, ...new Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return { value: all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n), width: 128 };
}

export function inCidr(address: string, cidr: string): boolean {
  const [network = '', length = ''] = cidr.split('/');
  const a = bits(address);
  const b = bits(network);
  if (a.width !== b.width) return false;
  const shift = BigInt(a.width - Number(length));
  return a.value >> shift === b.value >> shift;
}

/** Labels of an address: those of every entry of the inventory that holds it. */
export function labelsOf(inventory: Inventory): (address: string) => Readonly<Record<string, string>> {
  return (address) =>
    Object.assign(
      {},
      ...inventory.entries.filter(({ cidr }) => inCidr(address, whole(cidr))).map(({ labels }) => labels),
    ) as Record<string, string>;
}

function whole(cidr: string): string {
  if (cidr.includes('/')) return cidr;
  return `${cidr}/${cidr.includes(':') ? 128 : 32}`;
}

export function hasLabels(
  given: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(wanted).every(([key, value]) => given[key] === value);
}
