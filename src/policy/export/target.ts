// SPDX-License-Identifier: Apache-2.0
// What exports have in common: what a target can say, what it cannot (residue), and what is printed.
import type { Family } from '../../net/family.js';
import type { Labels } from '../inventory.js';
import type { Origin } from '../model.js';
import type { Region } from './region.js';

export type Path = 'input' | 'forward' | 'output';
export type Decision = 'allow' | 'deny';

export const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const;
export type State = (typeof STATES)[number];

export interface Target {
  readonly format: 'cilium' | 'kubernetes' | 'calico';
  /** As in sentences. */
  readonly name: string;
  /** Whether each interface has a list of its own. */
  readonly perInterface: boolean;
  /** Whether rules may ask for the address on the side of the host that they protect. */
  readonly ownAddresses: boolean;
  /** Whether forwarded packets are judged at all. */
  readonly forwards: boolean;
  /** Whether there is a list in front of connection tracking, as table raw is. */
  readonly untracked: boolean;
  /** What becomes of packets of a state that the lists never see; undefined: they are judged as the first of a connection. */
  fixed(state: State): Decision | undefined;
  /** Why a region has no words here; undefined where it has. */
  unsayable(region: Region, family: Family): string | undefined;
}

export type Effect =
  /** Packets that the rules deny may pass. */
  | 'opens'
  /** Packets that the rules allow may be denied. */
  | 'closes'
  /** Either, packet by packet. */
  | 'either'
  /** Denied as the rules do, but without the answer that REJECT sends. */
  | 'silent'
  /** Allowed or denied as the rules do; what else the rule does to the packet is not. */
  | 'aside';

/** Something that the exported policies do not say. */
export interface ExportResidue {
  readonly code: string;
  readonly effect: Effect;
  readonly why: string;
  /** `family table HOOK` of the model's tier. */
  readonly tier: string;
  /** Place in the tier's statements; null for the chain's policy. */
  readonly statement: number | null;
  /** Of packets in these states, on these paths; where given, on these interfaces only. */
  readonly states: readonly State[];
  readonly paths: readonly Path[];
  readonly interfaces?: readonly string[];
  /** Also of packets of these states that later statements of the tier decide. */
  readonly onwards?: true;
  readonly rules: readonly number[];
  /** The waiver that accepts it. */
  readonly waivedBy?: string;
}

export const EFFECT_CODES: Readonly<Record<Effect, string>> = {
  opens: 'IPT1001',
  closes: 'IPT1002',
  either: 'IPT1003',
  silent: 'IPT1004',
  aside: 'IPT1005',
};

/** A Kubernetes object. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels };
  readonly spec: unknown;
}

/** The rules that an element of one of a manifest's lists stems from. */
export interface Trace {
  readonly list: string;
  readonly index: number;
  readonly rules: readonly number[];
}

/** What `policy --format cilium|kubernetes|calico --json` prints. */
export interface PolicyExport {
  readonly version: 1;
  readonly generator: string;
  readonly format: Target['format'];
  readonly sources: readonly string[];
  readonly manifests: readonly Manifest[];
  /** Of each manifest, the rules that the elements of its lists stem from. */
  readonly traces: readonly (readonly Trace[])[];
  readonly residue: readonly ExportResidue[];
  /** What holds of every policy of this kind, and must hold where it is applied. */
  readonly assumptions: readonly string[];
  /** Rules that residue names, by id. */
  readonly origins: Readonly<Record<string, Origin>>;
}
