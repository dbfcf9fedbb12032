// SPDX-License-Identifier: Apache-2.0
// The `netfilter-bpf` side of the runner: netfilter programs in place of the tables that they carry over, attached
// in the namespace at iptables' own hooks, and what they tell of each packet. Tables that stay are iptables' as ever.
import { encodeStruct } from '../../program/layout-codec.js';
import { CONFIG, MODE } from '../../program/layout.js';
import {
  netfilterAttachPoints,
  PROTOCOL_FAMILIES,
  trackedFamilies,
  trackingCommands,
} from '../../program/netfilter-hooks.js';
import type { BpfObject } from '../../object/object.js';
import type { Model } from '../../model/model.js';
import type { Family } from '../../net/family.js';
import { ProgramResult } from '../../replay/program-result.js';
import type { LeftTables } from '../../ruleset/attach-view.js';
import type { Ruleset } from '../../ruleset/ruleset.js';
import { linkNetfilter, updateElement } from '../bpf.js';
import { loadObject, type LoadedObject } from '../load.js';
import { MapView } from '../map-view.js';
import type { Namespace } from '../namespace.js';

/** An object built for netfilter hooks, and what its ids mean. */
export interface NetfilterPrograms {
  readonly object: BpfObject;
  readonly model: Model;
  readonly ruleset: Ruleset;
  readonly leftTables: LeftTables;
}

export class AttachedPrograms {
  private readonly result: ProgramResult;
  private readonly memory: Uint8Array;

  private constructor(
    private readonly loaded: LoadedObject,
    private readonly view: MapView,
    private readonly programs: NetfilterPrograms,
  ) {
    this.memory = view.value();
    this.result = new ProgramResult(this.memory, programs.model, programs.ruleset);
  }

  /** Loads, enforces, attaches. Throws VerifierError, or SystemCallError where a hook's priority is taken. */
  static attach(namespace: Namespace, programs: NetfilterPrograms): AttachedPrograms {
    const { object, model } = programs;
    namespace.tool('nft', ['-f', '-'], trackingCommands(trackedFamilies(model)));
    const loaded = loadObject(object);
    try {
      const config = encodeStruct(CONFIG, { mode: MODE.values.ENFORCE, record: 1, hz: model.hz });
      updateElement(loaded.maps.get('config')!.fd, Buffer.alloc(4), config);
      namespace.inside(() => {
        for (const { program, family, hook, priority } of netfilterAttachPoints(model)) {
          const { fd } = loaded.programs.get(program)!;
          const protocolFamily = PROTOCOL_FAMILIES[family];
          namespace.keep(linkNetfilter(fd, { protocolFamily, hook, priority }));
        }
      });
      return new AttachedPrograms(loaded, new MapView(loaded.maps.get('results')!), programs);
    } catch (error) {
      loaded.close();
      throw error;
    }
  }

  /** Interfaces get their numbers when the host comes up. */
  know(indexes: ReadonlyMap<string, number>): void {
    const { fd } = this.loaded.maps.get('interfaces')!;
    for (const [name, id] of Object.entries(this.programs.model.interfaces)) {
      const index = indexes.get(name);
      if (index !== undefined) updateElement(fd, word(index), word(id));
    }
  }

  /** Forgets the last packet: call before each. */
  reset(): void {
    this.memory.fill(0);
  }

  /** Rules and policies met by the last packet at all hooks, in the words of TRACE. */
  get trace(): string[] {
    return this.result.trace;
  }

  close(): void {
    this.view.close();
    this.loaded.close();
  }
}

/** A dump without the tables that programs stand for. */
export function tablesLeft(dump: string, family: Family, left: LeftTables): string {
  let keeps = true;
  return dump
    .split('\n')
    .filter((line) => {
      const table = /^\s*\*(\S+)/.exec(line)?.[1];
      if (table !== undefined) keeps = left.has(`${family} ${table}`);
      return keeps || line === '' || line.startsWith('#');
    })
    .join('\n');
}

const HOOK_ORDER: Readonly<Record<'local' | 'received', readonly string[]>> = {
  local: ['OUTPUT', 'POSTROUTING', 'PREROUTING', 'INPUT'],
  received: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
};
const TABLE_ORDER = ['raw', 'mangle', 'nat', 'filter', 'security'];
const NAT_BEHIND_FILTER = new Set(['INPUT', 'POSTROUTING']);

/**
 * One trace of two: what iptables walked and what programs walked, both as `table:CHAIN:kind:number` in order of
 * time, merged by the place of their tables on the packet's way.
 */
export function mergeTraces(
  iptables: readonly string[],
  programs: readonly string[],
  way: 'local' | 'received',
): string[] {
  const merged: string[] = [];
  const left = ranked(iptables, HOOK_ORDER[way]);
  const right = ranked(programs, HOOK_ORDER[way]);
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    const [a, b] = [left[i], right[j]];
    if (a !== undefined && (b === undefined || a.rank <= b.rank)) {
      merged.push(a.text);
      i++;
    } else if (b !== undefined) {
      merged.push(b.text);
      j++;
    }
  }
  return merged;
}

/** A user chain stands where the built-in chain stands that led to it. What goes back on its way, goes it again. */
function ranked(texts: readonly string[], hooks: readonly string[]): { text: string; rank: number }[] {
  const whole = hooks.length * TABLE_ORDER.length;
  let rank = 0;
  return texts.map((text) => {
    const parts = text.split(':');
    const hook = parts.slice(1, -2).join(':');
    const at = hooks.indexOf(hook);
    const table = parts[0] === 'nat' && NAT_BEHIND_FILTER.has(hook) ? 'security' : (parts[0] ?? '');
    if (at >= 0) {
      const place = at * TABLE_ORDER.length + TABLE_ORDER.indexOf(table);
      const round = Math.floor(rank / whole);
      rank = (place < rank % whole ? round + 1 : round) * whole + place;
    }
    return { text, rank };
  });
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
