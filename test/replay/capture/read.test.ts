// SPDX-License-Identifier: Apache-2.0
// The readers over files made by hand: byte orders, resolutions, blocks, damage. Judged against tshark over
// real files in test/corpus/captures.test.ts.
import { describe, expect, it } from 'vitest';
import type { CapturedPacket } from '../../../src/replay/capture/captured-packet.js';
import { CaptureFault } from '../../../src/replay/capture/fault.js';
import { readCapture } from '../../../src/replay/capture/read.js';
import {
  block,
  Bytes,
  chunked,
  enhancedPacket,
  interfaceBlock,
  join,
  pcapHeader,
  pcapPacket,
  section,
} from './build-capture.js';

interface Outcome {
  readonly packets: CapturedPacket[];
  readonly fault?: string;
}

async function read(bytes: Uint8Array, chunk = 7): Promise<Outcome> {
  const packets: CapturedPacket[] = [];
  try {
    const capture = await readCapture(chunked(bytes, chunk), 'x.pcap');
    for await (const batch of capture.batches) packets.push(...batch);
  } catch (error) {
    if (!(error instanceof CaptureFault)) throw error;
    return { packets, fault: error.message };
  }
  return { packets };
}

const DATA = [1, 2, 3, 4, 5, 6, 7];

describe.each([true, false])('little endian %s', (le) => {
  it('pcap, microseconds', async () => {
    const { packets, fault } = await read(
      join(pcapHeader(le), pcapPacket(le, DATA, { original: 99 }), pcapPacket(le, [9])),
    );
    expect(fault).toBeUndefined();
    expect(packets.map((each) => [each.index, each.timestampNs, [...each.data], each.wireLength])).toEqual([
      [0, 1_000_002_000n, DATA, 99],
      [1, 1_000_002_000n, [9], 1],
    ]);
  });

  it('pcap, nanoseconds', async () => {
    const { packets } = await read(join(pcapHeader(le, 0xa1b23c4d), pcapPacket(le, DATA)));
    expect(packets[0]?.timestampNs).toBe(1_000_000_002n);
  });

  it('pcap with the modified record header', async () => {
    const extra = [0, 0, 0, 3, 8, 0, 4, 0];
    const { packets } = await read(
      join(pcapHeader(le, 0xa1b2cd34), pcapPacket(le, DATA, { extra }), pcapPacket(le, DATA, { extra })),
    );
    expect(packets.map((each) => [[...each.data], each.direction])).toEqual([
      [DATA, 'out'],
      [DATA, 'out'],
    ]);
  });

  it('pcap with a frame check sequence', async () => {
    const { packets } = await read(join(pcapHeader(le, undefined, 0x2400_0001), pcapPacket(le, DATA)));
    expect(packets[0]).toMatchObject({ linkType: 1, wireLength: 3, data: Uint8Array.from([1, 2, 3]) });
  });

  it('pcapng: interfaces, resolutions, directions, blocks that are skipped', async () => {
    const name = [...Buffer.from('eth7')];
    const offset = new Bytes(le);
    if (le) offset.u32(100).u32(0);
    else offset.u32(0).u32(100);
    const { packets, fault } = await read(
      join(
        section(le),
        interfaceBlock(le, 1, 0, [{ code: 2, value: name }]),
        interfaceBlock(le, 101, 3, [
          { code: 9, value: [9] },
          { code: 14, value: offset.done() },
        ]),
        interfaceBlock(le, 1, 0, [{ code: 9, value: [0x80 | 10] }]),
        block(le, 5, new Array<number>(400).fill(1)),
        enhancedPacket(le, 0, 5_000_001n, DATA, {
          original: 20,
          list: [{ code: 2, value: new Bytes(le).u32(2).done() }],
        }),
        enhancedPacket(le, 1, 7n, [1, 2, 3]),
        enhancedPacket(le, 2, 1536n, [1]),
      ),
    );
    expect(fault).toBeUndefined();
    expect(
      packets.map((each) => [
        each.timestampNs,
        each.linkType,
        each.interfaceName,
        each.direction,
        each.wireLength,
      ]),
    ).toEqual([
      [5_000_001_000n, 1, 'eth7', 'out', 20],
      [100_000_000_007n, 101, undefined, undefined, 3],
      [1_500_000_000n, 1, undefined, undefined, 1],
    ]);
  });

  it('pcapng: simple and obsolete packet blocks, a second section', async () => {
    const other = !le;
    const { packets, fault } = await read(
      join(
        section(le),
        interfaceBlock(le, 1, 4),
        block(le, 2, new Bytes(le).u16(0).u16(9).u32(0).u32(1_000_000).u32(2).u32(5).u8(8, 9).done()),
        block(le, 3, new Bytes(le).u32(7).u8(1, 2, 3, 4).done()),
        section(other),
        interfaceBlock(other, 12, 0),
        block(other, 3, new Bytes(other).u32(3).u8(1, 2, 3).done()),
      ),
    );
    expect(fault).toBeUndefined();
    expect(packets.map((each) => [each.timestampNs, each.linkType, [...each.data], each.wireLength])).toEqual(
      [
        [1_000_000_000n, 1, [8, 9], 5],
        // Without a time of its own: that of the packet before.
        [1_000_000_000n, 1, [1, 2, 3, 4], 7],
        [1_000_000_000n, 12, [1, 2, 3], 3],
      ],
    );
  });
});

