// SPDX-License-Identifier: Apache-2.0
// Reassembly of fragmented datagrams: net/ipv4/ip_fragment.c and net/ipv6/netfilter/nf_conntrack_reasm.c.
// Pieces given up after their time send no ICMP error here.
import { load16, load32, store16 } from '../../packet/bytes.js';
import { checksumOf, onesComplementSum } from '../../packet/checksum.js';
import { isExtensionHeader, IPV6_FRAGMENT, ParsedPacket } from '../../packet/parse.js';
import { sysctl } from '../../host/sysctls.js';
import type { Host } from '../../host/host.js';
import type { Clock } from './clock.js';
import { combinedEcn, FragmentQueue } from './fragment-queue.js';

/** Who asks: pieces of different askers are never joined. */
export type DefragUser = 'PREROUTING' | 'OUTPUT' | 'INPUT';

export interface Reassembled {
  readonly packet: ParsedPacket;
  /** Bytes of the largest piece with its IP header. */
  readonly largestFragment: number;
}

/** `held`: waiting for more. `passed`: the kernel lets the piece go on as it is. */
export type ReassemblyResult = Reassembled | 'held' | 'passed' | 'dropped';

/** Bytes of pieces kept for all datagrams (ipfrag_high_thresh); beyond, new datagrams are dropped. */
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_PAYLOAD = 65_535;

export class Reassembler {
  private readonly queues = new Map<string, FragmentQueue>();
  private readonly ticks: Readonly<Record<'ipv4' | 'ipv6', number>>;
  private bytes = 0;
  private given = 0;

  constructor(
    host: Host,
    private readonly clock: Clock,
  ) {
    this.ticks = {
      ipv4: sysctl(host, 'ipfrag_time') * clock.hz,
      ipv6: sysctl(host, 'nf_conntrack_frag6_timeout') * clock.hz,
    };
  }

  add(packet: ParsedPacket, user: DefragUser, inInterface: string): ReassemblyResult {
    return packet.family === 'ipv4' ? this.addIpv4(packet, user) : this.addIpv6(packet, user, inInterface);
  }

  private addIpv4(packet: ParsedPacket, user: DefragUser): ReassemblyResult {
    const { frame, l3Offset, l4Offset, moreFragments, fragmentOffset: start } = packet;
    // A raw socket gives packets without identification, and free to be fragmented, one of their own.
    const isUnnamed = user === 'OUTPUT' && load32(frame, l3Offset + 4) >>> 14 === 0;
    const id = isUnnamed ? `own ${++this.given}` : load16(frame, l3Offset + 4);
    const key = `${user} ${packet.source[0]} ${packet.destination[0]} ${id} ${packet.protocol}`;
    const queue = this.queue(key, 'ipv4');
    if (queue === undefined) return 'dropped';
    // All but the last piece count in whole units of eight bytes.
    const size = packet.end - l4Offset;
    const end = start + (moreFragments ? size & ~7 : size);
    const bytes = frame.slice(l4Offset, l4Offset + end - start);
    const before = queue.bytesHeld;
    const result = queue.insert({ start, end, bytes }, moreFragments);
    if (result === 'duplicate') return 'dropped';
    if (result !== 'kept') return this.forget(key, queue);
    this.bytes += queue.bytesHeld - before;
    const withHeader = end - start + l4Offset - l3Offset;
    queue.ecn |= 1 << (packet.tos & 3);
    queue.largest = Math.max(queue.largest, withHeader);
    if ((frame[l3Offset + 6]! & 0x40) !== 0) {
      queue.largestUnfragmentable = Math.max(queue.largestUnfragmentable, withHeader);
    }
    if (start === 0) queue.first = { header: frame.slice(0, l4Offset), l3Offset };
    if (!queue.isComplete) return 'held';
    this.forget(key, queue);
    return joinIpv4(queue);
  }

