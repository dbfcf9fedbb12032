// SPDX-License-Identifier: Apache-2.0
// A capture of any length from the `router` fixture's traffic: its frames again and again, the clock going on, each repetition with
// client ports of its own, so that connections come and go as on a live host instead of being one set for ever.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadInput } from '../../src/input/load.js';
import type { ReplayPacket } from '../../src/packet/packet.js';
import { PcapWriter } from '../../src/replay/capture/write-pcap.js';
import { replayPackets } from '../../src/replay/source.js';

export const FIXTURE = fileURLToPath(new URL('../../fixtures/router', import.meta.url));
/** A million packets last 10 s: clock-dependent rules see about the same time in a replay back to back. */
const GAP_NS = 10_000n;
const PROTOCOL_OFFSET = { ipv4: 14 + 9, ipv6: 14 + 6 } as const;

/** Writes COUNT packets. Fragments and non-IP frames are left out: not every runner takes them. */
export async function writeBigCapture(file: string, count: number): Promise<void> {
  const packets = await fixturePackets();
  const writer = await PcapWriter.create(file);
  let clock = 1_767_225_600_000_000_000n;
  for (let written = 0; written < count; written++) {
    const repetition = Math.floor(written / packets.length);
    const packet = packets[written % packets.length];
    if (packet === undefined) break;
    clock += GAP_NS;
    await writer.write({ frame: withPorts(packet.frame, repetition), timestampNs: clock });
  }
  await writer.commit();
}

async function fixturePackets(): Promise<ReplayPacket[]> {
  const input = await loadInput([FIXTURE]);
  const captures = readdirSync(join(FIXTURE, 'captures'))
    .filter((name) => /^(http|tls|dns|services|icmp|scans)\.pcapng$/.test(name))
    .sort();
  const files = captures.map((name) => join(FIXTURE, 'captures', name));
  const found: ReplayPacket[] = [];
  for await (const { packets } of replayPackets(files, { kind: 'inferred' }, input.host)) {
    found.push(...packets.map((packet) => ({ ...packet, frame: packet.frame.slice() })));
  }
  return found;
}

/**
 * The frame with its high ports (those above 32,767: the clients' own) turned by the repetition's number; the transport checksum is
 * carried along (RFC 1624). Frames without such ports come back as they are.
 */
function withPorts(frame: Uint8Array, repetition: number): Uint8Array {
  const view = Buffer.from(frame);
  const type = view.readUInt16BE(12);
  const isIpv4 = type === 0x0800;
  if (!isIpv4 && type !== 0x86dd) return view;
  const protocol = view[isIpv4 ? PROTOCOL_OFFSET.ipv4 : PROTOCOL_OFFSET.ipv6];
  const start = 14 + (isIpv4 ? ((view[14] ?? 0) & 15) * 4 : 40);
  const field = protocol === 6 ? start + 16 : protocol === 17 ? start + 6 : -1;
  if (field < 0 || field + 2 > view.length) return view;
  for (const at of [start, start + 2]) {
    const port = view.readUInt16BE(at);
    if (port < 0x8000) continue;
    const turned = 0x8000 | ((port + repetition * 7) & 0x7fff);
    const sum = (~view.readUInt16BE(field) & 0xffff) + (~port & 0xffff) + turned;
    const folded = (sum & 0xffff) + (sum >>> 16);
    view.writeUInt16BE(turned, at);
    view.writeUInt16BE(~((folded & 0xffff) + (folded >>> 16)) & 0xffff, field);
  }
  return view;
}
