// SPDX-License-Identifier: Apache-2.0
// Connections older than `load`: what the kernel knows of them goes into the pinned map of TC programs, so that
// rules that accept SYN and ESTABLISHED only do not cut them. Netfilter programs use the kernel's own.
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { lookupElement, objectInfo, updateElement } from '../kernel/bpf.js';
import { Errno, SystemCallError } from '../kernel/errno.js';
import { jiffies64 } from '../kernel/jiffies.js';
import type { Model } from '../model/model.js';
import { decodeStruct, encodeStruct, structSize, type StructValue } from '../program/layout-codec.js';
import { CONNECTION, CONNECTION_STATUS } from '../program/layout.js';
import { connectionEntry, type ConnectionEntry } from './connection-entry.js';
import { kernelConnections, type KernelConnection } from './kernel-connections.js';
import { withMap } from './pins.js';

/** Connections that could not be carried over and are listed; the others are counted. */
const MOST_LISTED = 100;

type Connection = StructValue<typeof CONNECTION>;

export interface Seeded {
  /** The kernel's connections that programs know now. */
  readonly carried: number;
  /** Those that they do not know. */
  readonly left: number;
  /** The first of them. */
  readonly leftFirst: readonly LeftConnection[];
  /** What else is to know, as sentences. */
  readonly notes: readonly string[];
}

export interface LeftConnection {
  /** As `conntrack` prints it. */
  readonly connection: string;
  readonly reason: string;
}

/** Safe to repeat while programs observe. Throws EnvironmentError where nothing is pinned. */
export function seedConnections({ families, hz }: Pick<Model, 'families' | 'hz'>): Seeded {
  let connections: KernelConnection[];
  try {
    connections = families.flatMap(({ family, tracked }) => (tracked ? kernelConnections(family) : []));
  } catch (error) {
    // The rules may well do without: that is for the person who switches to judge.
    if (!(error instanceof EnvironmentError)) throw error;
    const note = `connections older than this load are not carried over: ${error.message}`;
    return { carried: 0, left: 0, leftFirst: [], notes: [note] };
  }
  return withMap('connections', (fd) => writeAll(fd, connections, hz));
}

function writeAll(fd: number, connections: readonly KernelConnection[], hz: number): Seeded {
  const clock = { now: jiffies64(), hz };
  const left: LeftConnection[] = [];
  const entries: { readonly entry: ConnectionEntry; readonly text: string }[] = [];
  let helped = 0;
  for (const each of connections) {
    const entry = connectionEntry(each, clock);
    if (typeof entry === 'string') {
      left.push({ connection: each.text, reason: entry });
      continue;
    }
    entries.push({ entry, text: each.text });
    if (each.extras.has('helper')) helped++;
  }
  // Where they do not all fit, those that live longest are kept.
  entries.sort((a, b) => Number(b.entry.value.expires - a.entry.value.expires));
  const room = mapEntries(fd);
  for (const { text } of entries.slice(room))
    left.push({ connection: text, reason: `programs remember ${String(room)} connections` });
  // Those that live longest last: the map evicts what was written first.
  const kept = entries.slice(0, room).reverse();
  for (const { entry } of kept) writeOne(fd, entry, clock.now);
  const announcing = `${String(helped)} connections have a helper in the kernel: programs carry on with them, not with new ones that they announce`;
  return {
    carried: kept.length,
    left: left.length,
    leftFirst: left.slice(0, MOST_LISTED),
    notes: helped > 0 ? [announcing] : [],
  };
}

/** What the program saw from its first packet on, it knows better than a list that is older than the last packet. */
function writeOne(fd: number, { key, value }: ConnectionEntry, now: bigint): void {
  if (addElement(fd, key, value)) return;
  const bytes = Buffer.alloc(structSize(CONNECTION));
  const known = lookupElement(fd, Buffer.from(key), bytes) ? decodeStruct(CONNECTION, bytes) : undefined;
  if (known === undefined || known.expires <= now || !knowsAsMuch(known, value))
    write(fd, key, value, BPF_ANY);
  else if (known.mark !== value.mark) write(fd, key, { ...known, mark: value.mark }, BPF_ANY);
}

/** Begun in the middle, it may know no answer, or take the wrong side for the one that began. */
function knowsAsMuch(known: Connection, value: Connection): boolean {
  const side = CONNECTION_STATUS.values.REPLY_FIRST;
  return (known.status & side) === (value.status & side) && (known.status & value.status) === value.status;
}

/** Flags of BPF_MAP_UPDATE_ELEM (include/uapi/linux/bpf.h). */
const BPF_ANY = 0n;
const BPF_NOEXIST = 1n;

/** False when the program has an entry of its own. */
function addElement(fd: number, key: Uint8Array, value: Connection): boolean {
  try {
    write(fd, key, value, BPF_NOEXIST);
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && error.errno === Errno.EEXIST) return false;
    throw error;
  }
}

function write(fd: number, key: Uint8Array, value: Connection, flags: bigint): void {
  updateElement(fd, Buffer.from(key), Buffer.from(encodeStruct(CONNECTION, value)), flags);
}

/** `max_entries` of struct bpf_map_info. */
function mapEntries(fd: number): number {
  const info = Buffer.alloc(20);
  objectInfo(fd, info);
  return info.readUInt32LE(16);
}
