// SPDX-License-Identifier: Apache-2.0
// Rewriting keeps what a packet is: right checksums right, wrong ones wrong, quoted headers in step.
import { describe, expect, it } from 'vitest';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { formatAddress } from '../../src/net/address.js';
import { buildPacket } from '../../src/packet/build.js';
import { parseEthernet } from '../../src/packet/ethernet.js';
import { fragmentFrame } from '../../src/packet/fragment.js';
import type { Layer } from '../../src/packet/layers.js';
import { ParsedPacket } from '../../src/packet/parse.js';
import { onesComplementSum } from '../../src/packet/checksum.js';
import { Rewriter } from '../../src/packet/rewrite.js';
import { peerList } from '../../src/packet/address-zones.js';
import { transportChecksumValid } from '../../src/packet/transport-checksum.js';

const eth: Layer = { kind: 'ethernet' };
const data: Layer = { kind: 'payload', data: Uint8Array.from([1, 2, 3, 4, 5]) };
const tcp: Layer = { kind: 'tcp', sourcePort: 4000, destinationPort: 22, flags: ['syn'] };
const udp: Layer = { kind: 'udp', sourcePort: 4000, destinationPort: 53 };

function parse(frame: Uint8Array): ParsedPacket {
  const { payloadOffset, etherType } = parseEthernet(frame)!;
  return new ParsedPacket(frame, etherType === 0x86dd ? 'ipv6' : 'ipv4', payloadOffset, frame.length);
}

function headerValid({ frame, family, l3Offset, l4Offset }: ParsedPacket): boolean {
  return family === 'ipv6' || onesComplementSum(frame, l3Offset, l4Offset) === 0xffff;
}

const network = (i: number, family: 'ipv4' | 'ipv6'): Layer =>
  family === 'ipv4'
    ? { kind: 'ipv4', source: `192.168.${i}.7`, destination: '172.16.0.9', id: 3 }
    : { kind: 'ipv6', source: `fd00::${i}:7`, destination: 'fd00::9' };

const rewriter = new Rewriter(DEFAULT_HOST);
const hosts = Array.from({ length: 40 }, (_, i) => i);

