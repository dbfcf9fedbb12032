// SPDX-License-Identifier: Apache-2.0
// The recorder that bpf/replay/netfilter.bpf.c writes, read through mmap: what happened to one packet.
// Offsets repeat bpf/replay/record.h; `checkLayout` compares them with the object's BTF.
import type { Family } from '../../net/family.js';
import type { BpfObject } from '../../object/object.js';
import { structureMembers } from '../load.js';

const RECORDER = {
  process: 0,
  namespace_inode: 4,
  count: 8,
  lost: 12,
  events: 16,
} as const;

const EVENT = {
  kind: 0,
  reason: 4,
  skb: 8,
  family: 16,
  priority: 20,
  mark: 24,
  output_ifindex: 28,
  nfct: 32,
  connection_mark: 40,
  answer: 44,
  length: 48,
  header_length: 52,
  header: 56,
} as const;

const EVENT_BYTES = EVENT.header + 2048;
const NFPROTO_IPV6 = 10;

export const EventKind = { ENTERED: 1, BORN: 2, DELIVERED: 3, SENT: 4, FREED: 5 } as const;

/** Throws when the compiled object lays its structures out differently from this file. */
export function checkLayout(object: BpfObject): void {
  for (const [name, offsets] of [
    ['recorder', RECORDER],
    ['event', EVENT],
  ] as const) {
    const members = structureMembers(object, name);
    for (const [member, offset] of Object.entries(offsets)) {
      if (members?.get(member) !== offset) {
        throw new Error(`bpf/replay/record.h: \`${name}.${member}\` is not at offset ${String(offset)}`);
      }
    }
  }
}

/** A view of the mapped recorder; events are read by index, without copies. */
export class Recorder {
  constructor(private readonly memory: Buffer) {}

  /** Which packets count: those handled in this process, or freed in this namespace. */
  arm(process: number, namespaceInode: number): void {
    this.memory.writeUInt32LE(namespaceInode, RECORDER.namespace_inode);
    this.memory.writeUInt32LE(process, RECORDER.process);
  }

  /** Forgets all events: call before each packet. */
  reset(): void {
    this.memory.writeUInt32LE(0, RECORDER.count);
    this.memory.writeUInt32LE(0, RECORDER.lost);
  }

  get count(): number {
    return this.memory.readUInt32LE(RECORDER.count);
  }

  get lost(): number {
    return this.memory.readUInt32LE(RECORDER.lost);
  }

  kind(index: number): number {
    return this.u32(index, EVENT.kind);
  }

  /** Of all events, in order. */
  kinds(): number[] {
    return Array.from({ length: this.count }, (_, index) => this.kind(index));
  }

  /** Tells one packet buffer from another while both live: the low half of its address. */
  buffer(index: number): number {
    return this.u32(index, EVENT.skb);
  }

  /** FREED: enum skb_drop_reason. */
  reason(index: number): number {
    return this.u32(index, EVENT.reason);
  }

  family(index: number): Family {
    return this.u32(index, EVENT.family) === NFPROTO_IPV6 ? 'ipv6' : 'ipv4';
  }

  priority(index: number): number {
    return this.u32(index, EVENT.priority);
  }

  mark(index: number): number {
    return this.u32(index, EVENT.mark);
  }

  /** SENT, BORN: 0 where no device is known yet. */
  outputIndex(index: number): number {
    return this.u32(index, EVENT.output_ifindex);
  }

  /** True when the packet has a connection entry. */
  hasConnection(index: number): boolean {
    const low = this.u32(index, EVENT.nfct);
    return (low & ~7) !== 0 || this.u32(index, EVENT.nfct + 4) !== 0;
  }

  /** enum ip_conntrack_info. */
  connectionInfo(index: number): number {
    return this.u32(index, EVENT.nfct) & 7;
  }

  connectionMark(index: number): number {
    return this.u32(index, EVENT.connection_mark);
  }

  /** Not the packet under test, but sent because of it: a REJECT or an ICMP error. */
  isAnswer(index: number): boolean {
    return this.u32(index, EVENT.answer) !== 0;
  }

  /** The packet from its IP header on, as far as recorded; valid until the next packet. */
  header(index: number): Buffer {
    const at = RECORDER.events + index * EVENT_BYTES;
    const length = this.memory.readUInt32LE(at + EVENT.header_length);
    return this.memory.subarray(at + EVENT.header, at + EVENT.header + length);
  }

  private u32(index: number, offset: number): number {
    return this.memory.readUInt32LE(RECORDER.events + index * EVENT_BYTES + offset);
  }
}
