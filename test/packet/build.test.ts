// SPDX-License-Identifier: Apache-2.0
// Built packets against two judges that share no code with the builder: tshark's dissectors, and the
// reference evaluator's own checksum test.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildPacket } from '../../src/packet/build.js';
import { fragmentFrame } from '../../src/packet/fragment.js';
import type { Layer } from '../../src/packet/layers.js';
import { parseEthernet } from '../../src/packet/ethernet.js';
import { ParsedPacket } from '../../src/packet/parse.js';
import { transportChecksumValid } from '../../src/packet/transport-checksum.js';
import { writePcap } from '../../src/replay/capture/write-pcap.js';

const v4: Layer = { kind: 'ipv4', source: '192.0.2.1', destination: '203.0.113.2' };
const v6: Layer = { kind: 'ipv6', source: '2001:db8::1', destination: '2001:db8::2' };
const tcp: Layer = {
  kind: 'tcp',
  sourcePort: 40001,
  destinationPort: 40022,
  flags: ['syn'],
  options: [2, 4, 5, 0xb4],
};
const udp: Layer = { kind: 'udp', sourcePort: 40001, destinationPort: 40053 };
const data: Layer = { kind: 'payload', data: Uint8Array.from([1, 2, 3, 4, 5]) };
const eth: Layer = { kind: 'ethernet' };

const PACKETS: [string, Layer[], string][] = [
  ['tcp over IPv4', [eth, v4, tcp, data], 'eth:ethertype:ip:tcp:data'],
  ['IPv4 options', [eth, { ...v4, options: [148, 4, 0, 0] }, udp, data], 'eth:ethertype:ip:udp:data'],
  [
    'two VLAN tags',
    [eth, { kind: 'vlan', id: 5, tagType: 0x88a8 }, { kind: 'vlan', id: 6 }, v4, udp, data],
    'eth:ethertype:ieee8021ad:ethertype:vlan:ethertype:ip:udp:data',
  ],
  ['icmp', [eth, v4, { kind: 'icmp', type: 8, rest: 7 }, data], 'eth:ethertype:ip:icmp:data'],
  [
    'an ICMP error',
    [eth, v4, { kind: 'icmp', type: 3, code: 3 }, v4, udp, data],
    'eth:ethertype:ip:icmp:ip:udp:data',
  ],
  ['tcp over IPv6', [eth, v6, tcp, data], 'eth:ethertype:ipv6:tcp:data'],
  [
    'extension headers',
    [eth, v6, { kind: 'hop-by-hop', data: [5, 2, 0, 0] }, { kind: 'destination-options' }, udp, data],
    'eth:ethertype:ipv6:ipv6.hopopts:ipv6.dstopts:udp:data',
  ],
  ['icmp6', [eth, v6, { kind: 'icmp6', type: 128, rest: 7 }, data], 'eth:ethertype:ipv6:icmpv6:data'],
];

const hasTshark = spawnSync('tshark', ['--version']).error === undefined;
const lacking = hasTshark ? '' : ' (NOT RUN: tshark is not installed)';

async function dissect(frames: readonly Uint8Array[], fields: readonly string[]): Promise<string[][]> {
  const folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-build-'));
  try {
    const file = join(folder, 'x.pcap');
    await writePcap(
      file,
      frames.map((frame, i) => ({ frame, timestampNs: BigInt(i) })),
    );
    const checks = ['ip', 'tcp', 'udp'].flatMap((name) => ['-o', `${name}.check_checksum:TRUE`]);
    const output = execFileSync(
      'tshark',
      ['-r', file, '-n', ...checks, '-T', 'fields', ...fields.flatMap((each) => ['-e', each])],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    return output
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const STATUS = [
  'ip.checksum.status',
  'tcp.checksum.status',
  'udp.checksum.status',
  'icmp.checksum.status',
  'icmpv6.checksum.status',
];

describe('buildPacket', () => {
  it.each(PACKETS)('%s: the checksum is right', (_name, layers) => {
    const frame = buildPacket(...layers);
    const { payloadOffset, etherType } = parseEthernet(frame)!;
    const packet = new ParsedPacket(
      frame,
      etherType === 0x86dd ? 'ipv6' : 'ipv4',
      payloadOffset,
      frame.length,
    );
    expect(transportChecksumValid(packet)).toBe(true);
    expect(packet.end).toBe(frame.length);
  });

  it.each([tcp, udp, { kind: 'icmp6', type: 1 } as const])('wrong on request: $kind', (layer) => {
    const frame = buildPacket(eth, v6, { ...layer, checksum: 'wrong' } as Layer, data);
    expect(transportChecksumValid(new ParsedPacket(frame, 'ipv6', 14, frame.length))).toBe(false);
  });

  it.skipIf(!hasTshark)(`tshark dissects every layer and finds every checksum right${lacking}`, async () => {
    const rows = await dissect(
      PACKETS.map(([, layers]) => buildPacket(...layers)),
      ['frame.protocols', ...STATUS],
    );
    for (const [i, [name, , protocols]] of PACKETS.entries()) {
      const [seen, ...statuses] = rows[i]!;
      expect(seen, name).toBe(protocols);
      // 1 = good; 2 = not checked (a quoted packet is never whole for tshark).
      expect(
        statuses
          .join(',')
          .split(',')
          .filter((each) => each !== ''),
        name,
      ).not.toContain('0');
    }
  });

  it.skipIf(!hasTshark)(`fragments are put together again by tshark${lacking}`, async () => {
    const big: Layer = { kind: 'payload', data: new Uint8Array(3000).fill(7) };
    for (const network of [{ ...v4, id: 9 } as Layer, v6]) {
      const pieces = fragmentFrame(buildPacket(eth, network, udp, big), 1480, 9);
      expect(pieces.length).toBe(3);
      const rows = await dissect(pieces, ['udp.length', 'udp.checksum.status', 'ip.checksum.status']);
      expect(rows[2]!.slice(0, 2)).toEqual(['3008', '1']);
      for (const row of rows) expect(row[2]).not.toBe('0');
    }
  });

  it('refuses an address that is none', () => {
    expect(() => buildPacket(eth, { ...v4, source: '192.0.2.300' }, udp)).toThrow(RangeError);
  });
});
