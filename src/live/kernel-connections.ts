// SPDX-License-Identifier: Apache-2.0
// The kernel's connections, as `conntrack -L -o extended,id` prints them (libnetfilter_conntrack, one a line).
import type { Family } from '../net/family.js';
import { runTool } from './tools.js';

/** One direction. Ports: for ICMP the identifier, and type << 8 | code; for GRE the keys. */
export interface KernelTuple {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export interface KernelConnection {
  /** As printed. */
  readonly text: string;
  readonly family: Family;
  /** IP protocol. */
  readonly protocol: number;
  /** Seconds left; undefined where the kernel keeps it to itself (offloaded flows). */
  readonly secondsLeft: number | undefined;
  /** `ESTABLISHED`: TCP, SCTP, DCCP; undefined for others. */
  readonly state: string | undefined;
  readonly original: KernelTuple;
  readonly reply: KernelTuple;
  /** `UNREPLIED`, `ASSURED`, `OFFLOAD`... */
  readonly flags: ReadonlySet<string>;
  readonly mark: number;
  /** What else is said of it: `zone`, `helper`... */
  readonly extras: ReadonlyMap<string, string>;
}

/** All connections of a family in this namespace. Throws EnvironmentError where `conntrack` is not installed. */
export function kernelConnections(family: Family): KernelConnection[] {
  return runTool('conntrack', ['-L', '-f', family, '-o', 'extended,id'])
    .split('\n')
    .map(readConnection)
    .filter((each) => each !== undefined);
}

const LINE = /^(ipv4|ipv6) +\d+ +\S+ +(\d+)((?: +[^ =[]+)*)((?: +(?:\S+=\S*|\[[^\]]+\]))+) *$/;

/** Undefined for a line that is no connection. */
export function readConnection(line: string): KernelConnection | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  const [, family, protocol, plain, rest] = match;
  const words = plain!.trim().split(/ +/).filter(Boolean);
  const seconds = words.find((word) => /^\d+$/.test(word));
  const tuples: Map<string, string>[] = [];
  const flags = new Set<string>();
  const extras = new Map<string, string>();
  for (const word of rest!.trim().split(/ +/)) {
    const flag = /^\[(.+)\]$/.exec(word)?.[1];
    const at = word.indexOf('=');
    const name = word.slice(0, at);
    const value = word.slice(at + 1);
    const last = tuples[tuples.length - 1];
    if (flag !== undefined) flags.add(flag);
    else if (name === 'src') tuples.push(new Map([[name, value]]));
    else if (last !== undefined && isOfTuple(name, last)) last.set(name, value);
    else extras.set(name, value);
  }
  const [original, reply] = tuples;
  if (original === undefined || reply === undefined) return undefined;
  return {
    text: line.replace(/ +/g, ' ').trim(),
    family: family as Family,
    protocol: Number(protocol),
    secondsLeft: seconds === undefined ? undefined : Number(seconds),
    state: words.find((word) => /^[A-Z]/.test(word)),
    original: tuple(original),
    reply: tuple(reply),
    flags,
    mark: Number(extras.get('mark') ?? 0),
    extras,
  };
}

const TUPLE_WORDS = new Set(['dst', 'sport', 'dport', 'type', 'code', 'id', 'srckey', 'dstkey']);

/** `id` stands for two things: an ICMP identifier, and at the end of a line the kernel's number of the entry. */
function isOfTuple(name: string, last: ReadonlyMap<string, string>): boolean {
  return TUPLE_WORDS.has(name) && !last.has(name) && (name !== 'id' || last.has('type'));
}

function tuple(words: ReadonlyMap<string, string>): KernelTuple {
  const number = (name: string): number => Number(words.get(name) ?? 0);
  const isIcmp = words.has('type');
  return {
    source: words.get('src') ?? '',
    destination: words.get('dst') ?? '',
    sourcePort: isIcmp ? number('id') : number('sport') || number('srckey'),
    destinationPort: isIcmp ? (number('type') << 8) | number('code') : number('dport') || number('dstkey'),
  };
}
