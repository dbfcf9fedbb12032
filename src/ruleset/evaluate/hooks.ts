// SPDX-License-Identifier: Apache-2.0
// What happens at each hook, in the order of priorities (include/uapi/linux/netfilter_ipv4.h enum
// nf_ip_hook_priorities): defragment, raw, conntrack, mangle, nat, filter, security, nat again, confirm.
import type { Host } from '../../host/host.js';
import type { Family } from '../../net/family.js';
import type { FamilyRuleset, Rule } from '../ruleset.js';
import type { Clock } from './clock.js';
import { type CompiledChain, type CompiledTable, compileTable } from './compiled-chain.js';
import { tracksConnections } from './conntrack-users.js';
import type { Tracker } from './conntrack/tracker.js';
import type { MatchEnvironment } from './match-result.js';
import { Reassembler } from './reassembly.js';
import { CT_NEW, CT_RELATED, CT_RELATED_REPLY, CT_UNTRACKED, type HookName, type Skb } from './skb.js';
import { type WalkObserver, walkTable } from './walk-table.js';

/** Where the last decision fell. `rule` is undefined for a chain's policy and for malformed packets. */
export interface Decision {
  readonly hook: HookName;
  readonly table: string;
  readonly chain: CompiledChain;
  readonly rule: Rule | undefined;
}

/** `stack-drop`: reassembly gave the packet up. `unroutable`: its new mark leads nowhere, `skb.route` says why. */
export type HookVerdict =
  'accept' | 'drop' | 'reject' | 'undecided' | 'held' | 'stack-drop' | 'table-full' | 'unroutable';

type Step =
  | { readonly kind: 'defrag' }
  | { readonly kind: 'track' }
  | { readonly kind: 'confirm' }
  | {
      readonly kind: 'nat';
      readonly table: CompiledTable;
      readonly chain: CompiledChain;
      readonly isSource: boolean;
    }
  | { readonly kind: 'table'; readonly table: CompiledTable; readonly chain: CompiledChain };

/** Tables of a hook in the order of their priorities; nat translates destinations early, sources late. */
const TABLES: Readonly<Record<HookName, readonly string[]>> = {
  PREROUTING: ['raw', 'mangle', 'nat'],
  INPUT: ['mangle', 'filter', 'security', 'nat'],
  FORWARD: ['mangle', 'filter', 'security'],
  OUTPUT: ['raw', 'mangle', 'nat', 'filter', 'security'],
  POSTROUTING: ['mangle', 'nat'],
};

export interface HooksOptions {
  readonly waived: ReadonlySet<number>;
  /** Stands for the walk through a table's chain: another form of the same rules. */
  readonly walk?: typeof walkTable;
}

/** The hooks of one family. */
export class Hooks {
  readonly tracks: boolean;
  readonly tables: readonly CompiledTable[];
  private readonly steps: Readonly<Record<HookName, readonly Step[]>>;
  private readonly reassembler: Reassembler;

  constructor(
    readonly family: Family,
    ruleset: FamilyRuleset | undefined,
    private readonly tracker: Tracker,
    private readonly environment: MatchEnvironment,
    host: Host,
    clock: Clock,
    private readonly options: HooksOptions,
  ) {
    this.tracks = ruleset !== undefined && tracksConnections(ruleset);
    this.reassembler = new Reassembler(host, clock);
    const tables = new Map<string, CompiledTable>();
    for (const table of ruleset?.tables.values() ?? []) {
      tables.set(table.name, compileTable(table, environment, options.waived));
    }
    this.tables = [...tables.values()];
    this.steps = {
      PREROUTING: this.stepsOf('PREROUTING', tables),
      INPUT: this.stepsOf('INPUT', tables),
      FORWARD: this.stepsOf('FORWARD', tables),
      OUTPUT: this.stepsOf('OUTPUT', tables),
      POSTROUTING: this.stepsOf('POSTROUTING', tables),
    };
  }

  private stepsOf(hook: HookName, tables: ReadonlyMap<string, CompiledTable>): Step[] {
    const steps: Step[] = [];
    const begins = this.tracks && (hook === 'PREROUTING' || hook === 'OUTPUT');
    if (begins) steps.push({ kind: 'defrag' });
    let tracked = !begins;
    for (const name of TABLES[hook]) {
      if (!tracked && name !== 'raw') {
        steps.push({ kind: 'track' });
        tracked = true;
      }
      const table = tables.get(name);
      const chain = table?.chains.get(hook);
      if (table === undefined || chain === undefined) continue;
      if (name !== 'nat') steps.push({ kind: 'table', table, chain });
      else if (this.tracks) {
        steps.push({ kind: 'nat', table, chain, isSource: hook === 'INPUT' || hook === 'POSTROUTING' });
      }
    }
    if (this.tracks && (hook === 'INPUT' || hook === 'POSTROUTING')) steps.push({ kind: 'confirm' });
    return steps;
  }

