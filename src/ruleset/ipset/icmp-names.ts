// SPDX-License-Identifier: Apache-2.0
// Names of ICMP types and codes as ipset(8) reads and prints them, each type << 8 | code. The first name of
// a pair is the one printed.
const ICMP: readonly (readonly [string, number, number])[] = [
  ['echo-reply', 0, 0],
  ['pong', 0, 0],
  ['network-unreachable', 3, 0],
  ['host-unreachable', 3, 1],
  ['protocol-unreachable', 3, 2],
  ['port-unreachable', 3, 3],
  ['fragmentation-needed', 3, 4],
  ['source-route-failed', 3, 5],
  ['network-unknown', 3, 6],
  ['host-unknown', 3, 7],
  ['network-prohibited', 3, 9],
  ['host-prohibited', 3, 10],
  ['TOS-network-unreachable', 3, 11],
  ['TOS-host-unreachable', 3, 12],
  ['communication-prohibited', 3, 13],
  ['host-precedence-violation', 3, 14],
  ['precedence-cutoff', 3, 15],
  ['source-quench', 4, 0],
  ['network-redirect', 5, 0],
  ['host-redirect', 5, 1],
  ['TOS-network-redirect', 5, 2],
  ['TOS-host-redirect', 5, 3],
  ['echo-request', 8, 0],
  ['ping', 8, 0],
  ['router-advertisement', 9, 0],
  ['router-solicitation', 10, 0],
  ['ttl-zero-during-transit', 11, 0],
  ['ttl-zero-during-reassembly', 11, 1],
  ['ip-header-bad', 12, 0],
  ['required-option-missing', 12, 1],
  ['timestamp-request', 13, 0],
  ['timestamp-reply', 14, 0],
  ['address-mask-request', 17, 0],
  ['address-mask-reply', 18, 0],
];

const ICMPV6: readonly (readonly [string, number, number])[] = [
  ['no-route', 1, 0],
  ['communication-prohibited', 1, 1],
  ['address-unreachable', 1, 3],
  ['port-unreachable', 1, 4],
  ['packet-too-big', 2, 0],
  ['ttl-zero-during-transit', 3, 0],
  ['ttl-zero-during-reassembly', 3, 1],
  ['bad-header', 4, 0],
  ['unknown-header-type', 4, 1],
  ['unknown-option', 4, 2],
  ['echo-request', 128, 0],
  ['ping', 128, 0],
  ['echo-reply', 129, 0],
  ['pong', 129, 0],
  ['router-solicitation', 133, 0],
  ['router-advertisement', 134, 0],
  ['neighbour-solicitation', 135, 0],
  ['neigbour-solicitation', 135, 0],
  ['neighbour-advertisement', 136, 0],
  ['neigbour-advertisement', 136, 0],
  ['redirect', 137, 0],
];

function table(protocol: number): typeof ICMP {
  return protocol === 1 ? ICMP : ICMPV6;
}

/** A name, which may be cut short, or `type/code`; undefined when it is neither. */
export function parseIcmp(text: string, protocol: number): number | undefined {
  const lower = text.toLowerCase();
  const named = table(protocol).find(([name]) => name.toLowerCase().startsWith(lower));
  if (named !== undefined) return (named[1] << 8) | named[2];
  const numbers = /^(\d{1,3})\/(\d{1,3})$/.exec(text);
  if (numbers === null) return undefined;
  const [type, code] = [Number(numbers[1]), Number(numbers[2])];
  return type > 255 || code > 255 ? undefined : (type << 8) | code;
}

export function formatIcmp(value: number, protocol: number): string {
  const [type, code] = [value >> 8, value & 0xff];
  const named = table(protocol).find((row) => row[1] === type && row[2] === code);
  return named?.[0] ?? `${type}/${code}`;
}
