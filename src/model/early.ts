// SPDX-License-Identifier: Apache-2.0
// What XDP may judge of a family: table raw's PREROUTING, which runs before tracking and before anything else that a
// packet could leave a trace in. A packet is dropped early only where every rule on its way there is decided by what
// XDP sees; where a rule might act that is not, the walk ends, and the packet goes on to where all is decided.
import { keysOf, type Boxes } from './box.js';
import { contains, valuesWhere, type Ranges } from './ranges.js';
import type { FieldName } from './fields.js';
import type { Entry, FamilyModel, ModelChain, Test } from './model.js';

/**
 * Fields that are the same before and after receive offload (GRO) makes one packet of several: not the length, and
 * not what is not known yet (mark, connection). Its packets are whole TCP and UDP headers, so AVAIL says the same of
 * them as far as rules ask.
 */
const SEEN: ReadonlySet<FieldName> = new Set<FieldName>([
  ...(['SRC0', 'SRC1', 'SRC2', 'SRC3', 'DST0', 'DST1', 'DST2', 'DST3'] as const),
  ...([
    'PROTO',
    'FRAG',
    'AVAIL',
    'SPORT',
    'DPORT',
    'TCPFLAGS',
    'TCPOPT',
    'IIF',
    'TTL',
    'MAC0',
    'MAC1',
  ] as const),
]);

/** TCP flags (RFC 9293 section 3.1) that GRO collects from all segments it joins (net/ipv4/tcp_offload.c). */
const FIN = 1;
const SYN = 2;
const RST = 4;
const PSH = 8;
const CWR = 128;
const COLLECTED = [0, FIN, PSH, FIN | PSH, CWR, CWR | FIN, CWR | PSH, CWR | FIN | PSH];

export interface EarlyFamily {
  /** Its only phase is preroutingRaw; what is accepted there is passed on. Undefined: XDP drops nothing. */
  readonly family: FamilyModel | undefined;
  /** Rules and chain policies that drop at XDP. */
  readonly drops: readonly number[];
  /** Keys of the chains that XDP walks, or would if any rule dropped there. */
  readonly walked: readonly string[];
  /** Rules of the chain at which packets are passed on undecided. */
  readonly deferred: readonly number[];
}

export function earlyFamily(family: FamilyModel): EarlyFamily {
  const bases = family.phases.preroutingRaw ?? [];
  const chains: Record<string, ModelChain> = {};
  const drops: number[] = [];
  const deferred: number[] = [];
  const visit = (key: string): void => {
    if (Object.hasOwn(chains, key)) return;
    const chain = family.chains[key]!;
    const entries = chain.entries.map((entry) => earlyEntry(family, entry));
    chains[key] = { ...chain, entries };
    entries.forEach((entry, i) => {
      if (entry !== chain.entries[i]) deferred.push(entry.rule);
      else if (entry.action.kind === 'drop') drops.push(entry.rule);
      else if (entry.action.kind === 'jump') visit(entry.action.chain);
    });
    if (chain.policy === 'DROP') drops.push(chain.end);
  };
  bases.forEach(visit);
  const walked = Object.keys(chains);
  if (drops.length === 0) return { family: undefined, drops, walked, deferred };
  const early = { ...family, chains, phases: { preroutingRaw: bases } };
  return { family: early, drops: drops.sort(byNumber), walked, deferred: deferred.sort(byNumber) };
}

/** The entry itself where XDP decides it, else one that passes on whatever it might match. */
function earlyEntry(family: FamilyModel, entry: Entry): Entry {
  const { tests, action, rule } = entry;
  const isDecided = tests.every(
    (test) =>
      test.kind === 'fields' && [test.match, test.hotdrop].every((boxes) => widen(family, boxes) === boxes),
  );
  const isSilent = ['accept', 'drop', 'return', 'jump', 'count'].includes(action.kind);
  if (isDecided && isSilent) return entry;
  const wide = tests.flatMap((test): Test[] =>
    test.kind === 'fields'
      ? [
          {
            kind: 'fields',
            match: [...widen(family, test.match), ...widen(family, test.hotdrop)],
            hotdrop: [],
          },
        ]
      : [],
  );
  return { rule, tests: wide, action: { kind: 'accept' } };
}

/** Boxes of all that might match, joined to others or not; the same object where XDP can tell exactly. */
function widen(family: FamilyModel, boxes: Boxes): Boxes {
  if (isAnswered(family, boxes)) return boxes;
  return boxes.map((box) =>
    box
      .filter(({ key }) => isSeen(family, key))
      .map(({ key, ranges }) => ({ key, ranges: key === 'TCPFLAGS' ? joined(ranges) : ranges })),
  );
}

function isAnswered(family: FamilyModel, boxes: Boxes): boolean {
  return (
    keysOf(boxes).every((key) => isSeen(family, key)) &&
    boxes.every((box) =>
      box.every(
        ({ key, ranges }) =>
          key !== 'TCPFLAGS' ||
          valuesWhere(256, (flags) => contains(ranges, flags) !== mayMatch(ranges, flags)).length === 0,
      ),
    )
  );
}

/** Flags of segments that match, or are part of a packet that does. */
function joined(ranges: Ranges): Ranges {
  return valuesWhere(256, (flags) => mayMatch(ranges, flags));
}

/** Segments with SYN or RST are never joined. */
function mayMatch(ranges: Ranges, flags: number): boolean {
  if ((flags & (SYN | RST)) !== 0) return contains(ranges, flags);
  return COLLECTED.some((collected) => contains(ranges, (flags & ~(FIN | PSH | CWR)) | collected));
}

function isSeen(family: FamilyModel, key: string): boolean {
  const derived = Object.hasOwn(family.derived, key) ? family.derived[key] : undefined;
  if (derived === undefined) return SEEN.has(key as FieldName);
  return derived.kind === 'masked'
    ? derived.field !== 'TCPFLAGS' && SEEN.has(derived.field)
    : isAnswered(family, derived.boxes);
}

function byNumber(a: number, b: number): number {
  return a - b;
}