  /** Runs all steps of a hook; `skb.decision` is the last table's. */
  run(hook: HookName, skb: Skb, observer?: WalkObserver): HookVerdict {
    skb.hook = hook;
    for (const step of this.steps[hook]) {
      switch (step.kind) {
        case 'defrag': {
          const verdict = this.defragment(skb, hook === 'OUTPUT' ? 'OUTPUT' : 'PREROUTING');
          if (verdict !== 'accept') return verdict;
          break;
        }
        case 'track':
          // A piece that the kernel could not join leaves conntrack untouched on the way out (IPv4).
          if (hook === 'OUTPUT' && skb.family === 'ipv4' && skb.packet.isFragment) break;
          if (this.tracker.track(skb) === 'drop') return 'table-full';
          // The connection may be one whose addresses were rewritten: nothing certain can follow.
          if (skb.ctUnknown && this.tracker.context.translationsUnknown) return 'undecided';
          break;
        case 'confirm':
          this.tracker.confirm(skb);
          break;
        case 'table': {
          const { mark } = skb;
          const verdict = this.judge(hook, step.table, step.chain, skb, observer);
          if (verdict !== 'accept') return verdict;
          if (hook === 'OUTPUT' && skb.mark !== mark && !this.reroute(skb)) return 'unroutable';
          break;
        }
        case 'nat': {
          const verdict = this.translate(hook, step.table, step.chain, step.isSource, skb, observer);
          if (verdict !== 'accept') return verdict;
          break;
        }
      }
    }
    return 'accept';
  }

  /** ipt_mangle_out: a packet with another mark is routed again; later tables still see the first device. */
  private reroute(skb: Skb): boolean {
    skb.route = this.environment.stack.rerouteOutput(skb.packet, skb.mark, skb.outInterface);
    return skb.route.kind === 'output';
  }

  /** Joins pieces for `user`; `accept` when the packet is whole now. */
  defragment(skb: Skb, user: 'PREROUTING' | 'OUTPUT' | 'INPUT'): 'accept' | 'held' | 'stack-drop' {
    if (skb.connection !== undefined || skb.ctInfo === CT_UNTRACKED) {
      if (user !== 'INPUT') return 'accept';
    }
    if (!skb.packet.isFragment) return 'accept';
    const result = this.reassembler.add(skb.packet, user, skb.inInterface);
    if (result === 'passed') return 'accept';
    if (result === 'held') return 'held';
    if (result === 'dropped') return 'stack-drop';
    skb.replacePacket(result.packet, result.largestFragment);
    return 'accept';
  }

  private judge(
    hook: HookName,
    table: CompiledTable,
    chain: CompiledChain,
    skb: Skb,
    observer: WalkObserver | undefined,
  ): 'accept' | 'drop' | 'reject' | 'undecided' {
    const verdict = (this.options.walk ?? walkTable)(table, chain, skb, observer);
    // What lets a packet through is said by the table that filters, wherever it stood.
    if (verdict !== 'accept' || table.name === 'filter' || skb.decision?.table !== 'filter') {
      skb.decision = { hook, table: table.name, chain, rule: skb.decidedBy };
    }
    return verdict;
  }

  /** The nat table sees a connection's first packet, once for the destination and once for the source. */
  private translate(
    hook: HookName,
    table: CompiledTable,
    chain: CompiledChain,
    isSource: boolean,
    skb: Skb,
    observer: WalkObserver | undefined,
  ): 'accept' | 'drop' | 'reject' | 'undecided' {
    const { connection, ctInfo } = skb;
    if (!skb.ctUnknown) {
      if (connection === undefined) return 'accept';
      if (ctInfo !== CT_NEW && ctInfo !== CT_RELATED && ctInfo !== CT_RELATED_REPLY) return 'accept';
      if (isSource ? connection.sourceNatDone : connection.destinationNatDone) return 'accept';
    }
    const verdict = this.judge(hook, table, chain, skb, observer);
    if (verdict === 'undecided') return verdict;
    if (connection !== undefined) {
      if (isSource) connection.sourceNatDone = true;
      else connection.destinationNatDone = true;
    }
    return verdict;
  }
}