describe('damage', () => {
  const good = join(pcapHeader(true), pcapPacket(true, DATA));
  const goodNg = join(section(true), interfaceBlock(true, 1, 0), enhancedPacket(true, 0, 1n, DATA));
  const rows: [string, Uint8Array, number, string][] = [
    ['empty file', new Uint8Array(0), 0, 'x.pcap: the file is empty; this is no capture'],
    ['two bytes', Uint8Array.from([1, 2]), 0, 'x.pcap: the file has only 2 bytes; this is no capture'],
    [
      'no magic',
      new Uint8Array(64),
      0,
      'x.pcap, byte 0: starts with 00000000; this is no pcap or pcapng capture',
    ],
    [
      'header cut',
      good.slice(0, 20),
      0,
      'x.pcap, byte 20: the file ends inside its header, which has 24 bytes',
    ],
    [
      'record header cut',
      join(good, new Uint8Array(9)),
      1,
      'x.pcap, byte 47, packet 2: the file ends inside a packet header: 9 of 16 bytes are there',
    ],
    [
      'packet cut',
      join(good, pcapPacket(true, DATA).slice(0, 20)),
      1,
      'x.pcap, byte 47, packet 2: the file ends inside the packet: 4 of 7 bytes are there',
    ],
    [
      'hostile length',
      join(good, new Bytes(true).u32(0).u32(0).u32(0xfffffff0).u32(1).done()),
      1,
      "x.pcap, byte 47, packet 2: the packet's length is 4294967280 bytes, but no packet is longer than 262144",
    ],
    [
      'pcapng: block header cut',
      join(goodNg, Uint8Array.from([6, 0, 0])),
      1,
      'x.pcap, byte 88, packet 2: the file ends inside a block header: 3 of 8 bytes are there',
    ],
    [
      'pcapng: packet cut',
      join(goodNg, enhancedPacket(true, 0, 1n, DATA).slice(0, 30)),
      1,
      'x.pcap, byte 88, packet 2: the file ends inside a block of type 6: 30 of 40 bytes are there',
    ],
    [
      'pcapng: skipped block cut',
      join(goodNg, block(true, 5, new Uint8Array(90)).slice(0, 50)),
      1,
      'x.pcap, byte 88, packet 2: the file ends inside a block of type 5: 50 of 104 bytes are there',
    ],
    [
      'pcapng: hostile length',
      join(goodNg, new Bytes(true).u32(6).u32(0xfffffff0).done()),
      1,
      'x.pcap, byte 88, packet 2: a block of type 6 says it has 4294967280 bytes; no packet is that long',
    ],
    [
      'pcapng: length below 12',
      join(goodNg, new Bytes(true).u32(6).u32(8).u32(8).done()),
      1,
      'x.pcap, byte 88, packet 2: a block says it has 8 bytes; a block has at least 12, in multiples of 4',
    ],
    [
      'pcapng: lengths differ',
      join(goodNg, new Bytes(true).u32(5).u32(16).u32(0).u32(20).done()),
      1,
      'x.pcap, byte 100, packet 2: a block has 16 bytes at its start but 20 at its end',
    ],
    [
      'pcapng: unknown interface',
      join(goodNg, enhancedPacket(true, 3, 1n, DATA)),
      1,
      'x.pcap, byte 88, packet 2: the packet names interface 3, but its section has described 1',
    ],
    [
      'pcapng: version',
      join(block(true, 0x0a0d0d0a, new Bytes(true).u32(0x1a2b3c4d).u16(2).u16(0).u32(0).u32(0).done())),
      0,
      'x.pcap, byte 0, packet 1: version 2 of pcapng is not known, only 1.x',
    ],
  ];
  it.each(rows)('%s', async (_name, bytes, packets, fault) => {
    for (const chunk of [1, 7, 100_000]) {
      const outcome = await read(bytes, chunk);
      expect([outcome.packets.length, outcome.fault]).toEqual([packets, fault]);
    }
  });

  it('a packet length beyond its block', async () => {
    const bytes = enhancedPacket(true, 0, 1n, DATA);
    new DataView(bytes.buffer).setUint32(20, 4000, true);
    const outcome = await read(join(section(true), interfaceBlock(true, 1, 0), bytes));
    expect(outcome.fault).toBe(
      "x.pcap, byte 48, packet 1: the packet's length is 4000 bytes, but its block has room for 8",
    );
  });
});

describe('files', () => {
  it.each([
    ['absent', '/nonexistent/x.pcap', '/nonexistent/x.pcap: no such file'],
    ['a folder', '/', '/: is a directory, not a capture'],
  ])('%s', async (_name, file, message) => {
    const { openCapture } = await import('../../../src/replay/capture/read.js');
    await expect(openCapture(file)).rejects.toThrow(message);
  });

  it('keeps memory flat over a long capture', async () => {
    async function* long(): AsyncGenerator<Uint8Array> {
      yield pcapHeader(true);
      const chunk = join(...Array.from({ length: 1000 }, () => pcapPacket(true, new Uint8Array(60))));
      for (let i = 0; i < 300; i++) {
        await Promise.resolve();
        yield chunk;
      }
    }
    let count = 0;
    let largest = 0;
    for await (const batch of (await readCapture(long(), 'x')).batches) {
      count += batch.length;
      largest = Math.max(largest, batch.length);
    }
    expect([count, largest]).toEqual([300_000, 1024]);
  });
});