describe.each(['ipv4', 'ipv6'] as const)('%s', (family) => {
  const icmp = family === 'ipv4' ? 'icmp' : 'icmp6';
  it.each([
    ['tcp', [tcp, data]],
    ['udp', [udp, data]],
    ['icmp', [{ kind: icmp, type: family === 'ipv4' ? 8 : 128 } as Layer, data]],
  ])('%s keeps its checksum, right or wrong', (_name, layers) => {
    for (const i of hosts) {
      const right = rewriter.rewrite(buildPacket(eth, network(i, family), ...layers));
      expect(transportChecksumValid(parse(right.frame))).toBe(true);
      expect(headerValid(parse(right.frame))).toBe(true);
      const wrong = buildPacket(eth, network(i, family), { ...layers[0], checksum: 'wrong' } as Layer, data);
      expect(transportChecksumValid(parse(rewriter.rewrite(wrong).frame))).toBe(false);
    }
  });

  it('an ICMP error follows the packet it quotes, also from a router on the way', () => {
    for (const i of hosts) {
      const out = buildPacket(eth, network(i, family), udp, data);
      const { source, destination } = parse(out);
      const [a, b] = [formatAddress(source), formatAddress(destination)];
      for (const from of [b, family === 'ipv4' ? '172.31.0.1' : 'fd00::31']) {
        const reply = { kind: family, source: from, destination: a } as Layer;
        const type = family === 'ipv4' ? 3 : 1;
        const error = buildPacket(eth, reply, { kind: icmp, type }, network(i, family), udp, data);
        const moved = parse(rewriter.rewrite(out).frame);
        const movedError = parse(rewriter.rewrite(error).frame);
        expect(movedError.destination).toEqual(moved.source);
        if (from === b) expect(movedError.source).toEqual(moved.destination);
        expect(transportChecksumValid(movedError)).toBe(true);
        const quoted = new ParsedPacket(
          movedError.frame,
          family,
          movedError.l4Offset + 8,
          movedError.frame.length,
        );
        expect([quoted.source, quoted.destination]).toEqual([moved.source, moved.destination]);
        expect(headerValid(quoted)).toBe(true);
        expect(transportChecksumValid(quoted)).toBe(true);
      }
    }
  });

  it('both directions of a conversation stay one, and all paths are taken', () => {
    const ways = new Set<string>();
    for (const i of hosts) {
      const there = buildPacket(eth, network(i, family), tcp);
      const back = buildPacket(eth, { ...network(i, family), ...swap(network(i, family)) } as Layer, tcp);
      const [a, b] = [rewriter.rewrite(there), rewriter.rewrite(back)];
      expect(parse(b.frame).source).toEqual(parse(a.frame).destination);
      expect(parse(b.frame).destination).toEqual(parse(a.frame).source);
      ways.add(`${a.interface} ${b.interface}`);
    }
    expect([...ways].sort()).toEqual([
      'eth0 eth1',
      'eth0 local',
      'eth1 eth0',
      'eth1 local',
      'local eth0',
      'local eth1',
    ]);
  });

  it('pieces of a datagram move together and sum up', () => {
    const whole = buildPacket(eth, network(1, family), udp, {
      kind: 'payload',
      data: new Uint8Array(64).fill(9),
    });
    const pieces = fragmentFrame(whole, 32).map((piece) => parse(rewriter.rewrite(piece).frame));
    const moved = parse(rewriter.rewrite(whole).frame);
    for (const piece of pieces) {
      expect([piece.source, piece.destination]).toEqual([moved.source, moved.destination]);
      expect(headerValid(piece)).toBe(true);
    }
    const payload = pieces.flatMap((piece) => {
      const start = piece.fragmentHeader >= 0 ? piece.fragmentHeader + 8 : piece.l4Offset;
      return [...piece.frame.subarray(start, piece.end)];
    });
    expect(payload).toEqual([...moved.frame.subarray(moved.l4Offset, moved.end)]);
  });
});

function swap(layer: Layer): { source: string; destination: string } {
  const { source, destination } = layer as { source: string; destination: string };
  return { source: destination, destination: source };
}

describe('what is left alone', () => {
  it.each(['224.0.0.5', '255.255.255.255', '127.0.0.1'])('%s', (destination) => {
    const frame = buildPacket(eth, { kind: 'ipv4', source: '192.168.0.1', destination }, udp);
    expect(formatAddress(parse(rewriter.rewrite(frame).frame).destination)).toBe(destination);
  });

  it('frames without IP, but for their unicast destination', () => {
    const frame = buildPacket({ ...eth, destination: 'ff:ff:ff:ff:ff:ff', etherType: 0x0806 } as Layer, data);
    expect(rewriter.rewrite(frame)).toEqual({ frame, interface: 'eth0' });
  });

  it('a UDP checksum that was left out', () => {
    const frame = buildPacket(eth, network(1, 'ipv4'), { ...udp, checksum: 0 } as Layer);
    const { frame: out, l4Offset } = parse(rewriter.rewrite(frame).frame);
    expect([out[l4Offset + 6], out[l4Offset + 7]]).toEqual([0, 0]);
  });
});

it('draws half of the outside addresses from the peers given', () => {
  const known = new Rewriter(DEFAULT_HOST, peerList(['198.51.100.77', '2001:db8:ffff::77']));
  const seen = hosts.map((i) => {
    const { source, destination } = parse(known.rewrite(buildPacket(eth, network(i, 'ipv4'), udp)).frame);
    return [formatAddress(source), formatAddress(destination)].includes('198.51.100.77');
  });
  expect(seen.filter(Boolean).length).toBeGreaterThan(5);
});