  private addIpv6(packet: ParsedPacket, user: DefragUser, inInterface: string): ReassemblyResult {
    const { frame, l3Offset, fragmentHeader } = packet;
    if (load16(frame, l3Offset + 4) === 0) return 'passed';
    if (packet.fragmentOffset === 0 && headersTruncated(packet)) return 'passed';
    const id = load32(frame, fragmentHeader + 4);
    const scoped = packet.destination[0]! >>> 22 === 0x3fa || packet.destination[0]! >>> 24 === 0xff;
    const key = `${user} ${packet.source.join()} ${packet.destination.join()} ${id} ${scoped ? inInterface : ''}`;
    const queue = this.queue(key, 'ipv6');
    if (queue === undefined) return 'dropped';
    const start = packet.fragmentOffset;
    const payload = fragmentHeader + 8;
    const end = start + (packet.end - payload);
    if (end > MOST_PAYLOAD) return 'dropped';
    if (packet.moreFragments && (end & 7) !== 0) {
      this.forget(key, queue);
      return 'passed';
    }
    const before = queue.bytesHeld;
    const bytes = frame.slice(payload, packet.end);
    const result = queue.insert({ start, end, bytes }, packet.moreFragments);
    // Other than IPv4, IPv6 keeps what it has when a piece contradicts it.
    if (result === 'duplicate' || result === 'contradiction') return 'dropped';
    if (result === 'overlap') return this.forget(key, queue);
    this.bytes += queue.bytesHeld - before;
    queue.ecn |= 1 << (packet.tos & 3);
    queue.largest = Math.max(queue.largest, packet.length);
    if (start === 0) queue.first = { header: frame.slice(0, payload), l3Offset };
    if (!queue.isComplete) return 'held';
    this.forget(key, queue);
    return joinIpv6(queue);
  }

  /** The queue of a datagram; undefined when there is no memory for another one. */
  private queue(key: string, family: 'ipv4' | 'ipv6'): FragmentQueue | undefined {
    const now = this.clock.jiffies;
    for (const [oldKey, old] of this.queues) {
      if (old.expires > now) break;
      this.forget(oldKey, old);
    }
    const known = this.queues.get(key);
    if (known !== undefined) return known;
    if (this.bytes > MOST_BYTES) return undefined;
    const fresh = new FragmentQueue(now + this.ticks[family]);
    this.queues.set(key, fresh);
    return fresh;
  }

  private forget(key: string, queue: FragmentQueue): 'dropped' {
    this.queues.delete(key);
    this.bytes -= queue.bytesHeld;
    return 'dropped';
  }
}

function joinIpv4(queue: FragmentQueue): ReassemblyResult {
  const ecn = combinedEcn(queue.ecn);
  if (ecn === undefined) return 'dropped';
  const { header, l3Offset } = queue.first!;
  const payload = queue.join();
  const length = header.length - l3Offset + payload.length;
  if (length > MOST_PAYLOAD) return 'dropped';
  const frame = new Uint8Array(header.length + payload.length);
  frame.set(header);
  frame.set(payload, header.length);
  store16(frame, l3Offset + 2, length);
  frame[l3Offset + 1]! |= ecn;
  // Don't Fragment stays only where the largest piece had it.
  store16(frame, l3Offset + 6, queue.largestUnfragmentable === queue.largest ? 0x4000 : 0);
  store16(frame, l3Offset + 10, 0);
  store16(frame, l3Offset + 10, checksumOf(onesComplementSum(frame, l3Offset, header.length)));
  const packet = new ParsedPacket(frame, 'ipv4', l3Offset, frame.length);
  return { packet, largestFragment: Math.max(queue.largest, queue.largestUnfragmentable) };
}

/** Takes the fragment header out of the first piece's headers and puts the pieces behind. */
function joinIpv6(queue: FragmentQueue): ReassemblyResult {
  const ecn = combinedEcn(queue.ecn);
  if (ecn === undefined) return 'dropped';
  const { header, l3Offset } = queue.first!;
  const payload = queue.join();
  const kept = header.length - 8;
  const length = kept - l3Offset - 40 + payload.length;
  if (length > MOST_PAYLOAD) return 'dropped';
  const frame = new Uint8Array(kept + payload.length);
  frame.set(header.subarray(0, kept));
  frame.set(payload, kept);
  frame[previousNextHeader(header, l3Offset)] = header[kept]!;
  store16(frame, l3Offset + 4, length);
  frame[l3Offset + 1]! |= ecn << 4;
  return {
    packet: new ParsedPacket(frame, 'ipv6', l3Offset, frame.length),
    largestFragment: queue.largest,
  };
}

/** Offset of the "next header" byte that announces the fragment header. */
function previousNextHeader(header: Uint8Array, l3Offset: number): number {
  let where = l3Offset + 6;
  let offset = l3Offset + 40;
  while (header[where] !== IPV6_FRAGMENT && isExtensionHeader(header[where]!)) {
    const isAuthentication = header[where] === 51;
    where = offset;
    offset += isAuthentication ? (header[offset + 1]! + 2) << 2 : (header[offset + 1]! + 1) << 3;
  }
  return where;
}

/** RFC 8200 section 4.5: a first piece must hold all headers up to the upper layer's; else it goes on as it is. */
function headersTruncated({ protocol, protocolUnreadable, l4Offset, end }: ParsedPacket): boolean {
  if (protocolUnreadable) return false;
  const needed = { 6: 20, 17: 8, 58: 8 }[protocol] ?? 1;
  return l4Offset + needed > end;
}
