// SPDX-License-Identifier: Apache-2.0
// Random Ethernet frames around the constants of random-ruleset.ts: whole and cut headers, fragments, TCP
// options, extension headers.
import type { Random } from '../decision/random.js';

const ADDRESSES4 = [
  '10.0.0.1',
  '10.0.0.7',
  '203.0.113.2',
  '203.0.113.9',
  '198.51.100.7',
  '192.0.2.1',
  '224.0.0.1',
  '203.0.113.255',
];
const ADDRESSES6 = [
  '20010db8000100000000000000000002',
  '20010db8000100000000000000000009',
  '20010db8000200000000000000000001',
  '20010db8000900000000000000000001',
  'fe800000000000000000000000000001',
  'ff020000000000000000000000000001',
];
const PORTS = [1, 22, 23, 53, 80, 443, 1024, 1025, 8080, 65535];
const MACS = ['02000000aa01', '02000000aa02'];

export function randomFrame(random: Random, family: 4 | 6): Uint8Array {
  const protocol = random.pick(family === 4 ? [6, 6, 17, 1, 47, 132] : [6, 6, 17, 58, 47, 59]);
  let upper = randomUpper(random, protocol);
  if (random.chance(0.12)) upper = upper.subarray(0, random.below(upper.length + 1));
  const ethernet = Buffer.from(`020000000010${random.pick(MACS)}${family === 4 ? '0800' : '86dd'}`, 'hex');
  return Buffer.concat([
    ethernet,
    family === 4 ? ipv4(random, protocol, upper) : ipv6(random, protocol, upper),
  ]);
}

function randomUpper(random: Random, protocol: number): Buffer {
  const upper = Buffer.alloc(random.pick([8, 20, 24, 40, 80]));
  if (protocol === 1 || protocol === 58) {
    upper[0] = random.pick([8, 0, 3, 128, 1]);
    upper[1] = random.below(5);
    return upper;
  }
  upper.writeUInt16BE(random.pick(PORTS), 0);
  upper.writeUInt16BE(random.pick(PORTS), 2);
  if (protocol !== 6 || upper.length < 20) return upper;
  upper[12] = random.pick([5, 6, 10, 4]) << 4;
  upper[13] = random.pick([2, 16, 18, 4, 20, 0, 41]);
  if (upper.length > 20)
    upper.set(
      random.pick([
        [2, 4, 5, 180],
        [1, 3, 3, 7],
        [8, 0, 0, 0],
        [1, 1, 1, 0],
      ]),
      20,
    );
  return upper;
}

function ipv4(random: Random, protocol: number, upper: Buffer): Buffer {
  const options = random.chance(0.1) ? 8 : 0;
  const header = Buffer.alloc(20 + options, 1);
  header[0] = 0x40 | ((20 + options) / 4);
  header.writeUInt16BE(header.length + upper.length, 2);
  header.writeUInt16BE(random.pick([0, 0, 0, 0, 0x4000, 0x2000, 1, 2, 185]), 6);
  header[8] = random.pick([1, 63, 64, 65, 255]);
  header[9] = protocol;
  for (const at of [12, 16]) header.set(random.pick(ADDRESSES4).split('.').map(Number), at);
  return Buffer.concat([header, upper]);
}

function ipv6(random: Random, protocol: number, upper: Buffer): Buffer {
  const kind = random.below(10);
  const extension = Buffer.alloc(kind < 3 ? 8 : 0);
  let next = protocol;
  if (kind === 0) next = 60;
  if (kind === 1 || kind === 2) {
    next = 44;
    extension.writeUInt16BE(random.pick([0, 1, 8, 16, 9]), 2);
  }
  if (extension.length > 0) extension[0] = kind === 2 && random.chance(0.3) ? 60 : protocol;
  let rest = Buffer.concat([extension, upper]);
  if (extension.length > 0 && random.chance(0.1)) rest = rest.subarray(0, random.below(8));
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(rest.length, 4);
  header[6] = next;
  header[7] = random.pick([1, 63, 64, 65, 255]);
  header.set(Buffer.from(random.pick(ADDRESSES6), 'hex'), 8);
  header.set(Buffer.from(random.pick(ADDRESSES6), 'hex'), 24);
  return Buffer.concat([header, rest]);
}
