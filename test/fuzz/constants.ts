// SPDX-License-Identifier: Apache-2.0
// The values that rules and packets share, so that packets hit rules and their neighbours. Addresses are
// those of the default host and the documentation networks (RFC 5737, RFC 3849).
import type { Family } from '../../src/net/family.js';
import type { Random } from '../../src/replay/directed/random.js';

export const OWN: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ['203.0.113.2', '10.0.0.1'],
  ipv6: ['2001:db8:1::2', '2001:db8:2::1'],
};
/** Behind eth1. */
export const INSIDE: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ['10.0.0.5', '10.0.0.6', '10.0.0.200'],
  ipv6: ['2001:db8:2::5', '2001:db8:2::6', '2001:db8:2::200'],
};
/** Behind eth0. */
export const OUTSIDE: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ['203.0.113.77', '198.51.100.7', '198.51.100.8', '192.0.2.255'],
  ipv6: ['2001:db8:1::77', '2001:db8:9::7', '2001:db8:9::8', '2001:db8:a::1'],
};
/** Of special kinds, as destinations (and, spoofed, as sources). */
export const SPECIAL: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ['10.0.0.255', '255.255.255.255', '224.0.0.1', '224.0.0.5', '0.0.0.0', '127.0.0.1', '203.0.113.0'],
  ipv6: ['ff02::1', 'ff02::5', '::1', '::', 'fe80::1', '2001:db8:2::'],
};
export const PORTS = [0, 1, 22, 53, 80, 123, 443, 1024, 5000, 8080, 65535] as const;
export const LENGTHS = [20, 28, 40, 41, 44, 60, 100, 500, 501, 1280, 1500] as const;
export const TTLS = [0, 1, 2, 63, 64, 128, 255] as const;
export const MARKS = ['0x0', '0x1', '0x10', '0x2a', '0xff', '0xffff0000', '0xffffffff'] as const;
export const MACS = ['02:00:00:00:aa:01', '02:00:00:00:aa:02'] as const;
export const PROTOCOLS = [1, 6, 17, 47, 50, 58, 89, 132] as const;

const ALL: Readonly<Record<Family, readonly string[]>> = {
  ipv4: [...OWN.ipv4, ...INSIDE.ipv4, ...OUTSIDE.ipv4],
  ipv6: [...OWN.ipv6, ...INSIDE.ipv6, ...OUTSIDE.ipv6],
};

/** A host's address; now and then a neighbour or one of a special kind. */
export function anyAddress(random: Random, family: Family): string {
  if (random.chance(12)) return random.pick(SPECIAL[family]);
  const address = random.pick(ALL[family]);
  if (!random.chance(10)) return address;
  return family === 'ipv4'
    ? address.replace(/\d+$/, (last) => String((Number(last) + random.pick([1, 255])) % 256))
    : address.replace(/[0-9a-f]+$/, (last) => ((parseInt(last, 16) + 1) & 0xffff).toString(16));
}

/** A prefix around a host: from everything to one address. */
export function anyPrefix(random: Random, family: Family): string {
  const bits =
    family === 'ipv4'
      ? [0, 1, 7, 8, 16, 24, 25, 29, 31, 32, 32]
      : [0, 3, 32, 48, 63, 64, 65, 125, 127, 128, 128];
  return `${anyAddress(random, family)}/${String(random.pick(bits))}`;
}

/** One of the ports, or a neighbour. */
export function anyPort(random: Random): number {
  const port = random.pick(PORTS);
  return random.chance(25) ? Math.min(65535, Math.max(0, port + random.pick([-1, 1]))) : port;
}

/** `from:to` with from <= to, either end maybe left out. */
export function portRange(random: Random): string {
  const [a, b] = [anyPort(random), anyPort(random)];
  return random.choose([
    [5, () => String(a)],
    [3, () => `${String(Math.min(a, b))}:${String(Math.max(a, b))}`],
    [1, () => `:${String(a)}`],
    [1, () => `${String(a)}:`],
  ]);
}
