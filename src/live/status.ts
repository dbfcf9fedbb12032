// SPDX-License-Identifier: Apache-2.0
// What is loaded, whether it is whole, and what it counted. Reads only, and takes no lock: while another command is
// at work, it may tell of what is half done.
import { closeSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { objectId, pinnedObject } from '../kernel/bpf.js';
import type { MigrationReport } from '../migrate/report.js';
import type { Model } from '../model/model.js';
import type { AttachKind } from '../program/attach-kind.js';
import { netfilterAttachPoints } from '../program/netfilter-hooks.js';
import { attachedTc, tcProgramIds } from './attach-tc.js';
import { readInterfaces } from './interfaces.js';
import { emptiedTables } from './load-report.js';
import { networkNamespace } from './machine.js';
import { arePinned } from './pins.js';
import {
  linkPin,
  MIGRATION_FOLDER,
  PINS,
  readState,
  SCRIPT_FILE,
  type LiveState,
  type Mode,
} from './places.js';
import { isAlive } from './processes.js';
import { statusChains, type StatusChain } from './status-chains.js';
import { modeInForce } from './take-down.js';

export interface Pinned {
  readonly name: string;
  /** As bpftool lists it. */
  readonly id: number;
}

export interface StatusReport {
  /** `script`: by load.sh. `remains`: what a load left that was cut off; it observes. */
  readonly loaded: 'nothing' | 'programs' | 'script' | 'remains';
  /** What is not as it should be, as sentences; also that nothing is loaded by `load`. */
  readonly problems: readonly string[];
  /** In force; null where nothing is pinned. */
  readonly mode: Mode | null;
  /** ISO 8601. */
  readonly since: string | null;
  /** SHA-256 of program.o. */
  readonly digest: string | null;
  readonly attach: readonly AttachKind[];
  /** Interfaces whose packets are judged. */
  readonly interfaces: readonly string[];
  /** Those whose packets iptables judges and no program does, with the reason. */
  readonly bare: readonly { readonly name: string; readonly why: string }[];
  readonly rollback: { readonly deadline: string; readonly seconds: number } | null;
  /** Tables that iptables no longer holds: `ipv4 filter (legacy)`. */
  readonly emptied: readonly string[];
  readonly programs: readonly Pinned[];
  readonly maps: readonly Pinned[];
  readonly chains: readonly StatusChain[];
}

type Coverage = Pick<StatusReport, 'interfaces' | 'bare'>;

/** Throws EnvironmentError where the state cannot be read. */
export function readStatus(): StatusReport {
  const state = readState();
  const loaded = whatIsLoaded(state);
  const common = { loaded, mode: modeInForce() ?? null, programs: pinned('programs'), maps: pinned('maps') };
  if (state === undefined || !arePinned())
    return {
      ...common,
      problems: [WHY_NOT[state === undefined ? loaded : 'programs']],
      since: null,
      digest: null,
      attach: [],
      interfaces: [],
      bare: [],
      rollback: null,
      emptied: emptiedTables(state?.saved ?? []),
      chains: [],
    };
  const model = kept<Model>('model.json');
  const isHere = state.network === networkNamespace();
  const coverage = isHere ? interfacesNow(state) : { interfaces: state.interfaces, bare: [] };
  return {
    ...common,
    problems: problems(state, common.mode, model, isHere, coverage),
    since: state.since,
    digest: state.digest,
    attach: state.attach,
    ...coverage,
    rollback: state.rollback && { deadline: state.rollback.deadline, seconds: state.rollback.seconds },
    emptied: emptiedTables(state.saved),
    chains: statusChains(model, kept<MigrationReport>('report.json')),
  };
}

const WHY_NOT: Readonly<Record<StatusReport['loaded'], string>> = {
  nothing: 'nothing is loaded',
  programs:
    'the pins are gone while the state says that programs are loaded: `ipt2ebpf unload` restores iptables',
  script: 'a program that load.sh loaded is attached: `load.sh status` tells of it',
  remains: 'a load was cut off: the next `ipt2ebpf load` or `unload` takes its remains away',
};

function whatIsLoaded(state: LiveState | undefined): StatusReport['loaded'] {
  if (state !== undefined) return 'programs';
  if (existsSync(SCRIPT_FILE)) return 'script';
  return arePinned() ? 'remains' : 'nothing';
}

function problems(
  state: LiveState,
  mode: Mode | null,
  model: Model,
  isHere: boolean,
  { bare }: Coverage,
): string[] {
  const { rollback, watcher, trouble, drift = [] } = state;
  const links = state.attach.includes('netfilter') ? netfilterAttachPoints(model) : [];
  return [
    ...(isHere
      ? []
      : ['programs are attached in another network namespace: its interfaces are not looked at']),
    ...(mode === state.mode || rollback !== null
      ? []
      : [`programs ${String(mode)}, and the state says ${state.mode}: the next load puts it right`]),
    ...bare.map(({ name, why }) => `${name}: ${why}`),
    ...links
      .map(({ family, phase }) => `${family}_${phase}`)
      .filter((name) => !existsSync(linkPin(name)))
      .map((name) => `the netfilter link ${name} is gone`),
    ...(isAlive(watcher)
      ? []
      : ['the watcher is gone: interfaces born later get no program until the next load']),
    ...(rollback === null || isAlive(rollback.process)
      ? []
      : ['the rollback process is gone: the next load starts another, or rolls back']),
    ...drift,
    ...(trouble === undefined ? [] : [trouble]),
  ];
}

function interfacesNow({ attach, interfaces }: LiveState): Coverage {
  if (!attach.includes('tc')) return { interfaces, bare: [] };
  const { judged, unreadable } = readInterfaces();
  const ids = tcProgramIds();
  const isAttached = ({ name }: { readonly name: string }): boolean =>
    ids !== undefined &&
    attachedTc(name, 'ingress') === ids.ingress &&
    attachedTc(name, 'egress') === ids.egress;
  const attached = new Set(judged.filter(isAttached).map(({ name }) => name));
  return {
    interfaces: [...attached],
    bare: [
      ...unreadable.map(({ name, linkType }) => ({ name, why: `it has no Ethernet header (${linkType})` })),
      ...judged
        .filter(({ name }) => !attached.has(name))
        .map(({ name }) => ({ name, why: 'no program is attached to both directions' })),
    ],
  };
}

function kept<T>(name: string): T {
  return JSON.parse(readFileSync(join(MIGRATION_FOLDER, name), 'utf8')) as T;
}

function pinned(folder: 'programs' | 'maps'): Pinned[] {
  const path = join(PINS, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .sort()
    .flatMap((name) => {
      const fd = pinnedObject(join(path, name));
      if (fd === undefined) return [];
      const id = objectId(fd);
      closeSync(fd);
      return [{ name, id }];
    });
}
