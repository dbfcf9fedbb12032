// SPDX-License-Identifier: Apache-2.0
// Policy model -> objects of Cilium, Kubernetes or Calico, and the residue that they do not say.
import type { Host } from '../../host/host.js';
import type { Family } from '../../net/family.js';
import type { Waivers } from '../../ruleset/waivers.js';
import type { Inventory } from '../inventory.js';
import { LabelBook } from '../labels.js';
import type { FamilyPolicy, PolicyModel } from '../model.js';
import { CALICO, CALICO_ASSUMPTIONS, exportCalico } from './calico.js';
import { CILIUM, CILIUM_ASSUMPTIONS, exportCilium } from './cilium.js';
import type { Drafted, ExportContext } from './context.js';
import { exportKubernetes, KUBERNETES, KUBERNETES_ASSUMPTIONS } from './kubernetes.js';
import { Planner } from './plan.js';
import { ResidueBook, tierName } from './residue-book.js';
import type { ExportResidue, PolicyExport, Target } from './target.js';

interface Kind {
  readonly target: Target;
  readonly assumptions: readonly string[];
  readonly draft: (context: ExportContext) => Drafted[];
}

const KINDS: Readonly<Record<Target['format'], Kind>> = {
  cilium: { target: CILIUM, assumptions: CILIUM_ASSUMPTIONS, draft: exportCilium },
  kubernetes: { target: KUBERNETES, assumptions: KUBERNETES_ASSUMPTIONS, draft: exportKubernetes },
  calico: { target: CALICO, assumptions: CALICO_ASSUMPTIONS, draft: exportCalico },
};

const FAMILIES = ['ipv4', 'ipv6'] as const;

export interface ExportOptions {
  readonly format: Target['format'];
  readonly inventory: Inventory;
  readonly waivers: Waivers;
}

/** `model` without labels: the inventory is applied to what policies name in the end. */
export function exportPolicy(model: PolicyModel, host: Host, options: ExportOptions): PolicyExport {
  const { target, assumptions, draft } = KINDS[options.format];
  const residue = new ResidueBook();
  const planner = new Planner(host, target, residue);
  const interfaces = host.interfaces.map(({ name }) => name).filter((name) => name !== 'lo');
  const drafted = draft({
    planner,
    residue,
    book: new LabelBook(options.inventory),
    inventory: options.inventory,
    families: FAMILIES.map((family) => familyOf(model, family)),
    interfaces,
  });
  for (const family of model.families) {
    planner.unseen(family, 'input', ['lo']);
    planner.unseen(family, 'output', ['lo']);
    if (!target.forwards) planner.unseen(family, 'forward', interfaces);
  }
  const tiers = model.families.flatMap((policy) => policy.tiers.map((tier) => tierName(policy.family, tier)));
  // Without a policy nothing is denied.
  const left = residue
    .all(tiers)
    .filter(({ effect }) => drafted.length > 0 || effect !== 'closes')
    .map((one) => waive(one, model, options.waivers));
  const named = new Set([
    ...left.flatMap(({ rules }) => rules),
    ...drafted.flatMap(({ traces }) => traces.flatMap(({ rules }) => rules)),
  ]);
  return {
    version: 1,
    generator: model.generator,
    format: options.format,
    sources: model.sources,
    manifests: drafted.map(({ manifest }) => manifest),
    traces: drafted.map(({ traces }) => traces.filter(({ rules }) => rules.length > 0)),
    residue: left,
    assumptions: [...assumptions, ...silentFamilies(model)],
    origins: Object.fromEntries(Object.entries(model.origins).filter(([id]) => named.has(Number(id)))),
  };
}

function familyOf(model: PolicyModel, family: Family): FamilyPolicy {
  return model.families.find((each) => each.family === family) ?? { family, tiers: [], lists: {} };
}

function silentFamilies(model: PolicyModel): string[] {
  return FAMILIES.filter((family) => model.families.every((each) => each.family !== family)).map(
    (family) => `No rules of ${family} were given: all of it is allowed, as by empty tables.`,
  );
}

function waive(one: ExportResidue, model: PolicyModel, waivers: Waivers): ExportResidue {
  const rule = one.rules[one.rules.length - 1];
  const [, table = '', hook = ''] = one.tier.split(' ');
  const [, origin, number] = /^(.*):(\d+)$/.exec(rule === undefined ? '' : model.origins[rule]!.rule) ?? [];
  const chain = origin?.slice(table.length + 1);
  const found = waivers.find({
    code: one.code,
    table,
    chain: chain ?? hook,
    ...(number !== undefined && { number: Number(number) }),
  });
  return found === undefined ? one : { ...one, waivedBy: found.text };
}
