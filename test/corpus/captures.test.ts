// SPDX-License-Identifier: Apache-2.0
// Every capture of the shared data, read by our readers and by tshark: same packets, lengths, times, link types.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toEthernetFrame } from '../../src/replay/capture/link-layer.js';
import { openCapture } from '../../src/replay/capture/read.js';
import type { CapturedPacket } from '../../src/replay/capture/captured-packet.js';
import { DATA_FOLDER, dataFiles, missingData } from './data-folder.js';

const lacks =
  missingData('pcaps') ??
  (spawnSync('tshark', ['--version']).error === undefined ? undefined : 'no tshark to compare with');

/** Wireshark's own numbers (WTAP_ENCAP_*) for the link types of the corpus. */
const WIRESHARK_ENCAPSULATION: Readonly<Record<number, readonly number[]>> = {
  0: [15],
  1: [1],
  9: [4],
  50: [4],
  101: [7],
  104: [28],
  113: [25],
  228: [129],
  229: [130],
  239: [141],
  276: [210],
};

/** pcapng files with more than one section that has packets. */
const SEVERAL_SECTIONS = /difficult__test201\.pcapng$/;

async function readAll(file: string): Promise<CapturedPacket[]> {
  const packets: CapturedPacket[] = [];
  for await (const batch of (await openCapture(file)).batches) packets.push(...batch);
  return packets;
}

function tsharkRows(file: string): string[][] {
  const fields = [
    'frame.len',
    'frame.cap_len',
    'frame.time_epoch',
    'frame.encap_type',
    'frame.interface_name',
  ];
  const output = execFileSync(
    'tshark',
    ['-r', file, '-n', '-T', 'fields', ...fields.flatMap((field) => ['-e', field])],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 28 },
  );
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t'));
}

function epochNs(text: string): bigint {
  const [seconds, fraction = ''] = text.split('.');
  return BigInt(seconds!) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
}

describe.skipIf(lacks !== undefined)(
  `captures of the corpus${lacks === undefined ? '' : ` (${lacks})`}`,
  () => {
    for (const file of lacks === undefined ? dataFiles('pcaps') : []) {
      it(file, async () => {
        const packets = await readAll(join(DATA_FOLDER, file));
        const rows = tsharkRows(join(DATA_FOLDER, file));
        expect(packets.length).toBe(rows.length);
        for (const [i, packet] of packets.entries()) {
          const [length, captured, time, encapsulation, name] = rows[i]!;
          expect(packet.index).toBe(i);
          expect([packet.wireLength, packet.data.length]).toEqual([Number(length), Number(captured)]);
          // A simple packet block has no time; tshark prints nothing.
          if (time !== '') expect(packet.timestampNs).toBe(epochNs(time!));
          expect(WIRESHARK_ENCAPSULATION[packet.linkType]).toContain(Number(encapsulation));
          // tshark invents a name where the file gives none, and 4.0 looks up those of later sections in the first.
          if (packet.interfaceName !== undefined && !SEVERAL_SECTIONS.test(file))
            expect(packet.interfaceName).toBe(name);
          const link = toEthernetFrame(packet);
          if (link.kind === 'frame') expect(link.wireLength).toBeGreaterThanOrEqual(link.frame.length);
        }
      });
    }

    it('refuses no packet and finds IP in all but one PPP packet', async () => {
      const others: string[] = [];
      for (const file of dataFiles('pcaps')) {
        for (const packet of await readAll(join(DATA_FOLDER, file))) {
          const link = toEthernetFrame(packet);
          if (link.kind !== 'frame') others.push(`${file} #${packet.index}: ${link.kind}`);
        }
      }
      // Its first octet is no PPP protocol (tshark dissects no IP there either).
      expect(others).toEqual(['pcaps/tcpdump/ppp_ip_udp_dns.pcap #0: not-ip']);
    });
  },
);
