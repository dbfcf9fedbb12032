// SPDX-License-Identifier: Apache-2.0
// A cut frame made whole is as long as it was on the wire, and its checksum is right.
import { describe, expect, it } from 'vitest';
import { buildPacket } from '../../src/packet/build.js';
import { completeFrame } from '../../src/packet/complete.js';
import type { Layer } from '../../src/packet/layers.js';
import { ParsedPacket } from '../../src/packet/parse.js';
import { transportChecksumValid } from '../../src/packet/transport-checksum.js';

const eth: Layer = { kind: 'ethernet' };
const data: Layer = { kind: 'payload', data: new Uint8Array(101).fill(7) };
const v4: Layer = { kind: 'ipv4', source: '192.0.2.1', destination: '203.0.113.2' };
const v6: Layer = { kind: 'ipv6', source: '2001:db8::1', destination: '2001:db8::2' };
const rows: [string, 'ipv4' | 'ipv6', Layer[]][] = [
  ['tcp', 'ipv4', [v4, { kind: 'tcp', sourcePort: 1, destinationPort: 2 }]],
  ['udp', 'ipv6', [v6, { kind: 'udp', sourcePort: 1, destinationPort: 2 }]],
  ['icmp', 'ipv4', [v4, { kind: 'icmp', type: 8 }]],
  ['icmp6', 'ipv6', [v6, { kind: 'icmp6', type: 128 }]],
];

describe('completeFrame', () => {
  it.each(rows)('%s over %s', (_name, family, layers) => {
    const whole = buildPacket(eth, ...layers, data);
    const completed = completeFrame(whole.slice(0, whole.length - 90), whole.length);
    expect(completed.length).toBe(whole.length);
    expect(transportChecksumValid(new ParsedPacket(completed, family, 14, completed.length))).toBe(true);
    expect(completeFrame(whole, whole.length)).toBe(whole);
  });

  it('cut inside the header: only longer', () => {
    const whole = buildPacket(eth, v4, { kind: 'tcp', sourcePort: 1, destinationPort: 2 });
    const cut = whole.slice(0, 40);
    expect([...completeFrame(cut, whole.length)]).toEqual([...cut, ...new Uint8Array(whole.length - 40)]);
  });
});
